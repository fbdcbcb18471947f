"""The page that writes a catalogue for another subject does what it says, word for word."""

import re
import sys
from pathlib import Path

import nbformat
import pytest

from classroom import __main__ as grading
from grader import __main__ as proving

PAGE = (Path(__file__).parents[2] / "docs" / "your_own_catalogue.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"^`([\w/]+\.py)`\n```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
ANSWER = re.search(r"^`handed_in\.ipynb`[^\n]*\n```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)[1]
# A command, and what it shows.
RUNS = re.findall(r"^```\npython3 course\.py (.*?)\n```\n\n```\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def beside_the_course(tmp_path, monkeypatch):
    """The files of the page, seen from a folder beside them."""
    for name, source in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, encoding="utf-8")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(ANSWER)])
    nbformat.write(notebook, tmp_path / "handed_in.ipynb")
    (tmp_path / "course").mkdir()
    monkeypatch.chdir(tmp_path / "course")
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "weather"]:
        del sys.modules[name]


def test_the_page_has_its_files_and_its_commands():
    assert set(FILES) == {"weather/__init__.py", "weather/chapter_01/__init__.py", "weather/chapter_01/warming.py"}
    assert [command.split()[0] for command, _ in RUNS] == ["proof", "grade"]


@pytest.mark.parametrize(("command", "shown"), RUNS, ids=["proof", "grade"])
def test_the_page_shows_what_its_commands_print(beside_the_course, capsys, command, shown):
    room = {"proof": proving, "grade": grading}[command.split()[0]]
    assert room.main(command.split()) == 0
    printed = capsys.readouterr().out
    level = re.compile("answers ran .*")  # it depends on the machine
    assert level.sub("", printed.lstrip("\n")) == level.sub("", shown)
