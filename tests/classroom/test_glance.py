"""The class at a glance: the same numbers on the page and in the terminal, for classes of every size."""

import pytest
from a_class import CHAPTER, Read, attacked, each_hostile, graded

from classroom.reports.glance import glance_page, glance_text
from classroom.reports.harmless import columns_of

WRONG = {"outcome": "wrong", "mistake": "divided_by_d_k"}
CLASS = [
    graded("Ada"),
    graded("Ben", {"scaled_scores": WRONG, "head_scores": "wrong"}, late=3, penalty=2),
    graded("Cem", {"scaled_scores": WRONG, "head_scores": "raised"}),
    graded("Dea", {"head_scores": {"outcome": "borrowed", "flags": ["It reads sys._getframe."]}}),
    graded("Eli", handed_in=False),
    graded("Fay", problem="It is no notebook."),
]
HALF = [graded(name, {"head_scores": "wrong"}) for name in ("Ada", "Ben")]


def both(people, **more):
    return [Read(glance_page(people, CHAPTER, **more)).text, " ".join(glance_text(people, CHAPTER, **more).split())]


@pytest.mark.parametrize("text", both(CLASS, flags={"s-Ada": ["Much like Ben's."], "s-Nobody": ["Not here."]}))
def test_what_a_lecturer_wants_to_know(text):
    said = next(slip.message for slip in CHAPTER.tasks[0].slips if slip.name == "divided_by_d_k")
    assert said in text
    assert "2 of 4" in text
    assert "5 of 6" in text  # handed in
    assert "3 hours" in text
    assert "It is no notebook." in text
    assert "02.head_scores: It reads sys._getframe." in text
    assert "Much like Ben's." in text
    assert "Not here." not in text
    assert "none of them is a verdict" in text
    assert "Handed in nothing (1)" in text
    assert text.index("Handed in nothing (1)") < text.index("s-Eli", text.index("Handed in nothing"))


@pytest.mark.parametrize("text", both(HALF))
def test_what_nobody_solved(text):
    assert "02.head_scores" in text.partition("Nobody has")[2]


@pytest.mark.parametrize("text", both(CLASS))
def test_nobody_is_said_of_no_task_that_somebody_solved(text):
    assert "Nobody has" not in text


@pytest.mark.parametrize(
    "text", both([graded("Ada", {"scaled_scores": {**WRONG, "mistake": "divided_by_d_k + not_divided"}})])
)
def test_two_mistakes_at_once_are_two_with_a_note(text):
    assert "1 together with not divided" in text
    assert "1 together with divided by d k" in text


@pytest.mark.parametrize(
    "text", both([graded("Ada", {"scaled_scores": {**WRONG, "mistake": "divided_by_d_k | not_divided"}})])
)
def test_alternatives_are_said_as_such(text):
    assert "Or, which gives the same:" in text


@pytest.mark.parametrize("text", both([]))
def test_a_class_of_nobody(text):
    assert "Nobody is here yet" in text


@pytest.mark.parametrize("text", both([graded("Ada", handed_in=False), graded("Ben", handed_in=False)]))
def test_a_class_that_handed_in_nothing(text):
    assert "0 of 2" in text
    assert "Handed in nothing (2)" in text
    assert "Task by task" not in text


@pytest.mark.parametrize("text", both([graded("Ada")]))
def test_a_class_of_one(text):
    assert "1 of 1" in text
    assert "21 of 21" in text


def test_a_class_of_500():
    people = [graded(f"Student {place:03}", {"head_scores": "wrong"} if place % 3 else {}) for place in range(500)]
    page, text = both(people)
    assert "500 of 500" in page
    assert "500 of 500" in text
    assert "333" in page
    assert len(glance_page(people, CHAPTER)) < 600_000
    missing = [graded(f"Student {place:03}", handed_in=False) for place in range(500)]
    assert "Student 499" in glance_text(missing, CHAPTER)


def test_the_drawing_has_the_numbers_in_words_too():
    page = glance_page(CLASS, CHAPTER)
    label = page.partition('role="img" aria-label="')[2].partition('"')[0].replace("\N{EN DASH}", "-")
    assert label.endswith("points. 6-7 points: 1; 8-9 points: 1; 14-15 points: 1; 20-21 points: 2")


@pytest.mark.parametrize("width", [40, 80, 132])
def test_lines_fit_the_terminal(width):
    people = [*CLASS, graded("王小明" * 20), graded("Zoë van den Berg-Østergård")]
    for line in glance_text(people, CHAPTER, width=width).splitlines():
        words = line.split()
        assert (
            columns_of(line) <= max(width, 4 + max(map(columns_of, words), default=0)) or "█" in line or "▓" in line
        ), line


def test_bars_of_a_task_are_as_long_as_each_other_and_leave_nothing_out():
    lines = glance_text(CLASS, CHAPTER).splitlines()
    bars = {
        line.split()[0]: line.split()[1]
        for line in lines
        if line.startswith("  02.") and " right" in line and "█" in line
    }
    assert {len(bar) for bar in bars.values()} == {len(next(iter(bars.values())))}
    assert len(bars) == 4
    assert set(bars["02.head_scores"]) == set("█▓▒░")


@each_hostile
def test_nobody_writes_into_it(hostile):
    one = attacked(hostile)
    flags = {one.student.id: [hostile]}
    page = glance_page([one, *CLASS], CHAPTER, flags=flags)
    Read(page)
    text = glance_text([one, *CLASS], CHAPTER, flags=flags)
    assert text.encode()
    assert all(sign.isprintable() or sign in "\n\u200c\u200d" for sign in text)
    assert not any(sign in page for sign in "\x00\x07\x0b\x1b\x85\x9b\u2028\u202e\u2066\u200f\ud800\ufffe")
    assert len(page) + len(text) < 200_000


@each_hostile
def test_names_lead_to_pages(hostile):
    page = glance_page([attacked(hostile), *CLASS], CHAPTER, pages={hostile: "students/x.html", "s-Ada": 'a"<b>.html'})
    Read(page)
    assert page.count("<a href=") == 2
    assert '<a href="students/x.html">' in page
    assert '<a href="a&quot;&lt;b&gt;.html">' in page
