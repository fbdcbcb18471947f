"""A reader's own answers are told from what the course came with, whatever the reader's git knows of them."""

import os
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from authoring.own_work import record, worked_on
from authoring.release import exercise
from authoring.storage import normalize, read, write

ROOT = Path(__file__).parents[2]
NAME = "02_scaling.ipynb"
ANSWER = """def half(number):
    ### BEGIN SOLUTION
    return number / 2
    ### END SOLUTION"""


@pytest.fixture
def course(tmp_path, monkeypatch):
    """The root of a course with one exercise, released."""
    monkeypatch.delenv("CI", raising=False)
    for folder in ("solutions", "exercises"):
        (tmp_path / folder).mkdir()
    answer = new_code_cell(ANSWER, metadata={"course": {"answer": "02.half"}})
    write_solution(tmp_path, new_markdown_cell("# 02 · Scaling"), answer)
    release(tmp_path)
    return tmp_path


def write_solution(root, *cells):
    write(root / "solutions" / NAME, normalize(new_notebook(cells=list(cells))))


def release(root):
    path = root / "solutions" / NAME
    write(root / "exercises" / NAME, exercise(read(path), path))
    record(root)


def change(path, number, **changes):
    notebook = read(path)
    notebook.cells[number].update(**changes)
    write(path, notebook)


def test_an_untouched_exercise_is_under_test(course):
    assert worked_on(course) == []


def test_line_endings_are_no_work(course):
    path = course / "exercises" / NAME
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert worked_on(course) == []


def answer_it(course):
    change(course / "exercises" / NAME, 1, source="def half(number):\n    return number / 2")


def run_it(course):
    change(course / "exercises" / NAME, 1, outputs=[new_output("stream", text="tried")], execution_count=7)


def break_it(course):
    (course / "exercises" / NAME).write_text("{", encoding="utf-8")


@pytest.mark.parametrize("work", [answer_it, run_it, break_it])
def test_an_exercise_one_has_worked_on_is_known(course, work):
    work(course)
    assert worked_on(course) == [f"exercises/{NAME}"]


def test_it_is_known_when_the_solution_was_run_too(course):
    answer_it(course)
    change(course / "solutions" / NAME, 1, outputs=[new_output("stream", text="tried")], execution_count=7)
    assert worked_on(course) == [f"exercises/{NAME}"]


def test_a_notebook_of_ones_own_beside_the_exercises_is_known(course):
    (course / "exercises" / "Untitled.ipynb").write_text("{}", encoding="utf-8")
    assert worked_on(course) == ["exercises/Untitled.ipynb"]


def test_on_a_build_server_everything_is_under_test(course, monkeypatch):
    answer_it(course)
    monkeypatch.setenv("CI", "true")
    assert worked_on(course) == []


def test_an_author_who_changed_a_solution_and_forgot_the_exercise_is_no_reader(course):
    change(course / "solutions" / NAME, 0, source="# 02 · Scaling and more")
    assert worked_on(course) == []
    answer_it(course)
    assert worked_on(course) == []


def test_an_exercise_that_was_released_without_a_record_is_under_test(course):
    (course / "exercises" / ".released.json").unlink()
    assert worked_on(course) == []


@pytest.mark.skipif(not os.environ.get("CI"), reason="on a reader's machine the exercises may be the reader's")
def test_the_record_is_that_of_the_exercises_as_they_are(monkeypatch):
    monkeypatch.delenv("CI")
    assert worked_on(ROOT) == []
