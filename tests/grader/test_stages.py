"""Stages and slips: what combinations compute, which of them a judge names, and that it never names what is right."""

import dataclasses

import numpy as np
import pytest

from grader.judge import judge_function, tries
from grader.known import Known
from grader.pairs import pairs_of
from grader.proof import prove_task
from grader.result import Outcome
from grader.stages import Stage, answer_with, choices, outputs
from grader.task import Case, Mistake, Task

SEED = 5
TWO = "Two things at once, which together give just your numbers. (1) "


@Stage
def total(table):
    return table.sum(axis=-1)


@total.slip
def largest(table):
    """These are the largest numbers of the rows."""
    return table.max(axis=-1)


@total.slip
def of_columns(table):
    """The sums run over the columns."""
    return table.sum(axis=0)[: len(table)]


@total.slip
def third_axis(table):
    """A table has no third axis."""
    return table.sum(axis=2)


@Stage
def times(total, factor):
    return total * factor


@times.slip
def plus(total, factor):
    """The factor is added."""
    return total + factor


@times.slip
def no_factor(total):
    """The factor has no effect."""
    return total


@Stage
def shifted(times, shift):
    return times - shift


@shifted.slip
def shift_added(times, shift):
    """The shift is added."""
    return times + shift


@shifted.slip
def no_shift(times):
    """The shift has no effect."""
    return times


def draw(rng, rows, columns):
    return {"table": rng.normal(size=(rows, columns)), "factor": 3, "shift": 0.25}


def reference(table, factor, shift):
    return factor * table.sum(axis=-1) - table.dtype.type(shift)


known = Known()


@known.mistake
def nothing(table, factor, shift):
    """Every number is zero."""
    return np.zeros(len(table), table.dtype)


@known.legal
def by_einsum(table, factor, shift):
    return np.einsum("ij->i", table) * factor - table.dtype.type(shift)


@known.probe
def ones(rng):
    yours = yield {"table": np.ones((2, 3)), "factor": 1, "shift": 0.0}
    return None if np.allclose(yours, 3) else f"Of ones, the first row gives {yours[0]:.3g}."


@pytest.fixture
def staged():
    return Task(
        id="00.shifted_sums",
        title="Sums",
        difficulty=1,
        minutes=2,
        reference=reference,
        draw=draw,
        cases=(
            Case("2 rows", {"rows": 2, "columns": 3}),
            Case("4 rows in float32", {"rows": 4, "columns": 5}, points=2, dtype="float32"),
        ),
        stages=(total, times, shifted),
        hints=("Along which axis?",),
        **known.ways,
    )


def test_a_combination_goes_through_the_stages_with_its_slips():
    table = np.array([[1.0, 2.0], [5.0, 4.0]])
    names = ("table", "factor", "shift")
    slips = {slip.name: slip for stage in (total, times, shifted) for slip in stage.slips}
    for chosen, expected in (
        ((), [8.0, 26.0]),
        (("largest",), [5.0, 14.0]),
        (("largest", "no_shift"), [6.0, 15.0]),
        (("of_columns", "plus", "shift_added"), [10.0, 10.0]),
    ):
        answer = answer_with((total, times, shifted), names, [slips[name] for name in chosen])
        np.testing.assert_array_equal(answer(table, 3, 1.0), expected)


def test_every_choice_of_slips_at_different_stages_is_counted_and_run():
    inputs = {"table": np.array([[1.0, 2.0], [5.0, 4.0]]), "factor": 3, "shift": 1.0}
    stages = (total, times, shifted)
    assert [choices(stages, count) for count in (1, 2, 3)] == [7, 3 * 2 + 3 * 2 + 2 * 2, 12]
    for count, that_raise in ((1, 1), (2, 4), (3, 4)):
        found = list(outputs(stages, inputs, count))
        assert len(found) == choices(stages, count) - that_raise
        for slips, output in found:
            assert len({slip.name for slip in slips}) == count
            expected = answer_with(stages, tuple(inputs), slips)(*inputs.values())
            np.testing.assert_array_equal(output, expected)


def test_a_stage_for_another_task_has_its_own_slips_and_its_own_sources():
    other = times.but("plus", total="counts")
    assert [slip.name for slip in other.slips] == ["no_factor"]

    @other.slip
    def twice(total, factor):
        """The factor is used twice."""
        return total * factor * factor

    assert [slip.name for slip in times.slips] == ["plus", "no_factor"]
    assert answer_with((other,), ("counts", "factor"), [other.slips[1]])(2, 5) == 50
    with pytest.raises(LookupError, match="no slip unheard_of"):
        times.but("unheard_of")


