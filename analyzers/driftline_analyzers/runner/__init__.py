"""The loop around the analyzers: what is read, which windows are tested, what is written."""
