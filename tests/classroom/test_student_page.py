"""The page that a student gets: what it says, what it never says, and that nobody can write into it."""

import dataclasses

import pytest
from a_class import CHAPTER, Read, attacked, each_hostile, graded

from classroom.reports.student_page import student_page

SHOWN = {
    "case": "the example of the text",
    "inputs": "query (1, 2), key (1, 2)",
    "yours": "yours float64\n0.40 1.00",
    "expected": "expected float64\n2.00 1.00",
}


def read(one):
    return Read(student_page(one, CHAPTER)).text


def test_points_and_what_was_right_stand_first():
    text = read(graded("Ada", {"head_scores": {"outcome": "wrong", "message": "The axes are swapped."}}))
    assert "Exercise 02: Scaling Ada 14 of 21 points 1 of 2" not in text
    assert "14 of 21 points" in text
    assert "2 of 3 tasks and 4 of 4 questions right, and an optional task besides." in text
    assert text.index("Scaled dot-product scores") < text.index("Not right yet") < text.index("The axes are swapped.")
    assert text.index("The axes are swapped.") < text.index("Questions") < text.index("How it was graded")
    assert 'hint("02.head_scores")' in text


def test_theirs_stands_beside_the_expected_and_what_differs_is_marked():
    page = student_page(
        graded("Ada", {"scaled_scores": {"outcome": "wrong", "message": "No.", "shown": SHOWN}}), CHAPTER
    )
    assert page.count("<mark>") == 2
    assert "<mark>0.40</mark>" in page
    assert "<mark>2.00</mark>" in page
    text = Read(page).text
    assert "yours float64 0.40 1.00 expected float64 2.00 1.00" in text
    assert "Its inputs: query (1, 2), key (1, 2)" in text


def test_of_different_shapes_nothing_is_marked():
    shown = {**SHOWN, "yours": "yours float64, shape (2,)\n1 2", "expected": "expected float64, shape (2, 1)\n1\n2"}
    page = student_page(
        graded("Ada", {"scaled_scores": {"outcome": "wrong", "message": "No.", "shown": shown}}), CHAPTER
    )
    assert "<mark>" not in page
    assert "shape (2, 1)" in Read(page).text


def test_an_error_shows_the_case_alone():
    shown = {**SHOWN, "yours": "", "expected": ""}
    text = read(graded("Ada", {"scaled_scores": {"outcome": "raised", "message": "IndexError.", "shown": shown}}))
    assert "stopped with an error" in text
    assert "the example of the text" in text
    assert "expected float64" not in text


def test_cases_are_listed_where_some_are_right():
    cases = [
        {"case": name, "outcome": outcome, "points": 1, "worth": 1}
        for name, outcome in (("a", "right"), ("b", "wrong"))
    ]
    text = read(graded("Ada", {"scaled_scores": {"outcome": "wrong", "cases": cases, "points": 1}}))
    assert "✓ a ✗ b" in text
    assert "✗" not in read(graded("Ada", {"scaled_scores": "wrong"}))


def test_a_question_has_the_choice_and_its_explanation_and_not_the_right_one():
    asked = CHAPTER.questions[0]
    chosen, right = asked.lettered["c"], asked.lettered["b"]
    text = read(graded("Ada", {"why_the_root": {"outcome": "wrong", "message": chosen.explanation}}))
    assert f"You chose c) {chosen.text}" in text
    assert chosen.explanation in text
    assert right.text not in text
    assert right.explanation not in text


def test_how_the_points_add_up():
    changes = [(2, "Well explained.", ""), (-1.5, "As agreed.", "02.scaled_scores")]
    text = read(graded("Ada", late=27, penalty=3, adjustments=changes)).replace("\N{MINUS SIGN}", "-")
    assert "19" not in text.partition("points")[0]
    assert "18.5 of 21 points" in text
    assert "For your answers 21 Late by 1 day and 3 hours -3" in text
    assert "Changed by hand: Well explained. +2" in text
    assert "Changed by hand (02.scaled_scores): As agreed. -1.5 Together 18.5" in text
    assert "Changed by hand, -1.5: As agreed." in text  # at the task, too


def test_other_weights_are_said():
    one = dataclasses.replace(graded("Ada", {"scaled_scores": "wrong"}), earned=40.0, possible=50.0)
    assert "For your answers (16 of 21, weighted) 40 Together 40" in read(one)


def test_late_without_a_penalty_is_said():
    assert "It came 2 hours after the deadline; no points were taken off" in read(graded("Ada", late=2))


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (graded("Ada", handed_in=False), "Nothing was handed in for this exercise"),
        (graded("Ada", problem="It is no Jupyter notebook."), "could not be graded. It is no Jupyter notebook."),
        (graded("Ada"), "Everything is right. Well done!"),
        (
            graded("Ada", {item.id[3:]: "not attempted" for item in (*CHAPTER.tasks, *CHAPTER.questions)}),
            "nothing in it is answered yet",
        ),
    ],
)
def test_the_special_ones_read_well(one, said):
    text = read(one)
    assert said in text
    assert "Not right yet" not in text


def test_points_by_hand_are_told_to_who_handed_in_nothing():
    text = read(graded("Ada", handed_in=False, adjustments=[(5, "Shown in the lab.", "")]))
    assert "5 of 21 points" in text
    assert "Shown in the lab. +5" in text


def test_flags_are_never_on_it():
    flagged = {"outcome": "right", "flags": ["SECRET one"]}
    one = graded(
        "Ada", {"scaled_scores": flagged, "head_scores": {**flagged, "outcome": "wrong"}}, flags=["SECRET two"]
    )
    assert "SECRET" not in student_page(one, CHAPTER)


def test_how_it_was_graded_is_told():
    page = Read(student_page(graded("Ada"), CHAPTER, version="3f2a9c1")).text
    assert "child processes with limits" in page
    assert "Seed that all inputs were drawn from 7" in page
    assert "3f2a9c1" in page


@each_hostile
def test_nobody_writes_into_it(hostile):
    page = student_page(attacked(hostile), CHAPTER)
    Read(page)
    assert len(page) < 200_000
    assert not any(sign in page for sign in "\x00\x07\x0b\x1b\x85\x9b\u2028\u202e\u2066\u200f\ud800\ufffe")


def test_it_fetches_nothing_and_runs_nothing():
    page = student_page(graded("Ada"), CHAPTER)
    assert "default-src 'none'" in page
    assert not any(word in page for word in ("http:", "https:", "url(", "@import", "<script", "<link", "<img"))


def test_a_task_that_the_report_does_not_know_is_left_out():
    one = graded("Ada")
    one = dataclasses.replace(one, report={**one.report, "results": one.report["results"][1:]})
    assert "Scaled dot-product scores" not in read(one)
