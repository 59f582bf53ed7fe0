"""Two-sample statistics over splits of blocks, one a file. Larger means more different."""
