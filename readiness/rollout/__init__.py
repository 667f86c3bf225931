"""The judge of a canary: promote, hold or roll back, from counters of both arms. Pure: no clock, no network."""
