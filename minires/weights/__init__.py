"""Weights of nets: files, and the names that others give them."""