def test_a_rare_slip_is_told_alone(staged):
    rare = times.but(rare=["plus"])

    @rare.rare
    def minus(total, factor):
        """The factor is subtracted."""
        return total - factor

    assert [slip.name for slip in rare.slips] == ["no_factor"]
    task = dataclasses.replace(staged, stages=(total, rare, shifted))
    assert [slip.name for slip in task.slips][-2:] == ["plus", "minus"]
    minus_alone = answer_with(task.stages, task.names, [task.slips[-1]])
    assert judge_function(task, minus_alone, SEED).mistake == "minus"
    minus_and_largest = answer_with(task.stages, task.names, [task.slips[-1], task.slips[0]])
    assert judge_function(task, minus_and_largest, SEED).mistake == ""
    assert not any("minus" in pair.name or "plus" in pair.name for pair in pairs_of(task, SEED))
    assert [row for row in prove_task(task, SEED) if not row.holds] == []


def test_the_sound_task_holds(staged):
    assert [row for row in prove_task(staged, SEED) if not row.holds] == []


def test_two_and_three_slips_at_once_are_told_together(staged):
    def two(table, factor, shift):
        return table.max(axis=-1) + factor - table.dtype.type(shift)

    result = judge_function(staged, two, SEED)
    assert result.mistake == "largest + plus"
    assert result.message == (TWO + "These are the largest numbers of the rows. (2) The factor is added.")

    def three(table, factor, shift):
        return table.max(axis=-1) + factor + table.dtype.type(shift)

    result = judge_function(staged, three, SEED)
    assert result.mistake == "largest + plus + shift_added"
    assert result.message.startswith("Three things at once, which together give just your numbers. (1) ")


def test_fewer_slips_come_first(staged):
    """One slip, though two others together would give the same."""

    def doubly(table, factor, shift):
        """The factor is added, and the shift too."""
        return table.sum(axis=-1) + factor + table.dtype.type(shift)

    single = dataclasses.replace(staged, mistakes=(*staged.mistakes, Mistake(doubly)))
    assert judge_function(single, doubly, SEED).mistake == "doubly"
    broken = {row.name: row.outcome for row in prove_task(single, SEED) if not row.holds}
    assert broken == {"plus + shift_added": "gives the output of doubly"}
    declared = dataclasses.replace(single, coincidences={"plus + shift_added": "doubly"})
    assert all(row.holds for row in prove_task(declared, SEED))


def test_what_is_listed_and_is_no_coincidence_is_noticed(staged):
    stale = dataclasses.replace(staged, coincidences={"largest + plus": "nothing"}, cancelling=("plus + no_shift",))
    assert {row.name for row in prove_task(stale, SEED) if not row.holds} == {"largest + plus", "plus + no_shift"}


def test_two_explanations_for_one_output_are_both_said(staged):
    def quarter_less(total, factor):
        """A quarter is subtracted, and the factor has no effect."""
        return total - total.dtype.type(0.25)

    again = times.but()
    again.slip(quarter_less)
    both = dataclasses.replace(staged, stages=(total, again, shifted))
    result = judge_function(both, lambda table, factor, shift: table.sum(axis=-1), SEED)
    assert result.mistake == "no_factor + no_shift | quarter_less + shift_added"
    first, second = result.message.split(" Or, which gives the same numbers: ")
    assert first == TWO + "The factor has no effect. (2) The shift has no effect."
    assert second.endswith("(1) A quarter is subtracted, and the factor has no effect. (2) The shift is added.")
    fates = {pair.name: pair.fate for pair in pairs_of(both, SEED)}
    assert fates["no_factor + no_shift"] == fates["quarter_less + shift_added"] == "shared"
    assert fates["largest + no_factor"] == "told"


def test_slips_that_undo_each_other_are_noticed(staged):
    def shift_gone(total, factor, shift):
        """The shift is added to begin with."""
        return total * factor + shift

    def once_more(times, shift):
        """The shift counts twice."""
        return times - 2 * shift

    undone = dataclasses.replace(staged, stages=(total, times.but(), shifted.but()))
    undone.stages[1].slip(shift_gone)
    undone.stages[2].slip(once_more)
    rows = [row for row in prove_task(undone, SEED) if not row.holds]
    assert "gives the right output" in {row.outcome for row in rows if row.name == "shift_gone + once_more"}
    declared = dataclasses.replace(undone, cancelling=("shift_gone + once_more",))
    assert "shift_gone + once_more" not in {row.name for row in prove_task(declared, SEED) if not row.holds}


