"""Outliers: texts far from the reference."""
