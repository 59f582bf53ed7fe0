"""Explanations of a shift."""
