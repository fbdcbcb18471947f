"""How the course stores a notebook: one normal form, so that a diff shows what an author changed and nothing else."""

import os
import re
import tempfile
import unicodedata

import nbformat
from nbformat import NotebookNode

METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
CELL_METADATA = ("course", "nbgrader", "slideshow", "tags")  # what a cell is for; the rest is an editor's memory
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
FOLDED = {"jupyter": {"source_hidden": True}}  # JupyterLab's word for a cell folded out of sight

# Editors give a new cell a random id: eight hexadecimal digits, or a UUID. Whatever else stands there, an author chose.
RANDOM_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})?")
VALID_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
ID_LENGTH = 40

# What a kernel says on stderr about itself, not about the course.
NOISE = re.compile(r"^.*Kernel is running over TCP without encryption.*\n?", re.MULTILINE)

# What a progress bar drew before it was drawn again from the start of the line.
REDRAWN = re.compile(r"^[^\n]*\r(?!\n)", re.MULTILINE)


class NotebookError(Exception):
    """A notebook that cannot be read, executed or released; the message is one sentence for its author."""


def read(path):
    """Return the notebook stored at `path`.

    Raises:
        NotebookError: there is no such file, or it is no notebook of format 4.
    """
    try:
        notebook = nbformat.v4.reads(path.read_text(encoding="utf-8"))
        nbformat.validate(normalize(notebook))  # as it stands its ids may be missing or double: nothing wrong with that
    except OSError as error:
        raise NotebookError(f"{path}: cannot be read ({error.strerror}).") from error
    except (ValueError, TypeError, AttributeError, nbformat.ValidationError) as error:
        raise NotebookError(f"{path}: is no notebook of format 4.") from error
    return notebook


def normalize(notebook):
    """Return a copy of `notebook` in the form in which the course stores it."""
    cells = [_cell(cell) for cell in notebook.cells]
    for cell, id in zip(cells, _ids(notebook.cells), strict=True):
        cell.id = id
    return nbformat.from_dict({"cells": cells, "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5})


def write(path, notebook):
    """Store `notebook` at `path`, the whole of it or nothing: a reader never sees half a file.

    Raises:
        NotebookError: the file cannot be written.
    """
    text = nbformat.writes(notebook, nbformat.NO_CONVERT) + "\n"
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=".tmp")
        try:
            with open(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
            os.chmod(temporary, path.stat().st_mode if path.exists() else 0o644)  # mkstemp's files are private
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise NotebookError(f"{path}: cannot be written ({error.strerror}).") from error


def _cell(cell):
    metadata = {key: value for key, value in cell.metadata.items() if key in CELL_METADATA}
    if cell.metadata.get("jupyter", {}).get("source_hidden"):
        metadata |= FOLDED
    normal = {"cell_type": cell.cell_type, "metadata": metadata, "source": cell.source}
    if cell.cell_type == "code":
        normal |= {"execution_count": cell.execution_count, "outputs": _outputs(cell.outputs)}
    elif cell.get("attachments"):
        normal["attachments"] = cell.attachments
    return nbformat.from_dict(normal)


def _outputs(outputs):
    """Drop widgets (a stored one shows nothing) but for the page that stands in for them, and noise; merge what was
    printed in pieces into one stream."""
    normal = []
    for output in outputs:
        data = output.get("data", {})
        if WIDGET_VIEW in data:
            if "text/html" not in data:
                continue
            output = nbformat.from_dict({**output, "data": {k: v for k, v in data.items() if k != WIDGET_VIEW}})
        last = normal[-1] if normal else {}
        if output.output_type != "stream":
            normal.append(output)
        elif last.get("output_type") == "stream" and last["name"] == output.name:
            last["text"] += output.text
        else:
            normal.append(NotebookNode(output))
    for output in normal:
        if output.output_type == "stream":
            output.text = REDRAWN.sub("", output.text)
        if output.get("name") == "stderr":
            output.text = NOISE.sub("", output.text)
    return [output for output in normal if output.get("text", "...")]


def _ids(cells):
    """Return one id per cell: its own where it has one, else the first words of its content."""
    owner = {}
    for index, cell in enumerate(cells):
        owner.setdefault(_own_id(cell), index)
    owner.pop("", None)
    ids = {index: id for id, index in owner.items()}
    taken = set(owner)
    for index, cell in enumerate(cells):
        if index not in ids:
            ids[index] = _unused(_own_id(cell) or _slug(cell.source) or cell.cell_type, taken)
            taken.add(ids[index])
    return [ids[index] for index in range(len(cells))]


def _own_id(cell):
    """Return the id that a cell has for good, or "". In an exercise it must not tell the choice that was there."""
    course = cell.metadata.get("course", {})
    for kind in ("answer", "question"):
        if kind in course:
            return _slug(f"{kind} {course[kind]}")
    id = cell.get("id", "")
    return id if VALID_ID.fullmatch(id) and not RANDOM_ID.fullmatch(id) else ""


def _slug(text):
    """Return the first words of `text` as an id, in plain letters and digits."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    slug = ""
    for word in re.findall(r"[a-z0-9]+", plain):
        if len(slug) + 1 + len(word) > ID_LENGTH:
            break
        slug = f"{slug}-{word}" if slug else word
    return slug


def _unused(slug, taken):
    id, number = slug, 1
    while id in taken:
        number += 1
        id = f"{slug}-{number}"
    return id
