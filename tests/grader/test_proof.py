"""The proof of the grader holds for the whole catalogue; and the proof itself can fail."""

import ast
import dataclasses
import inspect
import textwrap
from pathlib import Path

import numpy as np
import pytest

from grader import catalogue, proof
from grader.judge import judge_task
from grader.result import Outcome
from grader.runner import Limits, run_program
from grader.submission import Cell, Submission
from grader.task import Case, Mistake

TASKS = [task for chapter in catalogue.CHAPTERS for task in chapter.tasks]
QUESTIONS = [question for chapter in catalogue.CHAPTERS for question in chapter.questions]


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.id)
def test_the_proof_holds(task):
    slipped = [row for row in proof.prove_task(task) if not row.holds]
    assert not slipped, proof.table(slipped)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.id)
def test_a_question_has_one_right_choice_and_explains_all(question):
    assert all(row.holds for row in proof.prove_question(question))


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.id)
def test_the_judge_outside_says_what_the_judge_inside_says(task):
    """Every mistake, legal way and borrowed answer through the child process, from its source."""
    cases_inputs = [task.inputs(case, proof.SEED) for case in task.cases]
    attempts = [mistake.compute for mistake in task.mistakes], task.legal, task.borrowed
    some = 1 if task.library == "torch" else None  # a process that loads PyTorch takes a second or more
    for function in (function for kind in attempts for function in kind[:some]):
        replies = run_program(
            as_program(function), cases_inputs, finished=task.finished, library=task.library, limits=Limits(seconds=60)
        )
        outside = judge_task(task, cases_inputs, replies)
        inside = proof.judge_function(task, function, proof.SEED)
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


def broken_rules(task):
    return {row.name for row in proof.prove_task(task) if not row.holds}


def test_a_mistake_that_computes_the_right_thing_is_noticed(task):
    def not_a_mistake(table, factor):
        """This is right, in fact."""
        return factor * table.sum(axis=1)

    assert "not_a_mistake" in broken_rules(dataclasses.replace(task, mistakes=(*task.mistakes, Mistake(not_a_mistake))))


def test_two_mistakes_with_one_output_are_noticed(task):
    def factor_forgotten(table, factor):
        """The same mistake in other words."""
        return np.einsum("ij->i", table)

    broken = broken_rules(dataclasses.replace(task, mistakes=(*task.mistakes, Mistake(factor_forgotten))))
    assert {"factor_forgotten", "no two mistakes share all their outputs"} <= broken


def test_a_wrong_answer_among_the_legal_ones_is_noticed(task):
    def sums_of_columns(table, factor):
        return factor * table.sum(axis=0)

    assert "sums_of_columns" in broken_rules(dataclasses.replace(task, legal=(sums_of_columns,)))


def test_a_case_that_catches_nothing_is_noticed(task):
    def draw_zeros(rng, rows):
        return {"table": np.zeros((rows, rows, rows)), "factor": 1}

    def sum_of_zeros(table, factor):
        return np.zeros(table.shape[:-1])

    useless = Case("zeros", {"rows": 2}, draw=draw_zeros)
    blind = dataclasses.replace(task, cases=(*task.cases, useless), mistakes=task.mistakes[1:2], legal=(sum_of_zeros,))
    assert "every case catches a mistake" in broken_rules(blind)


def test_equal_sizes_and_a_saturated_softmax_are_noticed(task):
    def one_hot(table, factor):
        return np.eye(len(table), 3)

    square = dataclasses.replace(task, cases=(Case("square", {"rows": 3, "columns": 3}),), weights=one_hot)
    assert {"all sizes of a case differ", "several sizes", "softmax neither one-hot nor uniform"} <= broken_rules(
        square
    )


def test_the_table_counts_what_slipped(task):
    rows = proof.prove_task(task)
    text = proof.table(rows)
    assert "mistake  column_sums" in text
    assert f"{sum(row.holds for row in rows)} of {len(rows)} hold." in text
    assert Outcome.RIGHT is proof.judge_function(task, task.reference, proof.SEED).outcome
