"""A small task of the tests' own, so that they do not depend on what the chapters ask."""

import json

import numpy as np
import pytest

from grader.task import Case, Mistake, Property, Task


def draw_table(rng, rows, columns):
    return {"table": rng.normal(size=(rows, columns)), "factor": 3}


def row_sums(table, factor):
    return factor * table.sum(axis=-1)


def column_sums(table, factor):
    """These are the sums of the columns."""
    return factor * table.sum(axis=0)


def without_factor(table, factor):
    """The factor is missing."""
    return table.sum(axis=-1)


def with_nan(table, factor):
    """A logarithm of a negative number."""
    return factor * np.log(table.sum(axis=-1))


def bad_axis(table, factor):
    """A table has no third axis."""
    return factor * table.sum(axis=2)


def is_finite(inputs, output):
    """Every row has a sum."""
    return bool(np.isfinite(output).all())


@pytest.fixture
def task():
    return Task(
        id="00.row_sums",
        title="Row sums",
        difficulty=1,
        minutes=2,
        reference=row_sums,
        draw=draw_table,
        cases=(
            Case("2 rows", {"rows": 2, "columns": 3}, points=1),
            Case("4 rows in float32", {"rows": 4, "columns": 5}, points=2, dtype="float32"),
        ),
        mistakes=tuple(Mistake(wrong) for wrong in (column_sums, without_factor, with_nan, bad_axis)),
        legal=(row_sums,),
        hints=("Along which axis?",),
        finished=("statistics.fmean", "math.fsum"),
        properties=(Property(is_finite),),
    )


@pytest.fixture
def write_notebook(tmp_path):
    """Write a notebook of code cells, each a source or a pair (source, the task or question it answers)."""

    def write(*cells, name="handed in.ipynb", key="answer"):
        written = []
        for cell in cells:
            source, answer = cell if isinstance(cell, tuple) else (cell, None)
            metadata = {"course": {key: answer}} if answer else {}
            written.append({"cell_type": "code", "metadata": metadata, "source": source.splitlines(keepends=True)})
        path = tmp_path / name
        path.write_text(
            json.dumps({"cells": written, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}), encoding="utf-8"
        )
        return path

    return write
