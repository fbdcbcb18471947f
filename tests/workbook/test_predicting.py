"""Guesses: committed before the result, and then beside it. In a terminal here; in a page, see test_controls.py."""

import numpy as np
import pytest
import torch

from workbook import my_guess, predict, predicting, record, reveal
from workbook.folder import layout


@pytest.fixture(autouse=True)
def _in_a_learners_folder(tmp_path, monkeypatch):
    (tmp_path / layout.MARK).mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(predicting, "_guesses", {})


def noted():
    return [(event["guess"], event["said"], event["right"]) for event in record.events("guess")]


def test_a_choice_stands_beside_the_result(capsys):
    predict("01.a", {"four": 4, "eight": 8, "none": 0})
    asked = capsys.readouterr().out
    assert asked.splitlines()[:4] == ["Your guess?", "  a) four", "  b) eight", "  c) none"]
    assert 'my_guess("01.a", "a")' in asked
    my_guess("01.a", "b")
    reveal("01.a", np.float64(0.0))
    said = capsys.readouterr().out
    assert said.splitlines() == ["Your guess: eight.", "Not this time.", "You guessed eight. It is none."]
    assert noted() == [("01.a", "b", False)]


@pytest.mark.parametrize("said", ["a", "A", " a ", "yes"])
def test_a_choice_may_be_said_by_letter_or_by_words(capsys, said):
    predict("01.a", {"yes": True, "no": False})
    my_guess("01.a", said)
    reveal("01.a", torch.tensor(True))
    assert "You guessed it.\nYou guessed yes. It is yes." in capsys.readouterr().out
    assert noted() == [("01.a", "a", True)]


def test_without_a_guess_the_result_stands_alone_and_nothing_is_noted(capsys):
    predict("01.a", ["cat", "it"])
    capsys.readouterr()
    reveal("01.a", "it")
    assert capsys.readouterr().out == "It is it.\n"
    assert noted() == []


def test_a_result_that_nobody_offered_is_told_all_the_same(capsys):
    predict("01.a", ["cat", "it"])
    my_guess("01.a", "a")
    reveal("01.a", "dog")
    assert "You guessed cat. It is dog." in capsys.readouterr().out
    assert noted() == [("01.a", "a", False)]


def test_after_the_result_nothing_changes_any_more(capsys):
    predict("01.a", ["cat", "it"])
    my_guess("01.a", "a")
    reveal("01.a", "it")
    my_guess("01.a", "b")
    assert "The result is out" in capsys.readouterr().out
    reveal("01.a", "it")
    assert noted() == [("01.a", "a", False)]


def test_the_last_word_before_the_result_counts(capsys):
    predict("01.a", ["cat", "it"])
    my_guess("01.a", "a")
    my_guess("01.a", "b")
    reveal("01.a", "it")
    assert noted() == [("01.a", "b", True)]


def test_running_the_cell_again_loses_no_guess(capsys):
    predict("01.a", ["cat", "it"])
    my_guess("01.a", "b")
    predict("01.a", ["cat", "it"])
    reveal("01.a", "it")
    assert noted() == [("01.a", "b", True)]


def test_an_earlier_visits_guess_is_there_again_if_it_still_fits(capsys):
    record.note("guess", "01.a", said="b", right=False)
    predict("01.a", ["cat", "it"])
    reveal("01.a", "it")
    assert "You guessed it. It is it." in capsys.readouterr().out
    record.note("guess", "01.n", said=["odd"], right=False)
    predict("01.n", number="times")
    reveal("01.n", 3)
    assert capsys.readouterr().out.endswith("It is 3 times.\n")


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("12", 12),
        (" 0.25 ", 0.25),
        ("0,25", 0.25),
        (".5", 0.5),
        ("1/4", 0.25),
        ("1 / 4", 0.25),
        ("25 %", 0.25),
        ("25percent", 0.25),
        ("-3", -3),
        ("\u22123", -3),
        ("+2e3", 2000),
        ("1e-2", 0.01),
        ("three", None),
        ("", None),
        ("1/0", None),
        ("3 cats", None),
        ("nan", None),
        ("1.2.3", None),
    ],
)
def test_numbers_as_people_write_them(written, value):
    assert predicting.number_in(written) == (None if value is None else pytest.approx(value))


@pytest.mark.parametrize(
    ("said", "within", "right"),
    [
        ("4", 0.1, True),
        ("4.3", 0.1, True),
        ("4.5", 0.1, False),
        ("3.5", 0.1, False),
        ("3.5", 0.2, True),
        ("400 %", 0, True),
    ],
)
def test_a_number_counts_when_it_is_near_enough(capsys, said, within, right):
    predict("01.n", number="times", within=within)
    my_guess("01.n", said)
    reveal("01.n", 4.0)
    assert f"You guessed {said} times. It is 4 times." in capsys.readouterr().out
    assert noted() == [("01.n", said, right)]


def test_what_is_no_number_is_said_and_not_taken(capsys):
    predict("01.n", number="")
    my_guess("01.n", "lots")
    assert "That is no number yet" in capsys.readouterr().out
    reveal("01.n", -0.5)
    assert capsys.readouterr().out == "It is \u22120.5.\n"


def test_a_cell_of_a_matrix(capsys):
    predict("01.c", rows=["the", "cat", "it"], columns=["a", "b"])
    my_guess("01.c", (2, 0))
    reveal("01.c", (np.int64(1), np.int64(1)))
    assert "You guessed row it, column a. It is row cat, column b." in capsys.readouterr().out
    predict("01.d", rows=["the", "cat", "it"], columns=["a", "b"])
    my_guess("01.d", [2, 0])
    reveal("01.d", [(0, 1), (2, 0)])
    assert "It is row the, column b or row it, column a." in capsys.readouterr().out
    assert noted() == [("01.c", [2, 0], False), ("01.d", [2, 0], True)]


@pytest.mark.parametrize("said", [(3, 0), (0, 2), (-1, 0), 5, "ab", (1,), None])
def test_what_is_no_cell_is_said_and_not_taken(capsys, said):
    predict("01.c", rows=["the", "cat", "it"], columns=["a", "b"])
    my_guess("01.c", said)
    assert "That is no cell of it" in capsys.readouterr().out
    reveal("01.c", (0, 0))
    assert noted() == []


def test_a_cell_run_again_speaks_of_its_own_guess(capsys):
    predict("01.a", {"yes": True, "no": False})
    my_guess("01.a", "b")
    reveal("01.a", True)
    predict("01.n", number="")
    my_guess("01.n", 0.98)
    capsys.readouterr()
    reveal("01.a", True)
    assert "You guessed no. It is yes." in capsys.readouterr().out
    reveal("01.n", 1.0)
    assert noted() == [("01.a", "b", False), ("01.n", "0.98", True)]


def test_without_the_cell_of_the_guess_the_result_stands_alone(capsys):
    reveal("01.never_asked", np.float64(0.25))
    my_guess("01.never_asked", 3)
    out = capsys.readouterr().out
    assert "It is 0.25." in out
    assert "run the cell of that guess first" in out


def test_after_a_reset_of_the_lesson_no_earlier_guess_is_there(capsys):
    record.note("guess", "01.a", said="b", right=False)
    record.note("reset", "01", of="Exercise")
    predict("01.a", ["cat", "it"])
    reveal("01.a", "it")
    assert "You guessed it." in capsys.readouterr().out
    record.note("reset", "01", of="Lesson")
    predict("01.a", ["cat", "it"])
    reveal("01.a", "it")
    assert "You guessed" not in capsys.readouterr().out
