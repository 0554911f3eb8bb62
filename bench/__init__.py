"""Benchmarks: what the gateway does in a second, beside what the same calls do with no gateway between.

Run with `python -m bench [SCENARIO ...] [--quick]`; see docs/reference/performance.md.
"""
