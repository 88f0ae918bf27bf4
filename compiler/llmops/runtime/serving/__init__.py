"""Serves the applications of a bundle over HTTP: guarded, attested, recorded."""
