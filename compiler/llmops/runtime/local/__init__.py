"""The embedded default: models and a store that run on this machine from installed packages, with no network."""
