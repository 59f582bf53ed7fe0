"""Drift: two-sample statistics, and the test that calibrates them over whole sessions."""
