"""The public Python API of optsearch: search, look at what was found, take it away, extend."""
