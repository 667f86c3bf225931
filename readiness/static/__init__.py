"""Reading the repository: one walk, each file read once, analysers that look at it, findings that are located."""
