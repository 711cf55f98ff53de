"""The exercises of each lesson: checks, reference solutions, hints."""
