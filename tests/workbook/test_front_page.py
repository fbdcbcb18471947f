"""The map on the first page: stored before anything runs, and written only when it says something new."""

import json

import pytest

from workbook import front_page, record
from workbook.folder import layout, stored
from workbook.folder.copies import copy

FILES = {"notebooks/00_start_here.ipynb": "Lesson 00.ipynb", "notebooks/01_dot.ipynb": "Lesson 01.ipynb"}
CELLS = [
    {"cell_type": "markdown", "id": "top", "metadata": {}, "source": "# 00 · Start\n\n**About 20 minutes**"},
    {"cell_type": "code", "id": "progress", "metadata": {}, "source": "show_progress()"},
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / layout.MARK).mkdir()
    monkeypatch.setattr(layout, "course_files", lambda: FILES)
    stored.write(tmp_path / "Lesson 00.ipynb", copy({"cells": CELLS}, "notebooks/00_start_here.ipynb", FILES))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def shown(path):
    (output,) = next(cell for cell in stored.read(path)["cells"] if cell["id"] == "progress")["outputs"]
    return output["data"]


def test_the_map_stands_there_before_anything_runs(folder):
    front_page.put_map(folder)
    data = shown(folder / "Lesson 00.ipynb")
    assert data["text/plain"].startswith("Next: Lesson 00.\n\n00  Start ")
    assert "<a href='Lesson%2000.ipynb'>" in data["text/html"]


def test_it_is_written_only_when_it_says_something_new(folder, monkeypatch):
    front_page.put_map(folder)
    written = []
    monkeypatch.setattr(stored, "write", lambda *arguments: written.append(arguments))
    front_page.put_map(folder)
    assert written == []
    record.note("guess", "01.a", right=True)
    front_page.put_map(folder)
    assert len(written) == 1


def test_a_first_page_under_another_name_gets_it_too_and_none_is_no_matter(folder):
    path = (folder / "Lesson 00.ipynb").rename(folder / "begin.ipynb")
    front_page.put_map(folder)
    assert "Next" in shown(path)["text/plain"]
    path.unlink()
    front_page.put_map(folder)
    (folder / "Lesson 00.ipynb").write_text(json.dumps({"cells": 3}), encoding="utf-8")
    front_page.put_map(folder)
