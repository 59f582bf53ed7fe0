"""Rules run without being in service: over the samples of a unit test, or over the store's past."""
