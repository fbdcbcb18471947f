"""What a learner calls: check, hint, answer, failing_inputs. Every way to call them wrongly gets a sentence."""

import functools
from itertools import pairwise

import numpy as np
import pytest

import workbook
from grader import display
from grader.judge import judge_function
from grader.result import Outcome
from tasks import CATALOGUE
from workbook import checking, hints

TASK = CATALOGUE.task("02.scaled_scores")


def wrong(query, key):
    return query @ key.swapaxes(-2, -1) / 5


def but_for_one_query(answer):
    """Return an answer that is right on the text's example, a single query, and wrong on 3 queries and 4 keys."""
    return lambda query, key: (TASK.legal[0] if query.shape[-2] == 1 else answer)(query, key)


@pytest.fixture(autouse=True)
def _fresh_memory(monkeypatch):
    monkeypatch.setattr(hints, "_given", {})
    monkeypatch.setattr(checking, "_failing", {})
    monkeypatch.setattr(checking, "_right", {})
    monkeypatch.setattr(checking, "_when_right", [])


def said(capsys, call, *arguments, **options):
    assert call(*arguments, **options) is None
    return capsys.readouterr().out


def test_right_is_said_with_points(capsys):
    text = said(capsys, workbook.check, TASK.id, TASK.legal[0])
    assert text.startswith(f"02.scaled_scores: right ({TASK.points} of {TASK.points} points)")


def test_an_optional_task_is_said_to_earn_nothing(capsys):
    text = said(capsys, workbook.check, "02.row_entropy", CATALOGUE.task("02.row_entropy").legal[0])
    assert text.startswith("02.row_entropy: right (optional: earns no points)")


def test_wrong_is_said_beside_what_was_expected(capsys):
    text = said(capsys, workbook.check, TASK.id, wrong)
    assert "02.scaled_scores: not yet" in text
    assert "yours float64" in text
    assert "expected float64" in text
    assert 'query, key = failing_inputs("02.scaled_scores")' in text
    assert "Traceback" not in text


def test_the_failing_inputs_can_be_looked_at(capsys):
    said(capsys, workbook.check, TASK.id, wrong)
    query, _ = workbook.failing_inputs(TASK.id)
    np.testing.assert_array_equal(query, TASK.inputs(TASK.cases[0], CATALOGUE.seed)["query"])
    query[...] = 0
    assert workbook.failing_inputs(TASK.id)[0].any()
    said(capsys, workbook.check, TASK.id, TASK.legal[0])
    with pytest.raises(checking.NothingFailedError, match="found nothing wrong"):
        workbook.failing_inputs(TASK.id)


def test_a_traceback_comes_only_when_asked_for(capsys):
    def raises(query, key):
        raise ValueError("no luck")

    quiet = said(capsys, workbook.check, TASK.id, raises)
    assert 'Your function stopped at `raise ValueError("no luck")`. ValueError: no luck.' in quiet
    assert "Traceback" not in quiet
    assert "Traceback" in said(capsys, workbook.check, TASK.id, raises, traceback=True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("02.scaled_score", wrong), "Did you mean '02.scaled_scores'?"),
        (("02.scaled_scores", np.eye(2)), "wants the function itself"),
        (("02.scaled_scores",), "wants the function itself"),
        ((wrong,), "there is no task"),
    ],
)
def test_a_wrong_call_is_explained(capsys, arguments, words):
    assert words in said(capsys, workbook.check, *arguments)


@pytest.mark.parametrize(
    "odd", [None, 2, ["02.scaled_scores"], {}, np.eye(2), pytest.param(wrong, id="wrong"), "<b>", ""], ids=str
)
def test_an_odd_id_or_letter_is_explained(capsys, odd):
    assert "there is no task" in said(capsys, workbook.check, odd, wrong)
    assert "there is no task" in said(capsys, workbook.hint, odd)
    assert "there is no question" in said(capsys, workbook.answer, odd)
    chosen = said(capsys, workbook.answer, "02.why_the_root", odd)
    assert "none of the choices" in chosen or "Not attempted yet" in chosen
    with pytest.raises(checking.NothingFailedError):
        workbook.failing_inputs(odd)


@pytest.mark.parametrize(
    "odd", [len, dict, np.dot, Outcome, functools.partial(wrong), type("Callable", (), {"__call__": wrong})()]
)
def test_an_odd_callable_is_judged(capsys, odd):
    assert "not yet" in said(capsys, workbook.check, TASK.id, odd)


