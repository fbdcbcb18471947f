"""Runs that take longer than a lesson may: a script each, whose results are stored beside it.

`python -m experiments.digits` computes what is missing in `experiments/stored/digits.json`. A lesson runs one row of
the table before its reader's eyes and plots the stored ones; a test repeats the smallest row.
"""
