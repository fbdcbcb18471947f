"""A learner's folder over time: whatever happened to a file in it, and to the course."""

import copy
import errno
import json
import os
import random
import shutil

import pytest
from small_course import EXERCISE, LESSON, Course, answer, blank, code, exercise, notebook, printed, text

from authoring.own_work import record
from authoring.release import nbgrader_solution
from workbook.folder import disk, layout, stored
from workbook.folder.disk import FolderError

MINE = blank("softmax").replace("    # Your code here.\n    return ...", "    return scores / scores.sum()")


def next_version(course, **sources):
    """Give out the exercise with other sources; return its cells."""
    cells = exercise()
    for cell in cells:
        cell["source"] = sources.get(cell["id"].replace("-", "_"), cell["source"])
    course.give(EXERCISE, *cells)
    return cells


def test_a_folder_begins_with_everything(course):
    assert sorted(path.name for path in course.folder.iterdir()) == [
        ".course",
        "Exercise 03.ipynb",
        "Lesson 00.ipynb",
        "Lesson 03.ipynb",
        "my_transformer.py",
    ]
    assert layout.find(course.folder) == course.folder


def test_where_nothing_is_new_nothing_is_said_or_written(course):
    course.write("answer-03-softmax", MINE)
    before = course.everything()
    assert course.update() == []
    assert course.everything() == before


def test_a_new_version_comes_in_around_the_learners_work(course):
    course.write("answer-03-softmax", MINE, outputs=[printed("mine")])
    next_version(course, task_1="## Task 1, told better")
    assert course.update() == ["Brought up to date, with all that you wrote in them: Exercise 03.ipynb."]
    assert course.source("task-1") == "## Task 1, told better"
    assert course.source("answer-03-softmax") == MINE
    before = course.everything()
    assert course.update() == []
    assert course.everything() == before


def test_two_versions_back(course):
    course.write("answer-03-softmax", MINE)
    old = course.mine()
    next_version(course, task_1="second", task_2="second")
    course.update()
    next_version(course, task_1="third")
    course.save(old)  # never updated: of the first version still
    course.update()
    assert course.source("task-1") == "third"
    assert course.source("task-2") == "## Task 2"
    assert course.source("answer-03-softmax") == MINE


def test_an_open_jupyterlab_that_writes_the_old_version_back_loses_nothing(course):
    opened = course.mine()
    next_version(course, task_1="second")
    course.update()
    opened["cells"].insert(3, code("1a2b3c4d", "meanwhile = 1"))
    course.save(opened)
    assert course.source("task-1") == "## Task 1"
    course.update()
    assert course.source("task-1") == "second"
    assert course.source("1a2b3c4d") == "meanwhile = 1"


def test_what_both_changed_is_said(course):
    course.write("task-2", "## Task 2 and my note")
    next_version(course, task_2="## Task 2, shorter")
    said = course.update()
    assert said[-1] == (
        "Exercise 03.ipynb: one cell was changed both by you and by the course; both texts stand there."
    )


def test_a_new_notebook_is_said(course):
    course.give("notebooks/04_masking.ipynb", text("title", "# 04 · Masking"))
    said = course.update()
    assert "New in the course: Lesson 04.ipynb." in said
    assert "[Lesson 04 →](Lesson%2004.ipynb)" in course.source("navigation-bottom", "Lesson 03")


def test_a_renamed_notebook_is_known_by_what_it_says_of_itself(course):
    course.write("answer-03-softmax", MINE)
    course.path("Exercise 03").rename(course.path("my favourite"))
    next_version(course, task_1="second")
    brought, renamed = course.update()
    assert brought == "Brought up to date, with all that you wrote in them: my favourite.ipynb (Exercise 03)."
    assert renamed.startswith("Exercise 03.ipynb is called my favourite.ipynb now: the map leads there")
    assert course.update() == []  # said once
    assert course.source("task-1", "my favourite") == "second"
    assert not course.path("Exercise 03").exists()


def test_a_notebook_whose_course_file_has_another_name_now_is_still_the_same(course):
    course.write("answer-03-softmax", MINE)
    for folder in ("exercises", "solutions"):
        (course.root / folder / "03_softmax.ipynb").rename(course.root / folder / "03_softmax_and_values.ipynb")
    course.update()
    assert course.source("answer-03-softmax") == MINE
    assert course.mine()["metadata"]["course"]["notebook"] == "exercises/03_softmax_and_values.ipynb"


