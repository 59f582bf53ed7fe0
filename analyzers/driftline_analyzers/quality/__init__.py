"""Quality of single answers, by measures that need no model beyond the embedding model at hand."""
