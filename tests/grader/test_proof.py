"""The proof of a task can fail: every way in which a catalogue may be wrong is noticed."""

import dataclasses

import numpy as np
import pytest

from grader import proof
from grader.judge import judge_function
from grader.result import Outcome
from grader.task import Case, Choice, Drawn, Mistake, Property, Question

SEED = 5


def broken_rules(task):
    return {row.name for row in proof.prove_task(task, SEED) if not row.holds}


def test_a_sound_task_holds(task):
    assert broken_rules(task) == set()


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


def test_a_mistake_without_a_sentence_of_its_own_is_noticed(task):
    def silent(table, factor):
        return factor - table.sum(axis=-1)

    broken = broken_rules(dataclasses.replace(task, mistakes=(*task.mistakes, Mistake(silent))))
    assert "every mistake has a message of its own" in broken


def test_inputs_that_are_drawn_badly_are_noticed(task):
    drawn = Drawn("the factor is even", lambda table, factor: factor % 2 == 0)
    assert broken_rules(dataclasses.replace(task, drawn=(drawn,))) == {"the factor is even"}


@pytest.mark.parametrize("factor", [(3, 4), np.float64(3), 3 + 0j, {1: 2}], ids=str)
def test_inputs_that_a_child_would_get_otherwise_are_noticed(task, factor):
    def draw(rng, rows, columns):
        return {"table": rng.normal(size=(rows, columns)), "factor": factor}

    def first_of(table, factor):
        return table.sum(axis=-1)

    odd = dataclasses.replace(task, draw=draw, reference=first_of, legal=(first_of,), mistakes=task.mistakes[:0])
    assert "inputs cross to a child as they are" in broken_rules(odd)


def test_a_reference_that_writes_into_its_inputs_is_noticed(task):
    def writes(table, factor):
        table *= factor
        return table.sum(axis=-1)

    assert "the reference leaves its inputs alone" in broken_rules(dataclasses.replace(task, reference=writes))


def test_a_property_that_nothing_breaks_is_noticed(task):
    def is_there(inputs, output):
        """There is a result."""
        return True

    useless = dataclasses.replace(task, properties=(Property(is_there),))
    assert "property is_there holds for the reference and breaks for a mistake" in broken_rules(useless)


def test_rules_of_a_catalogue_are_held_too(task):
    rows = proof.prove_task(task, SEED, rules=(lambda given: [("is long", False), ("is short", True)],))
    assert {(row.name, row.holds) for row in rows} >= {("is long", False), ("is short", True)}


@pytest.mark.parametrize(
    ("choices", "rule"),
    [
        ((("1", True), ("2", True), ("3", False)), "exactly one choice is right"),
        ((("1", True), ("2", False)), "three choices or more"),
        ((("1", True), ("2", False), ("1", False)), "every choice has its own explanation"),
    ],
)
def test_a_question_that_is_none_is_noticed(choices, rule):
    asked = Question("00.q", "?", tuple(Choice(text, f"because of {text}", right) for text, right in choices))
    assert rule in {row.name for row in proof.prove_question(asked) if not row.holds}


def test_the_table_counts_what_slipped(task):
    rows = proof.prove_task(task, SEED)
    text = proof.table(rows)
    assert "mistake  column_sums" in text
    assert text.endswith(f"{sum(row.holds for row in rows)} of {len(rows)} rows hold.")
    assert text.splitlines()[-4:-2] == [
        "task         slips  mistakes  pairs told  probes  legal ways",
        "00.row_sums      0         4                   0           1",
    ]
    assert Outcome.RIGHT is judge_function(task, task.reference, SEED).outcome
