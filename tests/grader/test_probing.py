"""What is seen of an answer that nothing known explains: dependences, relations, probes that end where they must."""

import dataclasses

import numpy as np
import pytest

from grader.call import Terms, in_process
from grader.judge import judge_function
from grader.probing import dependence, run_probe
from grader.relations import relation
from grader.task import Probe

NUMPY = Terms()
TABLE = {"table": np.array([[1.0, 2.0, 4.0], [7.0, 3.0, 5.0]]), "factor": 3}


def seen(task, answer):
    return dependence(task, TABLE, in_process(answer, NUMPY), np.random.default_rng(0))


def test_a_place_that_counts_though_it_should_not_is_told(task):
    def running(table, factor):
        return factor * table.sum(axis=-1).cumsum()

    assert (
        seen(task, running)
        == "In this case, when table[0] alone is changed, your result changes at [1], and should not."
    )


def test_a_place_that_does_not_count_though_it_should_is_told(task):
    def first_row_twice(table, factor):
        return factor * table.sum(axis=-1)[[0, 0]]

    assert "table[0] alone is changed, your result changes at [1], and should not" in seen(task, first_row_twice)

    def constant_row(table, factor):
        return factor * np.array([table[0].sum(), 0.0])

    assert (
        seen(task, constant_row)
        == "In this case, when table[1] alone is changed, your result stays the same at [1]; it should change."
    )


def test_nan_that_stays_does_not_depend_on_anything(task):
    """Row 0 is NaN whatever stands in the table: what should change and does not is told, and nothing else."""

    def first_row_lost(table, factor):
        sums = factor * table.sum(axis=-1)
        return np.array([np.nan, sums[1]])

    told = "In this case, when table[0] alone is changed, your result stays the same at [0]; it should change."
    assert seen(task, first_row_lost) == told


def test_right_dependences_are_nothing_to_tell(task):
    assert seen(task, lambda table, factor: table.sum(axis=-1) ** 3) is None
    assert seen(task, lambda table, factor: table) is None


def test_an_answer_that_is_not_the_same_twice_is_told(task):
    rng = np.random.default_rng(3)

    def shaken(table, factor):
        return factor * table.sum(axis=-1) + rng.normal(size=len(table))

    result = judge_function(task, shaken, 5)
    assert "Called twice with the same inputs, your result is first " in result.message
    assert result.told_by == "probe"


def test_nan_twice_is_the_same(task):
    result = judge_function(task, lambda table, factor: np.full(len(table), np.nan, table.dtype), 5)
    assert "twice" not in result.message


EXPECTED = np.array([[0.5, -2.0, 8.0], [3.0, 1.0, -4.0]])


@pytest.mark.parametrize(
    ("yours", "words"),
    [
        (-EXPECTED, "Here every number has the wrong sign."),
        (EXPECTED * 3**0.5, "Here every number is 1.732 times the expected one: the root of d_k = 3."),
        (EXPECTED / 2, "Here every number is 0.5 times the expected one: 1 / rows, with rows = 2 here."),
        (EXPECTED * 0.77, "Here every number is 0.77 times the expected one."),
        (EXPECTED + 2.5, "Here every number is 2.5 too large."),
        (EXPECTED[:, ::-1], "axis 1 in reverse order"),
        (np.roll(EXPECTED, 1, axis=1), "moved by one place along axis 1"),
        (EXPECTED.ravel()[[3, 1, 0, 5, 4, 2]].reshape(2, 3), "in another order"),
        (
            EXPECTED * np.array([[2.0], [0.1]]),
            "Here each row is the expected one times a number of its own; the first by 2.",
        ),
        (
            EXPECTED + np.array([[2.0], [0.1]]),
            "Here each row is the expected one plus a number of its own; the first plus 2.",
        ),
        (EXPECTED * (1 + 1e-6 * np.sin(EXPECTED)), "nearly right, but not quite"),
        (EXPECTED + np.array([0.0, 0.0, 1.0]) * EXPECTED[:, :1], "Here all differences are at place 2 of axis 1"),
        (EXPECTED + np.array([0.0, 1.0, 5.0]) * EXPECTED[:, :1], "everything is right up to place 0"),
        (EXPECTED + np.array([[7.0, 0, 0], [0, 9, 0]]), "Here all differences are on the diagonal"),
    ],
)
def test_a_relation_is_told_by_what_it_is(yours, words):
    assert words in relation(yours, EXPECTED, {"rows": 2, "d_k": 3})


def test_a_factor_that_cannot_be_seen_is_none():
    assert "nearly right" in relation(EXPECTED * (1 + 1e-6), EXPECTED, {})


def test_numbers_of_no_relation_have_none():
    yours = np.array([[0.1, 5.0, -3.0], [2.0, 2.0, 9.0]])
    assert relation(yours, EXPECTED, {}) is None
    assert relation(yours[:1], EXPECTED, {}) is None
    assert relation(np.full((2, 3), np.nan), EXPECTED, {}) is None


def test_opposite_booleans_are_told():
    expected = np.array([[True, False], [True, True]])
    assert relation(~expected, expected, {}) == "Here every value is the opposite of the expected one."


def test_a_probe_may_compare_several_runs_and_ends_where_there_is_nothing_to_look_at(task):
    def twice_as_much(rng):
        table = rng.normal(size=(2, 3))
        once = yield {"table": table, "factor": 1}
        twice = yield {"table": 2 * table, "factor": 1}
        return None if np.allclose(2 * once, twice) else "Twice the table, and not twice the sums."

    def run(answer):
        return run_probe(task, Probe(twice_as_much), 5, in_process(answer, NUMPY))

    assert run(task.reference) is None
    assert run(lambda table, factor: table.sum(axis=-1) + 1) == "Twice the table, and not twice the sums."
    assert run(lambda table, factor: table) is None
    assert run(lambda table, factor: 1 / 0) is None
    assert run(lambda table, factor: None) is None
    assert run_probe(task, Probe(twice_as_much), 5, lambda inputs, largest: None) is None
    assert run_probe(dataclasses.replace(task, id="00.other"), Probe(twice_as_much), 5, in_process(abs, NUMPY)) is None
