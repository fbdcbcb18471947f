"""Grading a class: what was handed in, the gradebook, what students and instructors get to read. Stands on the grader."""
