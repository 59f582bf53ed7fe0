"""Rules run over samples in memory: unit test files in promtool's format."""
