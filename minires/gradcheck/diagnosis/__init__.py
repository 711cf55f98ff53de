"""Diagnosis: what is wrong in a hand-written backward pass, in which line, and what mends it."""
