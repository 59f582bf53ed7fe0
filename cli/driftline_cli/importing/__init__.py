"""Import of prompt and response logs: files in, OTLP out."""
