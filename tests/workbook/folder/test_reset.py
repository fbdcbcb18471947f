"""A fresh copy; the old one is kept aside."""

import pytest

from workbook import __main__ as command_line
from workbook.folder.disk import FolderError
from workbook.folder.reset import reset


def test_the_old_one_is_kept_and_every_one_after_it(course):
    for number in ("first", "second"):
        course.write("answer-03-softmax", number)
        said = reset("03", course.root)
    kept = "what you had is kept/Exercise 03 2.ipynb."
    assert said == f"Exercise 03.ipynb is as the course gives it, and open again in your progress; {kept}"
    assert "return ..." in course.source("answer-03-softmax")
    assert '"first"' in (course.folder / "kept" / "Exercise 03.ipynb").read_text(encoding="utf-8")
    assert '"second"' in (course.folder / "kept" / "Exercise 03 2.ipynb").read_text(encoding="utf-8")
    assert course.update() == []


def test_a_lesson_a_deleted_and_a_renamed_notebook(course):
    course.path("Lesson 03").unlink()
    assert reset("Lesson 03", course.root) == "Lesson 03.ipynb is there, as the course gives it."
    course.path("Exercise 03").rename(course.path("mine"))
    assert reset("exercise 3", course.root).endswith("kept/mine.ipynb.")
    assert course.path("Exercise 03").exists()
    assert not course.path("mine").exists()


def test_a_notebook_that_there_is_not_is_told(course):
    with pytest.raises(FolderError, match="no lesson or exercise '99'"):
        reset("99", course.root)


def test_without_a_folder_there_is_nothing_to_reset(tmp_path, capsys, monkeypatch):
    with pytest.raises(FolderError, match="no folder of yours"):
        reset("03", tmp_path)


def test_the_command_takes_a_name_of_two_words(monkeypatch, capsys):
    monkeypatch.setattr("workbook.folder.reset.reset", lambda asked: f"reset {asked}")
    assert command_line.main(["reset", "Lesson", "03"]) == 0
    assert capsys.readouterr().out == "reset Lesson 03\n"


def test_the_command_says_a_problem_in_a_sentence(monkeypatch, capsys):
    def refuse(asked):
        raise FolderError("No.")

    monkeypatch.setattr("workbook.folder.reset.reset", refuse)
    assert command_line.main(["reset", "03"]) == 1
    assert capsys.readouterr().err == "No.\n"
