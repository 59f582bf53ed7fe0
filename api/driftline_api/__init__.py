"""Driftline's HTTP API and web page."""
