"""The command line: `main.py` is the only exit, every verb is one file."""
