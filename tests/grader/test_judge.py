"""From an answer to a verdict: outcomes, points, the one sentence, and mistakes named only when computed."""

import dataclasses
import math
import statistics

import numpy as np
import pytest
import torch

from grader.call import copy_inputs, run_case
from grader.judge import judge_function, judge_question, judge_task, unreadable
from grader.reply import Crashed, TimedOut
from grader.result import Outcome
from grader.task import Choice, Mistake, Property, Question

SEED = 5


def test_a_right_answer_earns_all_points(task):
    result = judge_function(task, lambda table, factor: np.einsum("ij->i", table) * factor, SEED)
    assert (result.outcome, result.points, result.worth) == (Outcome.RIGHT, 3, 3)


def test_an_optional_task_is_judged_and_earns_nothing(task):
    optional = dataclasses.replace(task, optional=True)
    right = judge_function(optional, task.legal[0], SEED)
    assert (right.outcome, right.points, right.worth, right.optional) == (Outcome.RIGHT, 0, 0, True)
    borrowed = judge_function(optional, lambda table, factor: math.fsum(table[0]), SEED)
    assert (borrowed.outcome, borrowed.worth) == (Outcome.BORROWED, 0)
    assert "so it does not count yet" in borrowed.message
    assert unreadable(optional, "no cell").worth == 0
    assert not judge_function(task, task.legal[0], SEED).optional


@pytest.mark.parametrize("number", range(4))
def test_a_mistake_is_named_with_its_own_message(task, number):
    mistake = task.mistakes[number]
    result = judge_function(task, mistake.compute, SEED)
    assert result.mistake == mistake.name
    assert result.message.endswith(mistake.message)
    assert result.points == 0


def test_a_mistake_is_not_named_for_something_near_it(task):
    result = judge_function(task, lambda table, factor: table.sum(axis=-1) * 1.0001, SEED)
    assert result.outcome is Outcome.WRONG
    assert result.mistake == ""
    assert "Every number differs" in result.message


def test_a_mistake_on_one_case_alone_is_not_named(task):
    def forgets_the_factor_on_two_rows(table, factor):
        return table.sum(axis=-1) * (1 if len(table) == 2 else factor)

    result = judge_function(task, forgets_the_factor_on_two_rows, SEED)
    assert result.mistake == ""
    assert result.points == 2


def test_a_mistake_that_raises_is_told_beside_what_was_raised(task):
    """Another mistake may well break in the same words: what is known is that this one does."""
    result = judge_function(task, lambda table, factor: np.max(table, axis=2), SEED)
    assert result.mistake == "bad_axis"
    assert result.message.startswith("Your function stopped at `np.max(table, axis=2)`: table is float64 (2, 3). ")
    assert "It asks for axis 2 of an array with 2" in result.message
    assert ". A known mistake stops in just this way; is it yours? A table has no third axis." in result.message


def test_right_numbers_in_a_coarse_dtype_are_no_mistake_that_is_nearly_right(task):
    def nearly_right(table, factor):
        """A small number is added."""
        return factor * table.sum(axis=-1) + 1e-8

    near = dataclasses.replace(task, mistakes=(Mistake(nearly_right),))
    result = judge_function(near, lambda table, factor: (factor * table.sum(axis=-1)).astype(np.float16), SEED)
    assert result.mistake == ""
    assert "The numbers are right, but their dtype is float16" in result.message
    assert judge_function(near, nearly_right, SEED).mistake == "nearly_right"


def test_a_mistake_that_also_changes_the_dtype_is_named(task):
    result = judge_function(task, lambda table, factor: table.sum(axis=-1).astype(np.float64), SEED)
    assert result.mistake == "without_factor"


def test_the_dtype_alone_costs_its_case_and_is_told(task):
    result = judge_function(task, lambda table, factor: factor * table.sum(axis=-1).astype(np.float64), SEED)
    assert result.points == 1
    assert "dtype is float64; expected float32" in result.message


def test_an_exception_is_a_mistake_only_with_the_same_text(task):
    def other_error(table, factor):
        raise np.exceptions.AxisError(7, 2)

    assert judge_function(task, other_error, SEED).mistake == ""
    result = judge_function(task, other_error, SEED)
    assert result.outcome is Outcome.RAISED
    assert "raise np.exceptions.AxisError(7, 2)" in result.message


def test_a_wrong_shape_is_told_by_the_names_of_its_axes(task):
    table_itself = judge_function(task, lambda table, factor: np.concatenate([table] * 2)[:, :, None], SEED)
    assert "(4, 3, 1); expected (2,). By their sizes, its axes are (4, columns, 1) where (rows) is asked for." in (
        table_itself.message
    )


