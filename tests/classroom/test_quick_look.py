"""The command that grades a few notebooks: reports on paper, and what is wrong with a call."""

import json
import sys

import pytest

from classroom import __main__ as command_line
from grader.grade import find_notebooks
from tasks import CATALOGUE

TASK = CATALOGUE.task("02.scaled_scores")
ANSWER = (
    "import math\ndef scaled_scores(query, key):\n    return query @ key.swapaxes(-2, -1) / math.sqrt(query.shape[-1])"
)
GRADE = ("grade", "--catalogue", "tasks", "--trust")


def test_the_command_prints_a_report_and_writes_json(tmp_path, write_notebook, capsys):
    write_notebook((ANSWER, TASK.id), name="a.ipynb")
    (tmp_path / "b.ipynb").write_text("{", encoding="utf-8")
    code = command_line.main([*GRADE, str(tmp_path), "--seed", "9", "--json", str(tmp_path / "out.json")])
    printed = capsys.readouterr().out
    assert code == 1  # one file could not be graded
    assert f"+ 02.scaled_scores              {TASK.points} of  {TASK.points}  right" in " ".join(printed.split(" "))
    assert "is no Jupyter notebook" in printed
    first, second = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert (first["seed"], first["chapter"], first["problem"]) == (9, "02", "")
    right = next(result for result in first["results"] if result["id"] == TASK.id)
    assert right["points"] == right["worth"] == sum(case["worth"] for case in right["cases"])
    assert "not JSON" in second["problem"]


def test_texts_of_others_cannot_break_a_report(write_notebook, capsys):
    source = "def scaled_scores(query, key):\n    raise ValueError('\\ud800\\x1b[2J\\n  + all right')"
    path = write_notebook((source, TASK.id))
    assert command_line.main([*GRADE, str(path), "--json", str(path.with_suffix(".json"))]) == 0
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert "\n  + all right" not in printed
    json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems refuse such names")
def test_a_name_that_is_no_text_is_graded(write_notebook, capsys):
    path = write_notebook((ANSWER, TASK.id))
    path.rename(path.with_name("\udcff.ipynb"))
    assert command_line.main([*GRADE, str(path.parent), "--json", str(path.with_suffix(".json"))]) == 0
    assert f"{TASK.points} of" in capsys.readouterr().out
    json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "options", [["--seed", "-1"], ["--time-limit", "nan"], ["--time-limit", "0"], ["--memory-limit", "x"]]
)
def test_a_limit_that_is_none_is_refused(options):
    with pytest.raises(SystemExit):
        command_line.main([*GRADE, "x.ipynb", *options])


def test_a_report_that_cannot_be_written_is_told_before_the_work(write_notebook, capsys):
    path = write_notebook((ANSWER, TASK.id))
    assert command_line.main([*GRADE, str(path), "--json", str(path.parent / "gone" / "out.json")]) == 2
    assert capsys.readouterr().out == ""


def test_a_wrong_path_is_one_sentence(capsys):
    assert command_line.main([*GRADE, "no such file.ipynb"]) == 2
    assert capsys.readouterr().err == "no such file.ipynb does not exist.\n"


# A learner's own folder, in which all lessons and exercises lie together ----------------------------------------------


@pytest.fixture
def learners(tmp_path, write_notebook):
    """A learner's folder with an exercise, a lesson, notes, and what was put aside."""
    (tmp_path / ".course" / "bases").mkdir(parents=True)
    (tmp_path / "kept").mkdir()
    exercise = write_notebook((ANSWER, TASK.id))
    notebook = json.loads(exercise.read_text(encoding="utf-8"))
    folder = tmp_path / "Exercise 02.ipynb"
    exercise.replace(folder)
    for aside in (".course/bases/02.ipynb", "kept/Exercise 02.ipynb"):
        (tmp_path / aside).write_text(json.dumps(notebook), encoding="utf-8")
    lesson = {"cells": [{"cell_type": "code", "source": ANSWER, "metadata": {}}], "nbformat": 4, "nbformat_minor": 5}
    lesson["metadata"] = {"course": {"notebook": "notebooks/02_scaling.ipynb"}}
    (tmp_path / "Lesson 02.ipynb").write_text(json.dumps(lesson), encoding="utf-8")
    (tmp_path / "notes.ipynb").write_text(json.dumps({**lesson, "cells": [], "metadata": {}}), encoding="utf-8")
    return tmp_path


def test_in_a_learners_folder_the_exercises_alone_are_graded(learners, capsys):
    assert command_line.main([*GRADE, str(learners)]) == 0
    said = capsys.readouterr().out
    assert said.count(".ipynb: ") == 1
    assert "Exercise 02.ipynb: chapter 02" in said


def test_exercises_of_other_chapters_lie_there_too(learners, capsys):
    assert command_line.main([*GRADE, str(learners), "--chapter", "03"]) == 1
    assert capsys.readouterr() == ("", "None of the notebooks found answers what is asked.\n")
    assert command_line.main([*GRADE, str(learners / "Exercise 02.ipynb"), "--chapter", "03"]) == 1


def test_a_spoiled_notebook_in_a_learners_folder_is_told(learners, capsys):
    (learners / "Exercise 03.ipynb").write_text("{", encoding="utf-8")
    assert command_line.main([*GRADE, str(learners)]) == 1
    assert "Exercise 03.ipynb is no Jupyter notebook" in capsys.readouterr().out


def test_folders_of_several_learners_are_searched(learners):
    others = learners.parent / "class"
    others.mkdir()
    learners.rename(others / "learner")
    assert [path.name for path in find_notebooks([others])] == ["Exercise 02.ipynb", "Lesson 02.ipynb", "notes.ipynb"]


def test_a_zip_file_is_for_a_class(tmp_path, capsys):
    (tmp_path / "all.zip").write_bytes(b"PK")
    assert command_line.main([*GRADE, str(tmp_path / "all.zip")]) == 2
    assert "is a zip file: with --into my_class" in capsys.readouterr().err
