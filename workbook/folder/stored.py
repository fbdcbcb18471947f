"""A notebook as it is stored, read and written as JSON alone: loading nbformat takes a second."""

import json

from workbook.folder import disk


class NotANotebookError(ValueError):
    """What a file holds is no notebook; the message says why in a few words."""


def read(path):
    """Return the notebook at `path` as nested dictionaries; the source of every cell is one text.

    Raises:
        NotANotebookError: the file is no text, no JSON, or no notebook of format 4.
        OSError: it cannot be read.
    """
    try:
        notebook = json.loads(path.read_bytes().decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise NotANotebookError("it is no JSON any more") from error
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list) or not all(_is_cell(cell) for cell in cells):
        raise NotANotebookError("it has no list of cells")
    if notebook.get("nbformat", 4) != 4:
        raise NotANotebookError(f"it is of format {notebook['nbformat']}, not 4")
    if not isinstance(notebook.get("metadata"), dict):
        notebook["metadata"] = {}
    for cell in cells:
        cell["source"] = "".join(cell["source"])
        if not isinstance(cell.get("metadata"), dict):
            cell["metadata"] = {}
        if not isinstance(cell.get("id"), str):
            cell.pop("id", None)
        if cell["cell_type"] == "code":
            cell.setdefault("execution_count", None)
            cell["outputs"] = cell["outputs"] if isinstance(cell.get("outputs"), list) else []
    return notebook


def write(path, notebook):
    """Store a notebook, laid out as Jupyter lays it out.

    Raises:
        FolderError: it cannot be written.
    """
    cells = [{**cell, "source": cell["source"].splitlines(keepends=True)} for cell in notebook["cells"]]
    text = json.dumps({**notebook, "cells": cells}, indent=1, sort_keys=True, ensure_ascii=False)
    disk.write(path, text.encode("utf-8", "replace").decode("utf-8") + "\n")


def course_of(notebook):
    """Return what a learner's notebook says of itself: {"notebook": the course's file, "version": ...}; {} if
    nothing."""
    course = notebook["metadata"].get("course")
    texts = isinstance(course, dict) and all(isinstance(course.get(key), str) for key in ("notebook", "version"))
    return course if texts else {}


def mark(cell):
    """Return the task or question that a cell is there to answer, or ""."""
    course = cell["metadata"].get("course")
    course = course if isinstance(course, dict) else {}
    return str(course.get("answer") or course.get("question") or "")


def _is_cell(cell):
    source = cell.get("source", None) if isinstance(cell, dict) else None
    parts = source if isinstance(source, list) else [source]
    return all(isinstance(part, str) for part in parts) and isinstance(cell.get("cell_type"), str)
