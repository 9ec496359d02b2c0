"""Benches: see README.md."""
