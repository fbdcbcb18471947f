"""The course's tasks: the proof holds for every one, in process and out; every file in tasks/ has its place."""

import ast
import dataclasses
import inspect
import textwrap
from pathlib import Path

import numpy as np
import pytest

from grader import proof
from grader.judge import judge_function, judge_task, terms_of
from grader.runner import Child
from grader.submission import Cell, Submission
from grader.task import Case
from tasks import CATALOGUE, rules

ROOT = Path(__file__).parents[2] / "tasks"
TASKS = [task for chapter in CATALOGUE.chapters for task in chapter.tasks]
QUESTIONS = [question for chapter in CATALOGUE.chapters for question in chapter.questions]


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.id)
def test_the_proof_holds(task):
    slipped = [row for row in proof.prove_task(task, CATALOGUE.seed, CATALOGUE.rules) if not row.holds]
    assert not slipped, proof.table(slipped)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.id)
def test_a_question_has_one_right_choice_and_explains_all(question):
    assert all(row.holds for row in proof.prove_question(question))


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.id)
def test_the_judge_outside_says_what_the_judge_inside_says(task):
    """Every mistake, legal way and borrowed answer through the child process, from its source."""
    attempts = [mistake.compute for mistake in task.mistakes], task.legal, task.borrowed
    some = 1 if task.library == "torch" else None  # a process that loads PyTorch takes a second or more
    for function in (function for kind in attempts for function in kind[:some]):
        with Child(as_program(function), terms_of(task, CATALOGUE.own), hidden=CATALOGUE.hidden) as child:
            outside = judge_task(task, CATALOGUE.seed, child)
        inside = judge_function(task, function, CATALOGUE.seed, CATALOGUE.own)
        assert (outside.outcome, outside.message, outside.mistake, outside.points) == (
            inside.outcome,
            inside.message,
            inside.mistake,
            inside.points,
        ), function.__name__


def as_program(function):
    """Return the program of a notebook with this answer, under a name that no mistake uses for the right one, and with
    the function's module in another cell."""
    answer = textwrap.dedent(inspect.getsource(function)) + f"\nsubmitted = {function.__name__}\n"
    sources = (inspect.getsource(inspect.getmodule(function)), answer)
    cells = tuple(Cell(source, "", tuple(ast.parse(source).body)) for source in sources)
    return Submission(Path("handed in.ipynb"), cells).program("00.submitted")


def test_every_file_is_a_task_or_named_here():
    """What is in no chapter serves several of them; a chapter's own files are held by the catalogue as it loads."""
    found = {path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py")}
    in_chapters = {
        f"chapter_{chapter.number}/{name}.py"
        for chapter in CATALOGUE.chapters
        for name in ("__init__", "questions", *(task.function for task in chapter.tasks))
    }
    assert found - in_chapters == {"__init__.py", "draws.py", "rules.py"}
    assert in_chapters <= found


def test_every_task_has_an_id_of_its_own():
    ids = [item.id for item in (*TASKS, *QUESTIONS)]
    assert len(set(ids)) == len(ids)


def broken(rule, **changes):
    changed = dataclasses.replace(TASKS[0], **changes)
    return {name for name, holds in rule(changed) if not holds}


def test_too_little_of_anything_is_noticed():
    nothing = dict(mistakes=(), legal=(), cases=(), hints=(), minutes=0)
    assert len(broken(rules.enough, **nothing)) == len(nothing)
    assert broken(rules.enough) == set()


def test_sizes_that_hide_a_transpose_are_noticed():
    square = (Case("square", {"rows": 3, "columns": 3}),)
    assert broken(rules.telling_sizes, cases=square) == {"all sizes of a case differ", "several sizes"}
    assert broken(rules.telling_sizes) == set()


@pytest.mark.parametrize(
    ("weights", "informative"),
    [
        (np.eye(3, 4), False),
        (np.full((3, 4), 0.25), False),
        (np.array([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3]]), True),
        (np.array([[0.7, 0.3, 0.0], [1.0, 0.0, 0.0]]), True),  # a row with one key left has no choice, and says nothing
        (np.array([[1.0, 0.0], [0.0, 1.0]]), False),
    ],
)
def test_a_softmax_that_hides_mistakes_is_noticed(weights, informative):
    drawn = rules.informative(lambda value: value)
    assert drawn.name == "softmax neither one-hot nor uniform"
    assert bool(drawn.holds(weights)) is informative
