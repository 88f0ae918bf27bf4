"""Monitors: signals over logged interactions. `signals.py` holds the registry."""