def test_a_copy_is_brought_up_to_date_like_the_original(course):
    course.save({**course.mine()}, "Exercise 03-Copy1")
    next_version(course, task_1="second")
    course.update()
    assert course.source("task-1") == course.source("task-1", "Exercise 03-Copy1") == "second"


def test_a_deleted_notebook_comes_back(course):
    course.path("Lesson 03").unlink()
    assert course.update() == ["Lesson 03.ipynb was gone: a fresh one is there."]
    assert course.update() == []


@pytest.mark.parametrize("spoiled", [b"", b'{"cells": [', b"[1, 2]", b'{"cells": 3}', b"\xff\xfe", b'{"cells": [{}]}'])
def test_a_spoiled_notebook_is_kept_aside(course, spoiled):
    course.path("Exercise 03").write_bytes(spoiled)
    [said] = course.update()
    assert said.startswith("Exercise 03.ipynb was no notebook")
    assert (course.folder / "kept" / "Exercise 03.ipynb").read_bytes() == spoiled
    assert course.source("task-1") == "## Task 1"
    assert course.update() == []


def test_the_second_spoiled_notebook_does_not_replace_the_first(course):
    for number in (b"1", b"2", b"2"):
        course.path("Exercise 03").write_bytes(number)
        course.update()
    kept = {path.name: path.read_bytes() for path in (course.folder / "kept").iterdir()}
    assert kept == {"Exercise 03.ipynb": b"1", "Exercise 03 2.ipynb": b"2"}


def test_a_notebook_without_its_base_is_kept_whole_and_its_answers_go_over(course):
    course.write("answer-03-softmax", MINE)
    old = course.path("Exercise 03").read_bytes()
    for base in (course.folder / ".course" / "bases" / "Exercise 03").iterdir():
        base.unlink()
    next_version(course, task_1="second")
    [said] = course.update()
    assert "kept/Exercise 03.ipynb" in said
    assert (course.folder / "kept" / "Exercise 03.ipynb").read_bytes() == old
    assert course.source("answer-03-softmax") == MINE
    assert course.source("task-1") == "second"
    assert course.update() == []


def test_a_notebook_that_no_longer_says_what_it_is(course):
    mine = course.mine()
    mine["metadata"] = {}
    next(cell for cell in mine["cells"] if cell["id"] == "answer-03-softmax")["source"] = MINE
    course.save(mine)
    [said] = course.update()
    assert said.startswith("Exercise 03.ipynb does not say any more which version it is of")
    assert course.source("answer-03-softmax") == MINE
    assert course.update() == []


def test_a_list_of_what_was_given_that_cannot_be_read_loses_nothing(course):
    course.write("answer-03-softmax", MINE)
    layout.given(course.folder).write_text("{", encoding="utf-8")
    next_version(course, task_1="second")
    course.update()
    assert course.source("answer-03-softmax") == MINE
    assert course.source("task-1") == "second"
    assert course.update() == []


def test_an_exercise_whose_tasks_changed(course):
    course.write("answer-03-softmax", MINE)
    course.write("answer-03-attention", blank("attention").replace("return ...", "return 7"))
    cells = [cell for cell in exercise() if cell["id"] not in ("answer-03-attention", "check-attention", "task-2")]
    cells[-1:-1] = [text("task-3", "## Task 3"), *answer("03.output", blank("output"))]
    course.give(EXERCISE, *cells)
    course.update()
    ids = course.ids()
    assert ids.index("task-3") + 1 == ids.index("answer-03-output")
    assert course.source("answer-03-softmax") == MINE
    assert "return 7" in course.source("earlier-answer-03-attention")
    assert ids[-1] == "navigation-bottom"
    assert course.update() == []


def test_a_lesson_of_the_course_that_cannot_be_read_is_told_and_the_rest_comes(course):
    (course.root / LESSON).write_text("<<<<<<< HEAD", encoding="utf-8")
    next_version(course, task_1="second")
    before = course.path("Lesson 03").read_bytes()
    said = course.update()
    assert any(sentence.startswith(f"{LESSON}, of the course, cannot be read") for sentence in said)
    assert course.path("Lesson 03").read_bytes() == before
    assert course.source("task-1") == "second"


