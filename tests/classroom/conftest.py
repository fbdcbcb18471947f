"""A class of the tests' own: a catalogue with one quick chapter, notebooks for it, and a folder for the gradebook."""

import sys

import pytest

from made_class import CHAPTER, QUESTIONS, TASK, notebook


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
