"""Notebooks, and the source of a catalogue with one quick chapter."""

import json

CHAPTER = '''
"""Sums."""
TITLE = "Sums"
TASKS = ("row_sums", "extra")
'''
TASK = '''
"""Sums of rows."""
import numpy as np
from grader.task import Case, Task

def draw(rng, rows, columns):
    return {{"table": rng.normal(size=(rows, columns))}}

def {name}(table):
    return table.sum(axis=-1)

TASK = Task(
    id="01.{name}", title="Sums of rows", difficulty=1, minutes=2, reference={name}, draw=draw, optional={optional},
    cases=(Case("2 rows", dict(rows=2, columns=3), points=1), Case("4 rows", dict(rows=4, columns=5), points=3)),
    mistakes=(), legal=(), hints=("Along which axis?",),
)
'''
QUESTIONS = '''
"""One question."""
from grader.task import Choice, Question

QUESTIONS = (
    Question(id="01.which", text="Which axis is summed?", points=2, choices=(
        Choice("the first", "No."), Choice("the last", "Yes.", right=True), Choice("none", "There is one."),
    )),
)
'''
RIGHT = "def row_sums(table):\n    return table.sum(axis=-1)"
WRONG = "def row_sums(table):\n    return table.sum(axis=-1) + 1"


def notebook(*cells):
    """Return the bytes of a notebook of code cells, each a source or a pair (source, the task or question)."""
    written = []
    for cell in cells:
        source, answer = cell if isinstance(cell, tuple) else (cell, None)
        metadata = {"course": {"answer": answer}} if answer else {}
        written.append({"cell_type": "code", "metadata": metadata, "source": source})
    return json.dumps({"cells": written, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}).encode()