def test_what_equals_the_reference_is_never_named(staged):
    def not_wrong_at_all(table, factor, shift):
        """This is right, in fact."""
        return reference(table, factor, shift)

    idle = dataclasses.replace(staged, mistakes=(Mistake(not_wrong_at_all),))
    _, cases_inputs = tries(idle, SEED)
    result = judge_function(idle, lambda *inputs: reference(*inputs).astype(np.float16), SEED)
    assert (result.outcome, result.mistake) == (Outcome.WRONG, "")
    assert len(cases_inputs) == 3


def test_an_exception_is_known_by_its_text_and_by_the_shapes_in_its_line(staged):
    def same(table, factor, shift):
        return table.sum(axis=2) * factor

    def of_another_shape(table, factor, shift):
        doubled = np.concatenate([table, table])
        return doubled.sum(axis=2) * factor

    assert judge_function(staged, same, SEED).mistake == "third_axis"
    assert judge_function(staged, of_another_shape, SEED).mistake == ""


def test_where_the_text_has_the_sizes_of_two_arrays_a_line_may_be_written_otherwise(staged):
    def pairs_of_other_lengths(table, factor, shift):
        """The rows and the columns meet element by element."""
        rows, columns = table.sum(axis=-1), table.sum(axis=0)
        return (rows + columns) * factor

    def in_one_line(table, factor, shift):
        return (table.sum(axis=-1) + table.sum(axis=0)) * factor

    def of_other_sizes(table, factor, shift):
        return (table.sum(axis=-1) + table[:, 1:].sum(axis=0)) * factor

    known = dataclasses.replace(staged, mistakes=(Mistake(pairs_of_other_lengths),))
    assert judge_function(known, in_one_line, SEED).mistake == "pairs_of_other_lengths"
    assert judge_function(known, of_other_sizes, SEED).mistake == ""


def test_what_happens_to_a_result_at_the_end_is_known_for_every_task(staged):
    def negative(table, factor, shift):
        return -reference(table, factor, shift)

    def largest_and_backward(table, factor, shift):
        return (table.max(axis=-1) * factor - table.dtype.type(shift))[::-1]

    result = judge_function(staged, negative, SEED)
    assert (result.mistake, result.message) == ("sign_turned", "The sign of every number is turned around.")
    result = judge_function(staged, largest_and_backward, SEED)
    assert result.mistake == "largest + last_axis_reversed"
    assert "(2) The result runs backward along its last axis." in result.message


def test_a_probe_speaks_where_nothing_is_known(staged):
    def odd(table, factor, shift):
        return reference(table, factor, shift) * table[:, 0] + table[:, 1]

    result = judge_function(staged, odd, SEED)
    assert (result.mistake, result.told_by) == ("", "probe")
    assert "Of ones, the first row gives 4." in result.message


def test_a_probe_that_speaks_of_a_right_answer_is_noticed(staged):
    loud = Known()

    @loud.probe
    def always(rng):
        yield {"table": np.ones((2, 3)), "factor": 1, "shift": 0.0}
        return "Something."

    rows = prove_task(dataclasses.replace(staged, probes=loud.ways["probes"]), SEED)
    assert [row.outcome for row in rows if row.name == "always"] == ["SPEAKS OF A RIGHT ANSWER"]


def test_a_draw_that_turns_a_verdict_is_noticed(staged):
    """On one seed in a few the table's largest numbers are drawn equal to its sums."""

    def sometimes_blind(rng, rows, columns):
        inputs = draw(rng, rows, columns)
        if rng.integers(4) == 0:
            inputs["table"][:] = 0
        return inputs

    blind = dataclasses.replace(staged, draw=sometimes_blind, cases=staged.cases[:1])
    broken = [row.name for row in prove_task(blind, SEED) if not row.holds]
    assert any(name.startswith("largest is right (seeds ") for name in broken)


def test_a_mistake_may_give_complex_numbers(staged):
    def turned(table, factor, shift):
        """The sums have an imaginary part."""
        return reference(table, factor, shift) + table.dtype.type(2) * 1j

    complex_too = dataclasses.replace(staged, mistakes=(*staged.mistakes, Mistake(turned)))
    assert [row for row in prove_task(complex_too, SEED) if not row.holds] == []
