"""A report as data: what is shown of a case that is not right, in texts whose size is bounded."""

import json

import numpy as np
import pytest

from grader.display import in_short
from grader.judge import judge_function
from grader.report import as_data
from grader.result import CaseResult, NotebookResult, Outcome

LARGE = np.arange(10_000.0).reshape(100, 100)


def data_of(task, answer):
    result = judge_function(task, answer, seed=5)
    return as_data(NotebookResult("a.ipynb", 5, "00", (result,)))["results"][0]


def case(yours, expected, inputs=None):
    return CaseResult("small", 1, Outcome.WRONG, inputs=inputs or {"x": np.zeros(2)}, yours=yours, expected=expected)


def test_the_smallest_case_that_is_not_right_is_shown(task):
    shown = data_of(task, lambda table, factor: table.sum(axis=-1))["shown"]
    table = task.inputs(task.cases[0], 5)["table"]
    right, wrong = ([f"{number:.2f}" for number in (factor * table.sum(axis=-1))] for factor in (3, 1))
    assert (shown["case"], shown["inputs"]) == ("2 rows", "table (2, 3), factor=3")
    assert [shown[name].split()[2:] for name in ("yours", "expected")] == [wrong, right]
    assert shown["yours"].splitlines()[0] == "yours float64"


def test_what_is_right_or_untouched_shows_nothing(task):
    assert "shown" not in data_of(task, task.reference)
    assert "shown" not in data_of(task, lambda table, factor: ...)


def test_what_raises_shows_the_case_alone(task):
    shown = data_of(task, lambda table, factor: 1 / 0)["shown"]
    assert (shown["case"], shown["yours"], shown["expected"]) == ("2 rows", "", "")


def test_what_the_message_rests_on_is_told(task):
    assert data_of(task, lambda table, factor: table.sum(axis=-1))["told_by"] == "mistake"


@pytest.mark.parametrize(
    ("yours", "expected", "of_yours", "of_expected"),
    [
        (np.array([1.0, 2]), np.array([1.0, 2.5]), "yours float64 1.00 2.00", "expected float64 1.00 2.50"),
        (
            *(np.array([1.0, 2]), np.array([[1.0], [2]])),
            *("yours float64, shape (2,) 1.000 2.000", "expected float64, shape (2, 1) 1.000 2.000"),
        ),
        (np.array([True]), np.array([False]), "yours bool True", "expected bool False"),
        (np.zeros((2, 1, 1)), np.array([[[0.0]], [[1.0]]]), "yours[1] float64 0.00", "expected[1] float64 1.00"),
        (LARGE, LARGE + 1, "yours float64, shape (100, 100)", "expected float64, shape (100, 100)"),
        (np.array(["<b>"]), np.array([1.0]), "", ""),
    ],
    ids=["numbers", "shapes", "booleans", "the part that differs", "large", "texts"],
)
def test_yours_stands_beside_the_expected(yours, expected, of_yours, of_expected):
    shown = in_short(case(yours, expected))
    assert [" ".join(shown[name].split()) for name in ("yours", "expected")] == [of_yours, of_expected]


@pytest.mark.parametrize(
    ("yours", "inputs"),
    [
        (np.full((64, 64), 1e300), {"x": "x" * 10**6}),
        (np.full((64, 64), 2**62), {"x": list(range(10**5))}),
        (np.full((64, 64), 1 / 3 + 1j / 7), {f"{place}": np.zeros(3) for place in range(1000)}),
        (np.zeros((1,) * 32), {}),
    ],
)
def test_its_size_is_bounded(yours, inputs):
    shown = in_short(case(yours, np.zeros((64, 64)), inputs))
    assert len(json.dumps(shown)) < 10_000
