"""Side-by-side measurements, each with a peer in the same run."""
