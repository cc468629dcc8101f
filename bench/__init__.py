"""Benchmarks: what the warehouse costs, and what others take for the same work."""
