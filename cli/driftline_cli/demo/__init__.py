"""The demo: an assistant, a week of its traffic, and what Driftline makes of it."""
