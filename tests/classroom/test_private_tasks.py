"""Tasks in a folder of the instructor's own: their exercise is made and handed out, they are graded like any other, and
an answer cannot read them."""

import json
import re
import sys
import textwrap
from pathlib import Path

import pytest

from authoring.__main__ import main as authoring
from classroom.__main__ import main as classroom
from grader.catalogue import load_catalogue
from grader.grade import Judge
from grader.handed_in import HandedIn
from grader.result import Outcome

PAGE = (Path(__file__).parents[2] / "docs" / "your_own_catalogue.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"^`([\w/]+\.py)`\n```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
ANSWER = "def warming(temperature):\n    return temperature[:, 1:] - temperature[:, :-1]\n"
SOLUTION = '''def warming(temperature):
    """Return how much warmer each day was than the one before."""
    ### BEGIN SOLUTION
    return temperature[:, 1:] - temperature[:, :-1]
    ### END SOLUTION'''


@pytest.fixture
def exam(tmp_path, monkeypatch):
    """The catalogue of the page on catalogues, as the exam of chapter 90, with its notebook."""
    folder = tmp_path / "exam"
    for name, source in FILES.items():
        path = folder / name.removeprefix("weather/").replace("chapter_01", "chapter_90")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source.replace('"01.', '"90.'), encoding="utf-8")
    cells = [
        {"cell_type": "markdown", "id": "title", "metadata": {}, "source": "# Exam"},
        {
            "cell_type": "code",
            "id": "answer",
            "metadata": {"course": {"answer": "90.warming"}},
            "source": SOLUTION,
            "outputs": [],
            "execution_count": None,
        },
    ]
    (folder / "solutions").mkdir()
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (folder / "solutions" / "90_exam.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == "exam"]:
        del sys.modules[name]


def handed_in(source):
    cell = {"cell_type": "code", "metadata": {"course": {"answer": "90.warming"}}, "source": source}
    return HandedIn("handed_in.ipynb", json.dumps({"cells": [cell]}).encode())


@pytest.fixture
def judge(exam):
    with Judge(load_catalogue(exam), 7, trust=True) as judge:
        yield judge


def test_its_exercise_is_made_handed_out_and_shows_no_answer(exam, tmp_path, capsys):
    assert authoring(["release", "--of", str(exam)]) == 0
    assert authoring(["release", "--of", str(exam), "--check"]) == 0
    folder = tmp_path / "course"
    assert classroom(["handout", "--into", str(folder), "--chapter", "01", "--catalogue", str(exam)]) == 0
    text = (folder / "exercises" / "90_exam.ipynb").read_text(encoding="utf-8")
    assert "return ..." in text
    assert '"grade_id": "90-warming"' in text
    assert json.loads((folder / "handout.json").read_text("utf-8"))["exercises"][-1] == "90_exam.ipynb"
    everything = [path for path in folder.rglob("*") if path.is_file()]
    assert not [path for path in everything if b"90.warming" in path.read_bytes() and path.suffix != ".ipynb"]
    assert not [path for path in everything if b"temperature[:, 1:]" in path.read_bytes()]


def test_an_exam_without_its_exercise_is_told(exam, tmp_path, capsys):
    assert classroom(["handout", "--into", str(tmp_path / "new"), "--catalogue", str(exam)]) == 2
    assert "`course.py release --of" in capsys.readouterr().err


def test_it_is_graded_like_any_other(judge):
    assert judge.grade(handed_in(ANSWER), chapter="90").points == 3
    (wrong,) = judge.grade(handed_in(ANSWER.replace("temperature[:, :-1]", "temperature[:, :1]")), chapter="90").results
    assert (wrong.points, wrong.mistake) == (0, "the_first_day")


@pytest.mark.parametrize(
    "way",
    [
        "from exam.chapter_90.warming import warming as found",
        "import importlib; found = importlib.import_module('exam.chapter_90.warming').warming",
        "import sys; sys.path.insert(0, {parent!r}); from exam.chapter_90.warming import warming as found",
        "space = {{}}; exec(open({file!r}).read(), space); found = space['warming']",
        "import runpy; found = runpy.run_path({file!r})['warming']",
        "import os; found = [None for name in os.listdir({folder!r}) for _ in open(os.path.join({folder!r}, name))]",
    ],
)
def test_an_answer_cannot_read_it(exam, judge, way):
    reads = "open(" in way or "run_path" in way
    if reads and not judge._runner.level.holds:
        pytest.skip(f"answers run {judge.level}: files can be read there")
    places = {"parent": str(exam.parent), "folder": str(exam), "file": str(exam / "chapter_90" / "warming.py")}
    body = textwrap.indent(way.format(**places), "    ")
    source = f"def warming(temperature):\n{body}\n    return found(temperature) if found else temperature[:, 1:]\n"
    (result,) = judge.grade(handed_in(source), chapter="90").results
    assert result.outcome is not Outcome.RIGHT
    assert result.points == 0
    assert result.outcome in (Outcome.RAISED, Outcome.UNREADABLE), result.message