def test_beside_a_wrong_shape_it_is_told_where_the_answer_stops_on_another_case(task):
    def stops_on_four_rows(table, factor):
        return table.sum(axis=-1, keepdims=True) + np.zeros((2, 1), dtype=table.dtype)

    said = judge_function(task, stops_on_four_rows, SEED).message
    assert said.startswith("Your result has shape (2, 1); expected (2,).")
    assert "In another case, 4 rows in float32, there is no result at all. Your function stopped at" in said


def test_the_points_of_a_case_that_counts_more_are_told(task):
    def right_on_two_rows(table, factor):
        return factor * table.sum(axis=-1) + (len(table) > 2)

    said = judge_function(task, right_on_two_rows, SEED).message
    assert "1 of 2 cases is right (one of the 2 counts 2 points); this one is not: 4 rows in float32." in said


def test_what_an_answer_prints_is_shown_for_one_case(task, capsys):
    def printing(table, factor):
        print("rows:", len(table))
        return factor * table.sum(axis=-1) + (len(table) > 2)

    judge_function(task, printing, SEED)
    assert capsys.readouterr().out == (
        "Your function printed in the case 4 rows in float32 (it is called on others too):\nrows: 4\n"
    )

    def interrupted(table, factor):
        print("round 1")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        judge_function(task, interrupted, SEED)
    assert capsys.readouterr().out == "round 1\n"


def test_a_broken_property_is_told_beside_the_numbers(task):
    def sums_are_positive(inputs, output):
        """No sum is negative."""
        return bool((output >= 0).all())

    strict = dataclasses.replace(task, properties=(Property(sums_are_positive),))
    below = judge_function(strict, lambda table, factor: -abs(table).sum(axis=-1), SEED)
    above = judge_function(strict, lambda table, factor: abs(table).sum(axis=-1), SEED)
    assert below.message.endswith("No sum is negative.")
    assert "No sum is negative." not in above.message


def test_an_untouched_answer_is_not_attempted(task):
    def not_there_yet(table, factor):
        raise NotImplementedError

    for function in (lambda table, factor: ..., not_there_yet):
        result = judge_function(task, function, SEED)
        assert result.outcome is Outcome.NOT_ATTEMPTED
        assert result.points == 0


def test_a_complaint_that_something_is_not_implemented_is_an_exception(task):
    def complains(table, factor):
        raise NotImplementedError("\"sum\" not implemented for 'Half'")

    assert judge_function(task, complains, SEED).outcome is Outcome.RAISED


class UnspeakableError(BaseException):
    def __str__(self):
        raise RuntimeError


@pytest.mark.parametrize(
    "error", [UnspeakableError(), GeneratorExit(), SystemExit(0), ExceptionGroup("two", [ValueError()])]
)
def test_whatever_is_raised_is_an_outcome(task, error):
    def raises(table, factor):
        raise error

    result = judge_function(task, raises, SEED)
    assert result.outcome is Outcome.RAISED
    assert type(error).__name__ in result.message


class Disguised:
    @property
    def __class__(self):
        raise RuntimeError("no class")


@pytest.mark.parametrize(
    ("result", "words"),
    [
        pytest.param(Disguised(), "no class", id="Disguised"),
        (torch.eye(2, 3).to_sparse(), "to_dense"),
        (torch.eye(2, 3, device="meta"), "meta"),
        (torch.zeros(2**24), "Your result has shape (16777216,); expected (2,)"),
        (np.array(["1", "2"]), "which the grader cannot compare"),
        (np.array(["2020-01-01", "2020-01-02"], dtype="M8[D]"), "which the grader cannot compare"),
        (np.ma.masked_less([1.0, 2.0], 2), "masked array"),
        (10**400, "Python objects"),
        (np.zeros(2, dtype=complex), "complex numbers; expected floating-point"),
    ],
    ids=str,
)
def test_whatever_is_returned_is_an_outcome(task, result, words):
    assert words in judge_function(task, lambda table, factor: result, SEED).message


def test_views_of_every_kind_are_arrays(task):
    for change in (np.asfortranarray, lambda x: x.astype(x.dtype.newbyteorder()), np.ma.asarray):
        result = judge_function(task, lambda table, factor: change(factor * table.sum(axis=-1)), SEED)  # noqa: B023
        assert result.outcome is Outcome.RIGHT


