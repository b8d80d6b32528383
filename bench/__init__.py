"""Benchmarks and measurements, run by hand: python -m bench.NAME --help."""
