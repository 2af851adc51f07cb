"""The command line: one file per command, and the folder and page that each run leaves."""
