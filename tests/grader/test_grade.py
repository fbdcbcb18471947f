"""From a file to a report: whatever is handed in gets a line, and the rest is graded."""

import json

import pytest

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


def test_a_folder_named_as_a_notebook_is_searched(tmp_path, write_notebook):
    path = write_notebook("x = 1")
    (tmp_path / "all.ipynb").mkdir()
    inside = path.rename(tmp_path / "all.ipynb" / "one.ipynb")
    assert find_notebooks([tmp_path]) == [inside]


def test_the_report_as_data_is_plain(write_notebook, grade_file):
    graded = grade_file(write_notebook((ANSWER, TASK.id)), seed=4)
    assert json.loads(json.dumps(report.as_data(graded)))["points"] == graded.points