def test_after_another_python_a_notebook_still_opens_unmodified(course):
    mine = course.mine()
    mine["metadata"]["language_info"]["version"] = "3.9.0"
    course.save(mine)
    assert course.update() == []
    assert course.mine()["metadata"]["language_info"]["version"] != "3.9.0"


def test_the_readers_own_notebooks_are_left_alone(course):
    own = notebook(code("1a2b3c4d", "mine = 1"))
    course.save(own, "Untitled")
    (course.folder / "notes.txt").write_text("mine", encoding="utf-8")
    before = course.everything()
    assert course.update() == []
    assert course.everything() == before


@pytest.mark.parametrize("successes", range(6))  # so many files are written
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EACCES])
def test_a_full_disk_in_the_middle_loses_nothing_and_the_next_call_goes_on(course, monkeypatch, successes, error):
    course.write("answer-03-softmax", MINE)
    course.write("compute", "mine = 1 + 1", "Lesson 03")
    course.path("Lesson 00").write_text("spoiled", encoding="utf-8")
    next_version(course, task_1="second")
    course.give(LESSON, text("title", "# 03 · Softmax, again"), code("compute", "1 + 1"))
    expected = copy.deepcopy(course.everything())
    replace, left = os.replace, [successes]

    def full(*paths):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(error, os.strerror(error))
        return replace(*paths)

    with monkeypatch.context() as disk_is_full:
        disk_is_full.setattr(disk.os, "replace", full)
        with pytest.raises(FolderError, match="then run the same command again"):
            course.update()
    there = {path.name for path in course.folder.iterdir()}
    assert {path.name for path in expected if path.parent == course.folder} <= there
    assert list(course.folder.rglob("*.tmp")) == []
    course.update()
    assert course.source("answer-03-softmax") == MINE
    assert course.source("compute", "Lesson 03") == "mine = 1 + 1"
    assert course.source("task-1") == "second"
    assert course.source("title", "Lesson 03") == "# 03 · Softmax, again"
    assert [path.read_text(encoding="utf-8") for path in (course.folder / "kept").iterdir()] == ["spoiled"]
    assert course.update() == []


def test_a_first_call_that_was_interrupted_goes_on_without_a_word_of_what_is_new(course, monkeypatch):
    shutil.rmtree(course.folder)
    write, left = stored.write, [2]

    def full(path, notebook):
        left[0] -= 1
        if left[0] < 0:
            raise FolderError("full")
        write(path, notebook)

    with monkeypatch.context() as disk_is_full:
        disk_is_full.setattr(stored, "write", full)
        with pytest.raises(FolderError):
            course.update()
    assert course.update() == []
    assert course.path("Lesson 03").exists()


def test_a_file_where_the_folder_should_be_is_told(course):
    shutil.rmtree(course.folder)
    course.folder.write_text("in the way", encoding="utf-8")
    with pytest.raises(FolderError, match="my_course"):
        course.update()


# What stands in exercises/ from before there was a folder -------------------------------------------------------------


@pytest.fixture
def older(tmp_path, monkeypatch):
    """A course as released, whose reader has written into exercises/ and has no folder yet."""

    monkeypatch.delenv("CI", raising=False)
    course = Course(tmp_path)
    course.give("notebooks/00_start_here.ipynb", text("start", "# 00 · Start here"))
    function = "def softmax(scores):\n    ### BEGIN SOLUTION\n    return scores / scores.sum()\n    ### END SOLUTION"
    cells = [text("title", "# 03"), *answer("03.softmax", function), text("next", "## Next")]
    course.give(EXERCISE, *cells)
    cells[1]["source"] = blank("softmax").replace('    """Return it."""\n', "")
    cells[1]["metadata"] = {**cells[1]["metadata"], "nbgrader": nbgrader_solution("03.softmax")}
    stored.write(course.root / EXERCISE, notebook(*cells))
    (course.root / "solutions" / layout.PARTS).write_text("# 04.mask ---\n\ndef mask(): ...\n", encoding="utf-8")
    (course.root / "exercises" / layout.PARTS).write_text(
        "# 04.mask --- the course's own\n\nfrom solutions.my_transformer import mask\n", encoding="utf-8"
    )
    record(tmp_path)
    return course


