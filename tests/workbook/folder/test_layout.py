"""Names in the learner's folder, and what a learner may call a notebook."""

from pathlib import Path

import pytest

from workbook.folder import layout

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("notebooks/03_softmax_and_values.ipynb", "Lesson 03.ipynb"),
        ("exercises/09b_decoding.ipynb", "Exercise 09b.ipynb"),
        ("exercises/untitled.ipynb", None),
        ("solutions/03_softmax_and_values.ipynb", None),
    ],
)
def test_a_name_tells_lesson_and_exercise_apart(file, name):
    assert layout.name_of(file) == name


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("03", "Exercise 03.ipynb"),
        ("3", "Exercise 03.ipynb"),
        ("9B", "Exercise 09b.ipynb"),
        ("exercise 03", "Exercise 03.ipynb"),
        ("Lesson 3", "Lesson 03.ipynb"),
        ("Lesson 03.ipynb", "Lesson 03.ipynb"),
        ("00", "Lesson 00.ipynb"),
        ("99", None),
        ("softmax", None),
        ("", None),
    ],
)
def test_what_a_learner_calls_a_notebook(asked, name):
    assert layout.course_files(ROOT).get(layout.course_file(asked, ROOT)) == name


def test_lessons_and_exercises_come_in_the_order_in_which_they_are_worked_through():
    names = list(layout.course_files(ROOT).values())
    assert names[:4] == ["Lesson 00.ipynb", "Lesson 01.ipynb", "Exercise 01.ipynb", "Lesson 02.ipynb"]
    at = names.index("Lesson 09.ipynb")
    assert names[at : at + 4] == ["Lesson 09.ipynb", "Exercise 09.ipynb", "Exercise 09b.ipynb", "Lesson 10.ipynb"]


def test_a_readers_own_notebooks_are_none_of_the_course(course):
    (course.root / "exercises" / "03_mine.ipynb").write_text("{}", encoding="utf-8")
    assert "exercises/03_mine.ipynb" not in layout.course_files(course.root)


def test_the_folder_is_found_from_inside_alone(course, monkeypatch):
    (course.folder / "kept").mkdir()
    assert layout.find(course.folder / "kept") == course.folder
    monkeypatch.chdir(course.folder)
    assert layout.find() == course.folder
    assert layout.find(course.root) is None
