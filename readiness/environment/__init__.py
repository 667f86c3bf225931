"""Where a release is judged: what is started for a run, and what is only looked at."""