def test_an_interrupt_is_explained(capsys):
    def interrupted(query, key):
        raise KeyboardInterrupt

    assert "Stopped by you" in said(capsys, workbook.check, TASK.id, interrupted)


def test_hints_go_one_step_further_each_time(capsys):
    given = [said(capsys, workbook.hint, TASK.id) for _ in range(len(TASK.hints) + 1)]
    for number in range(len(TASK.hints)):
        assert all((hint in given[number]) == (place <= number) for place, hint in enumerate(TASK.hints))
        assert f"hint {number + 1} of {len(TASK.hints)}" in given[number]
    assert given[-1] == given[-2]
    assert "there is no task" in said(capsys, workbook.hint, "nonsense")


def test_a_question_shows_its_choices_and_then_explains(capsys):
    asked = CATALOGUE.question("02.why_the_root")
    untouched = said(capsys, workbook.answer, asked.id, ...)
    assert all(choice.text in untouched for choice in asked.choices)
    assert not any(choice.explanation in untouched for choice in asked.choices)
    assert "Not attempted yet" in untouched
    for letter, choice in asked.lettered.items():
        assert choice.explanation in said(capsys, workbook.answer, asked.id, letter.upper())
    assert "none of the choices" in said(capsys, workbook.answer, asked.id, "q")
    assert "there is no question" in said(capsys, workbook.answer, "02.why", "a")


def test_a_number_of_hints_can_be_asked_for(capsys):
    assert TASK.hints[1] in said(capsys, workbook.hint, TASK.id, 2)
    assert TASK.hints[2] in said(capsys, workbook.hint, TASK.id)
    assert "hint 4 of 4" in said(capsys, workbook.hint, TASK.id, 100)
    assert said(capsys, workbook.hint, TASK.id, 0).strip() == ""


def test_right_says_what_comes_next(capsys):
    chapter = CATALOGUE.chapter("02")
    counting = [task for task in chapter.tasks if not task.optional]
    for task, following in pairwise(counting):
        assert f"Next: {following.function}." in said(capsys, workbook.check, task.id, task.legal[0])
    last = counting[-1]
    assert "last task of this exercise: on to the questions" in said(capsys, workbook.check, last.id, last.legal[0])


def test_what_is_still_open_comes_next_and_nothing_wrong_does(capsys):
    first, *_, last = [task for task in CATALOGUE.chapter("02").tasks if not task.optional]
    assert f"Next: {first.function}." in said(capsys, workbook.check, last.id, last.legal[0])
    assert "Next" not in said(capsys, workbook.check, TASK.id, wrong)


def test_a_warm_up_asks_three_questions_of_earlier_chapters(capsys):
    text = said(capsys, workbook.warm_up, "02")
    asked = [one for one in CATALOGUE.questions_before("02") if one.text in text]
    assert len(asked) == 3
    assert all(one.id.startswith("01.") for one in asked)
    assert said(capsys, workbook.warm_up, "01") == ""


def test_whoever_asks_hears_of_right_answers_alone(capsys):
    heard = []

    @workbook.on_right
    def keep(task, function):
        heard.append((task.id, function))

    said(capsys, workbook.check, TASK.id, wrong)
    assert heard == []
    assert "right (" in said(capsys, workbook.check, TASK.id, TASK.legal[0])
    assert heard == [(TASK.id, TASK.legal[0])]


def test_the_html_marks_what_differs_and_escapes_what_it_quotes():
    def quotes(query, key):
        raise ValueError("<script>alert(1)</script>")

    markup = display.verdict(judge_function(TASK, quotes, 0))._repr_mimebundle_()["text/html"]
    assert "<script>" not in markup
    assert "&lt;script&gt;" in markup
    marked = display.verdict(judge_function(TASK, but_for_one_query(wrong), 0)).markup
    assert marked.count("font-weight: bold; color: #D55E00") == 24  # 3 * 4 of yours and of the expected
    assert "<code>" not in display.plain(Outcome.RIGHT, "t", "plain").markup


def test_a_small_difference_is_shown_with_the_decimals_it_takes():
    nearly = but_for_one_query(lambda query, key: TASK.legal[0](query, key) + 1e-6)
    text = display.verdict(judge_function(TASK, nearly, 0)).text
    ours, theirs = [line for line in text.splitlines() if line.startswith("  ")][1].split("    ")
    assert ours.split() != theirs.split()


def test_large_and_many_axes_are_cut_to_what_can_be_read():
    result = judge_function(TASK, lambda query, key: TASK.legal[0](query, key) * (1 if query.ndim < 4 else 2), 0)
    text = display.verdict(result).text
    assert "yours[0, 0] float64" in text
