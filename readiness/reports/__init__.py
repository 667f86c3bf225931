"""What a run leaves behind: one `Decision` in, files out; every file is a pure function of `report.json`."""
