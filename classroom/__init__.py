"""Grading a class: what was handed in, the gradebook, what people get to read of it. Stands on the grader."""
