"""Benchmarks. `python -m bench.compile` measures the compiler beside its peers; docs/performance.md says how."""