def solve(course):
    path = course.root / EXERCISE
    exercise = stored.read(path)
    exercise["cells"][1]["source"] = MINE
    exercise["cells"].insert(2, code("1a2b3c4d", "my_own = 1"))
    stored.write(path, exercise)


def test_answers_in_exercises_are_brought_over_once(older):
    solve(older)
    parts = older.root / "exercises" / layout.PARTS
    parts.write_text("# 04.mask --- yours, 12345678\n\ndef mask():\n    return 1\n", encoding="utf-8")
    said = older.update()
    assert "Your answers in exercises/ were brought over, and stay there, too: Exercise 03.ipynb." in said
    assert any("my_transformer.py from exercises/ was brought over" in one for one in said)
    assert older.source("answer-03-softmax") == MINE
    assert older.source("1a2b3c4d") == "my_own = 1"
    assert "return 1" in (older.folder / layout.PARTS).read_text(encoding="utf-8")
    assert older.update() == []
    older.give("exercises/04_masking.ipynb", text("title", "# 04"))  # so that the way on from 03 is another
    older.update()
    assert "Exercise%2004" in older.source("navigation-top")
    assert older.source("answer-03-softmax") == MINE


def test_what_was_worked_on_is_remembered_until_something_changes(older, monkeypatch):
    solve(older)
    older.update()
    with monkeypatch.context() as unasked:
        unasked.setattr("authoring.own_work.worked_on", None)  # asking would raise
        assert older.update() == []
        assert "return scores" in older.source("answer-03-softmax")
        path = older.root / EXERCISE
        path.write_text(path.read_text(encoding="utf-8").replace("my_own = 1", "my_own = 2"), encoding="utf-8")
        with pytest.raises(TypeError):
            older.update()
    layout.worked_on(older.folder).write_text("spoiled", encoding="utf-8")
    assert older.update() == []


def test_later_changes_in_exercises_are_no_new_version(older):
    older.update()
    solve(older)
    assert older.update() == []
    assert "return ..." in older.source("answer-03-softmax")


def test_a_spoiled_or_deleted_exercise_still_gives_a_fresh_copy(older):
    (older.root / EXERCISE).write_text("<<<<<<< HEAD", encoding="utf-8")
    said = older.update()
    assert any("holds no answers to bring over" in one for one in said)
    assert "return ..." in older.source("answer-03-softmax")
    (older.root / EXERCISE).unlink()
    older.path("Exercise 03").unlink()
    assert older.update() == ["Exercise 03.ipynb was gone: a fresh one is there."]
    assert "return ..." in older.source("answer-03-softmax")


def test_the_base_of_a_copy_is_the_copy(course):
    version = course.mine()["metadata"]["course"]["version"]
    base = layout.base(course.folder, "Exercise 03.ipynb", version)
    assert json.loads(base.read_text(encoding="utf-8")) == json.loads(course.path("Exercise 03").read_text("utf-8"))


def test_whatever_stands_in_a_file_it_is_dealt_with(course):
    rng = random.Random(2017)
    text = course.path("Exercise 03").read_text(encoding="utf-8")
    for _ in range(200):
        notebook = json.loads(text)
        notebook["metadata"]["course"]["version"] = rng.choice(["unknown", notebook["metadata"]["course"]["version"]])
        for _ in range(rng.randint(1, 3)):
            spoil(notebook, rng)
        course.path("Exercise 03").write_text(json.dumps(notebook), encoding="utf-8")
        next_version(course, task_1=f"version {rng.random()}")
        course.update()
        assert course.update() == []
        assert {"answer-03-softmax", "check-softmax", "question"} <= set(course.ids())
        text = course.path("Exercise 03").read_text(encoding="utf-8") if rng.random() < 0.5 else text


def spoil(node, rng):
    """Put something else in the place of one thing in a notebook, at any depth."""
    places = list(node) if isinstance(node, dict) else list(range(len(node)))
    if not places:
        return
    place = rng.choice(places)
    if isinstance(node[place], dict | list) and rng.random() < 0.8:
        spoil(node[place], rng)
    elif rng.random() < 0.5:
        node[place] = rng.choice([None, 3, "x", [], {}, ["a", 1], {"course": 1}, True])
    else:
        del node[place]
