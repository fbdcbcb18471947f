"""Which questions a warm-up asks: missed ones first, then new ones, then those that have rested long enough."""

from typing import NamedTuple

from workbook.spacing import due


class Asked(NamedTuple):
    id: str


QUESTIONS = [Asked(letter) for letter in "abcdefgh"]


def ids(answers):
    return "".join(question.id for question in due(QUESTIONS, answers))


def given(text):
    """Return the answers that "ab!c" stands for: a right, b missed, c right."""
    marked = [(letter, text[at + 1 : at + 2] != "!") for at, letter in enumerate(text) if letter != "!"]
    return [{"question": letter, "right": right} for letter, right in marked]


def test_without_a_history_the_latest_come_first():
    assert ids([]) == "hgf"


def test_what_was_missed_comes_first_the_longest_ago_first():
    assert ids(given("abc!de!f")) == "ceh"


def test_what_was_missed_and_then_right_is_no_longer_missed():
    assert ids(given("c!c")) == "hgf"


def test_new_ones_come_before_those_that_were_right():
    assert ids(given("abcdefg")) == "hab"  # a and b have rested for three questions or more


def test_the_more_often_right_the_longer_it_rests():
    answers = given(
        "aaa" + "bcdefgh"
    )  # a was right three times in a row: it rests for twelve questions, the others for three
    assert ids(answers) == "bcd"
    assert ids(given("aaa" + "bcdefgh" * 3)) == "abc"  # 21 questions later


def test_what_is_not_due_yet_fills_up_what_is_due_soonest_first():
    assert due(QUESTIONS[:3], given("abc")) == [QUESTIONS[0], QUESTIONS[1], QUESTIONS[2]]


def test_answers_to_other_questions_count_as_time_alone():
    assert ids([{"question": "of another chapter", "right": False}]) == "hgf"
    assert ids([{"question": "a"}]) == "ahg"  # a line without a verdict is no right answer
