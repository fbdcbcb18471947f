"""Grading a class: what was handed in, the gradebook, and what students and instructors get to read."""
