"""Evaluations: cases, metrics and what an assistant scores on them. Reads no specs; `run.py` is the place to start."""
