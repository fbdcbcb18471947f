"""From a file to a report: whatever is handed in gets a line, and the rest is graded."""

import json
import sys

import pytest

from grader import __main__ as command_line
from grader import report
from grader.grade import find_notebooks
from grader.result import Outcome
from grader.runner import Limits
from tasks import CATALOGUE

TASK, QUESTION = CATALOGUE.task("02.scaled_scores"), CATALOGUE.question("02.why_the_root")
RIGHT_LETTER = next(letter for letter, choice in QUESTION.lettered.items() if choice.right)
ANSWER = (
    "import math\ndef scaled_scores(query, key):\n    return query @ key.swapaxes(-2, -1) / math.sqrt(query.shape[-1])"
)
GRADE = ("grade", "--catalogue", "tasks")
LIMITS = Limits(seconds=2, patience=600)  # of computing; by the clock as long as it takes on a busy machine


def outcomes(graded):
    return {result.id: result.outcome for result in graded.results}


def test_right_answers_earn_their_points(write_notebook, grade_file):
    graded = grade_file(write_notebook((ANSWER, TASK.id), f'answer("{QUESTION.id}", "{RIGHT_LETTER}")'), seed=4)
    assert graded.chapter == "02"
    assert outcomes(graded)[TASK.id] is outcomes(graded)[QUESTION.id] is Outcome.RIGHT
    assert graded.points == TASK.points + QUESTION.points
    assert graded.worth == CATALOGUE.chapter("02").points


@pytest.mark.parametrize("seed", [0, 1, 2**31 - 1])
def test_the_verdict_does_not_depend_on_the_seed(write_notebook, seed, grade_file):
    wrong = ANSWER.replace("math.sqrt", "")
    graded = grade_file(write_notebook((wrong, TASK.id)), seed=seed)
    assert next(result for result in graded.results if result.id == TASK.id).mistake == "divided_by_d_k"


@pytest.mark.parametrize(
    ("source", "outcome"),
    [
        ("def scaled_scores(query, key):\n    return ...", Outcome.NOT_ATTEMPTED),
        ("def scaled_scores(query, key):\n    return 1 / 0", Outcome.RAISED),
        ("def scaled_scores(query, key):\n    return query", Outcome.WRONG),
        ("def scaled_scores(query, key):\n    while True: pass", Outcome.TIMED_OUT),
        ("import os\ndef scaled_scores(query, key):\n    os._exit(0)", Outcome.CRASHED),
        ("def scaled_scores(query, key) return", Outcome.UNREADABLE),
        ("def scores(query, key): return 1", Outcome.UNREADABLE),
        (
            "from course_lib import dot_product_scores as f\ndef scaled_scores(q, k):\n    return f(q, k)",
            Outcome.BORROWED,
        ),
    ],
)
def test_outcomes_are_told_apart_and_cost_no_other_answer_its_points(write_notebook, source, outcome, grade_file):
    path = write_notebook((source, TASK.id), f'answer("{QUESTION.id}", "{RIGHT_LETTER}")')
    graded = grade_file(path, seed=4, limits=LIMITS)
    assert outcomes(graded)[TASK.id] is outcome
    assert graded.points == QUESTION.points
    assert graded.worth == CATALOGUE.chapter("02").points


def test_a_notebook_of_another_chapter_is_told(write_notebook, grade_file):
    path = write_notebook((ANSWER, TASK.id))
    graded = grade_file(path, seed=4, chapter="03")
    assert "is the exercise of chapter 02; chapter 03 was asked for" in graded.problem
    assert (graded.points, graded.worth) == (0, CATALOGUE.chapter("03").points)


def test_a_notebook_without_answers_is_told(write_notebook, grade_file):
    assert "answers no task of this catalogue" in grade_file(write_notebook("x = 1"), seed=4).problem


def test_folders_are_searched_and_missing_paths_told(tmp_path, write_notebook):
    path = write_notebook("x = 1")
    (tmp_path / ".ipynb_checkpoints").mkdir()
    (tmp_path / ".ipynb_checkpoints" / "old.ipynb").write_text("{}", encoding="utf-8")
    assert find_notebooks([tmp_path, path]) == [path]
    with pytest.raises(FileNotFoundError, match="does not exist"):
        find_notebooks([tmp_path / "gone"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="holds no notebook"):
        find_notebooks([tmp_path / "empty"])


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


def test_optional_tasks_are_reported_and_left_out_of_the_sums(write_notebook, grade_file):
    """Only the chapter's optional task is answered."""
    optional = next(task for task in CATALOGUE.chapter("02").tasks if task.optional)
    source = f"import numpy as np\ndef {optional.function}(weights):\n    "
    source += "return -np.nan_to_num(weights * np.log(weights)).sum(axis=-1)"
    graded = grade_file(write_notebook((source, optional.id)), seed=4)
    assert outcomes(graded)[optional.id] is Outcome.RIGHT
    assert (graded.points, graded.worth) == (0, CATALOGUE.chapter("02").points)
    assert f"+ {optional.id:<28} optional  right" in report.as_text(graded)
    data = next(one for one in report.as_data(graded)["results"] if one["id"] == optional.id)
    assert (data["optional"], data["points"], data["worth"]) == (True, 0, 0)


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


def test_a_folder_named_as_a_notebook_is_searched(tmp_path, write_notebook):
    path = write_notebook("x = 1")
    (tmp_path / "all.ipynb").mkdir()
    inside = path.rename(tmp_path / "all.ipynb" / "one.ipynb")
    assert find_notebooks([tmp_path]) == [inside]


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


def test_the_report_as_data_is_plain(write_notebook, grade_file):
    graded = grade_file(write_notebook((ANSWER, TASK.id)), seed=4)
    assert json.loads(json.dumps(report.as_data(graded)))["points"] == graded.points


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