def test_an_array_of_the_other_library_is_told_though_its_numbers_are_right(task):
    result = judge_function(task, lambda table, factor: torch.from_numpy(factor * table.sum(axis=-1)), SEED)
    assert (result.outcome, result.points) == (Outcome.WRONG, 0)
    assert "they come in a PyTorch tensor" in result.message
    assert ".numpy() makes one" in result.message


def test_what_stays_from_one_call_to_the_next_shows(task):
    kept = {}

    def remembers(table, factor):
        return kept.setdefault(table.shape, factor * table.sum(axis=-1))

    result = judge_function(task, remembers, SEED)
    assert (result.outcome, result.points) == (Outcome.WRONG, 2)  # the first case is the one that is tried again
    assert "does something stay from one call to the next, or is" in result.message


@pytest.mark.parametrize(
    "change",
    [lambda table: table.t_(), lambda table: table.resize_(1, 2), lambda table: table.transpose_(0, 1)],
    ids=["t_", "resize_", "transpose_"],
)
def test_a_tensor_that_lost_its_shape_is_changed(task, change):
    def right_and_then_changed(table, factor):
        result = factor * table.sum(axis=-1)
        change(table)
        return result

    of_tensors = dataclasses.replace(task, library="torch")
    assert judge_function(of_tensors, task.reference, SEED).outcome is Outcome.RIGHT
    result = judge_function(of_tensors, right_and_then_changed, SEED)
    assert (result.outcome, result.points) == (Outcome.WRONG, 0)


def test_a_mistake_that_also_changes_an_input_is_told_with_both(task):
    def both(table, factor):
        table[...] = 0 * table
        return table.sum(axis=-1)

    def zeros(table, factor):
        """Everything is zero."""
        return np.zeros(len(table), table.dtype)

    known = dataclasses.replace(task, mistakes=(*task.mistakes, Mistake(zeros)))
    result = judge_function(known, both, SEED)
    assert result.mistake == "zeros"
    assert result.message == "Everything is zero. Besides, the function changes its input `table` in place."


def test_a_borrowed_answer_works_only_if_its_numbers_are_right(task):
    def borrowed_in_vain(table, factor):
        return np.array([statistics.fmean(row) for row in table])

    def borrowed(table, factor):
        return np.array([statistics.fmean(row) * len(row) * factor for row in table]).astype(table.dtype)

    assert "that is the finished thing" in judge_function(task, borrowed, SEED).message
    vain = judge_function(task, borrowed_in_vain, SEED)
    assert vain.outcome is Outcome.BORROWED


def test_an_input_that_lost_its_dtype_is_changed(task):
    def reinterprets(table, factor):
        result = factor * table.sum(axis=-1)
        table.dtype = f"S{table.itemsize}"
        return result

    assert "changed its input `table` in place" in judge_function(task, reinterprets, SEED).message


def test_changing_an_input_is_told_and_earns_nothing(task):
    def in_place(table, factor):
        table *= factor
        return table.sum(axis=-1)

    result = judge_function(task, in_place, SEED)
    assert "changed its input `table` in place" in result.message
    assert result.points == 0


def test_inputs_are_given_afresh_to_every_run(task):
    before = task.inputs(task.cases[0], SEED)
    kept = copy_inputs(before)
    judge_function(task, lambda table, factor: table.fill(0), SEED)
    np.testing.assert_array_equal(task.inputs(task.cases[0], SEED)["table"], kept["table"])


@pytest.mark.parametrize("name", ["statistics.fmean", "math.fsum"])
def test_calling_the_finished_thing_is_recognised_under_any_name(task, name):
    borrowed = {"statistics.fmean": statistics.fmean, "math.fsum": math.fsum}[name]

    def answer(table, factor):
        return np.array([borrowed(row) for row in table])

    result = judge_function(task, answer, SEED)
    assert (result.outcome, result.points) == (Outcome.BORROWED, 0)
    assert name in result.message


def test_what_the_finished_thing_calls_itself_is_not_the_answers_doing(task):
    def answer(table, factor):
        return factor * np.array([statistics.fmean(row) * len(row) for row in table], dtype=table.dtype)

    inner = dataclasses.replace(task, finished=("statistics.fmean", "math.fsum"))  # fmean calls fsum
    message = judge_function(inner, answer, SEED).message
    assert "statistics.fmean" in message
    assert "math.fsum" not in message


