"""A class of the tests' own: a catalogue with one quick chapter, notebooks for it, and a folder for the gradebook."""

import json
import sys

import pytest

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


@pytest.fixture(scope="session")
def sums(tmp_path_factory):
    """The place of a catalogue whose chapter 01 asks for 01.row_sums (4 points), 01.extra and 01.which."""
    folder = tmp_path_factory.mktemp("place") / "sums_of_a_class"
    (folder / "chapter_01").mkdir(parents=True)
    (folder / "__init__.py").write_text(
        "from grader.catalogue import Catalogue\n\nCATALOGUE = Catalogue(__name__, seed=3)\n", encoding="utf-8"
    )
    (folder / "chapter_01" / "__init__.py").write_text(CHAPTER, encoding="utf-8")
    for name, optional in (("row_sums", False), ("extra", True)):
        source = TASK.format(name=name, optional=optional)
        (folder / "chapter_01" / f"{name}.py").write_text(source, encoding="utf-8")
    (folder / "chapter_01" / "questions.py").write_text(QUESTIONS, encoding="utf-8")
    path = list(sys.path)
    yield folder
    sys.path[:] = path
    for name in [name for name in sys.modules if name.partition(".")[0] == folder.name]:
        del sys.modules[name]


@pytest.fixture
def write_notebook(tmp_path):
    """Write a notebook of code cells, each a source or a pair (source, the task or question that it answers)."""

    def write(*cells, name="handed in.ipynb"):
        path = tmp_path / name
        path.write_bytes(notebook(*cells))
        return path

    return write