@pytest.mark.parametrize(
    "door",
    [
        lambda table: torch.softmax(table, dim=-1),
        lambda table: torch.ops.aten.softmax(table, -1),
        lambda table: torch.ops.aten.softmax.int(table, -1),
        lambda table: torch.ops.aten._softmax(table, -1, False),
        lambda table: torch.ops.aten._softmax.default(table, -1, False),
    ],
    ids=["torch.softmax", "packet", "overload", "below", "overload below"],
)
def test_pytorchs_operators_are_the_finished_thing_too(task, door):
    def answer(table, factor):
        return factor * (table * door(table)).sum(dim=-1)

    shares = dataclasses.replace(task, library="torch", finished=("torch.softmax",))
    result = judge_function(shares, answer, SEED)
    assert result.outcome is Outcome.BORROWED
    assert result.message.startswith("Your answer calls torch.softmax: that is the finished thing. ")


def test_what_did_not_run_earns_nothing_and_keeps_what_did(task):
    def judge(*replies):
        """Judge an answer that gives these replies, and the right one to begin with where there is none."""
        coming = iter(replies)
        return judge_task(task, SEED, lambda inputs, largest: next(coming) or run_case(task.reference, inputs))

    assert judge(None, None, None).points == 3
    timed_out = judge(None, TimedOut(2.0), None)
    assert (timed_out.outcome, timed_out.points) == (Outcome.TIMED_OUT, 1)
    assert "after 2 s of computing" in timed_out.message
    waiting = judge(None, TimedOut(200.0, waiting=True), None)
    assert (waiting.outcome, waiting.points) == (Outcome.TIMED_OUT, 1)
    assert "without a result, though it had computed little" in waiting.message
    gone = iter([Crashed("the process was ended by SIGSEGV"), None, None])
    crashed = judge_task(task, SEED, lambda inputs, largest: next(gone))
    assert (crashed.outcome, crashed.points) == (Outcome.CRASHED, 0)
    assert [case.outcome for case in crashed.cases] == [Outcome.CRASHED, Outcome.NOT_RUN]


def test_the_room_for_a_result_grows_with_what_is_expected(task):
    asked = []

    def call(inputs, largest):
        asked.append(largest)
        return run_case(task.reference, inputs)

    judge_task(task, SEED, call)
    assert [largest - asked[0] for largest in asked] == [0, 8 * (4 * 4 - 2 * 8), 0]
    assert asked[0] > 2**20


def test_the_smallest_case_that_is_wrong_is_shown(task):
    result = judge_function(task, lambda table, factor: factor * table.sum(axis=-1) + (len(table) == 4), SEED)
    assert result.shown.case == "4 rows in float32"
    assert result.shown.inputs["table"].shape == (4, 5)


def test_a_reference_that_gives_nan_is_the_judges_own_bug(task):
    broken = dataclasses.replace(task, reference=task.mistakes[2].compute)
    with np.errstate(invalid="ignore"), pytest.raises(AssertionError, match=r"the reference of .* gives NaN"):
        judge_function(broken, task.reference, SEED)


QUESTION = Question(
    id="00.sum",
    text="What is 1 + 1?",
    choices=(
        Choice("1", "That is one of them."),
        Choice("2", "One and one more.", right=True),
        Choice("3", "One too many."),
    ),
)


@pytest.mark.parametrize(
    ("letter", "outcome", "words"),
    [
        ("b", Outcome.RIGHT, "One and one more."),
        (" B ", Outcome.RIGHT, "One and one more."),
        ("a", Outcome.WRONG, "That is one of them."),
        ("c", Outcome.WRONG, "One too many."),
        ("z", Outcome.WRONG, "none of the choices a, b, c"),
        ("", Outcome.NOT_ATTEMPTED, "Not attempted"),
        (None, Outcome.UNREADABLE, "deleted"),
    ],
)
def test_a_question_explains_every_choice(letter, outcome, words):
    result = judge_question(QUESTION, letter)
    assert result.outcome is outcome
    assert words in result.message
    assert result.points == (1 if outcome is Outcome.RIGHT else 0)


def test_a_case_whose_numbers_differ_is_shown_before_one_whose_dtype_does(task):
    swapped = dataclasses.replace(task, cases=task.cases[::-1])  # the float32 case comes first
    result = judge_function(swapped, lambda table, factor: table.sum(axis=-1, dtype=np.float64), SEED)
    assert result.mistake == "without_factor"

    def right_but_for_the_dtype_of_one_case_and_a_number_of_the_other(table, factor):
        return factor * table.sum(axis=-1, dtype=np.float64) + (len(table) == 2)

    result = judge_function(swapped, right_but_for_the_dtype_of_one_case_and_a_number_of_the_other, SEED)
    assert result.shown.case == "2 rows"
    assert "Every number differs" in result.message
