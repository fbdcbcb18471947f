"""The map of the course: what is done, what comes next, how many minutes are left. Counted from made-up folders."""

import json
import subprocess
import sys

import pytest

from workbook import progress, record
from workbook.folder import layout
from workbook.progress import duration, lines, markup


def notebook(*cells):
    return json.dumps({"cells": list(cells), "metadata": {"course": {}}, "nbformat": 4, "nbformat_minor": 5})


def text(source):
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def code(source="x", count=None, **course):
    return {
        "cell_type": "code",
        "metadata": {"course": course},
        "source": source,
        "execution_count": count,
        "outputs": [],
    }


EXERCISE = notebook(
    text("# 01 · Scores: exercise\n\n**About 62 minutes** · needs: the lesson"),
    text("## Task 1\n\n**★☆☆ · 10 minutes · 4 points**"),
    code(answer="01.one"),
    text("## Task 2\n\n**★★☆ · 20 minutes · 5 points**"),
    code(answer="01.two"),
    code(question="01.why"),
    text("## Optional\n\n**★★★ · 40 minutes · optional**"),
    code(answer="01.more"),
)


def lesson(title, minutes, *counts):
    cells = [text(f"# 0x · {title}\n\n**About {minutes} minutes** · needs: nothing")]
    return notebook(*cells, *(code(count=count) for count in counts), text("## Next"), code())


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A learner's folder of two lessons, with an exercise to the second."""
    files = {"notebooks/00_a.ipynb": "Lesson 00.ipynb", "notebooks/01_b.ipynb": "Lesson 01.ipynb"}
    files["exercises/01_b.ipynb"] = "Exercise 01.ipynb"
    monkeypatch.setattr(layout, "course_files", lambda: files)
    (tmp_path / layout.MARK).mkdir()
    (tmp_path / "Lesson 00.ipynb").write_text(lesson("Start", 20, None, None), encoding="utf-8")
    (tmp_path / "Lesson 01.ipynb").write_text(lesson("Scores", 40, None, None, None, None), encoding="utf-8")
    (tmp_path / "Exercise 01.ipynb").write_text(EXERCISE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_before_anything_is_done(folder):
    found = progress.progress(folder)
    assert [step.minutes_left for step in found.steps] == [20, 40, 62]
    assert found.next.file == "Lesson 00.ipynb"
    assert (found.guesses, found.slips) == ((0, 0), (0, 0))
    said = list(lines(found))
    assert said[0] == "Next: Lesson 00."  # two hours would be the first thing that a newcomer reads
    assert said[2].split() == ["00", "Start", "20", "min"]
    assert said[-2:] == ["Your Transformer: 0 of 27 parts are yours.", "In all: 2 h."]


def test_the_map_is_folded_until_something_is_done(folder):
    shown, folded = markup(progress.progress(folder)).split("<details>")
    assert "2 h" not in shown
    assert "In all: 2 h." in folded
    (folder / "Lesson 00.ipynb").write_text(lesson("Start", 20, 1, None), encoding="utf-8")
    assert "<details>" not in markup(progress.progress(folder))
    assert "1 h 50 min left." in markup(progress.progress(folder))
    assert next(lines(progress.progress(folder))) == "Next: Lesson 00. 1 h 50 min left."


def test_what_was_run_of_a_lesson_counts_up_to_its_end(folder):
    (folder / "Lesson 00.ipynb").write_text(lesson("Start", 20, 1, 2), encoding="utf-8")
    (folder / "Lesson 01.ipynb").write_text(lesson("Scores", 40, 1, None, None, None), encoding="utf-8")
    found = progress.progress(folder)
    assert [step.minutes_left for step in found.steps] == [0, 30, 62]
    assert found.next.file == "Lesson 01.ipynb"
    assert "30 min, begun" in "\n".join(lines(found))


def test_right_answers_count_wherever_they_were_checked(folder):
    record.note("check", "01.two", outcome="right")
    record.note("check", "01.more", outcome="right")
    record.note("question", "01.why", chose="a", right=True)
    exercise = progress.progress(folder).steps[-1]
    assert (exercise.right, exercise.asked, exercise.minutes_left) == (2, 3, 20)
    record.note("question", "01.why", chose="b", right=False)  # the last word counts
    assert progress.progress(folder).steps[-1].right == 1
    record.note("check", "01.two", outcome="wrong")  # what was right once stays so
    assert progress.progress(folder).steps[-1].right == 1


def test_a_reset_opens_an_exercise_again(folder):
    for id in ("01.one", "01.two"):
        record.note("check", id, outcome="right")
    record.note("question", "01.why", chose="a", right=True)
    record.note("reset", "01", of="Lesson")
    assert progress.progress(folder).steps[-1].is_done
    record.note("reset", "01", of="Exercise")
    assert progress.progress(folder).steps[-1].right == 0
    record.note("check", "01.one", outcome="right")
    assert progress.progress(folder).steps[-1].right == 1


def test_a_renamed_notebook_is_found_by_what_it_says_of_itself(folder):
    of_course = EXERCISE.replace(
        '"course": {}}, "nbformat"', '"course": {"notebook": "exercises/01_b.ipynb"}}, "nbformat"'
    )
    (folder / "Exercise 01.ipynb").unlink()
    (folder / "mine.ipynb").write_text(of_course, encoding="utf-8")
    assert "href='mine.ipynb'" in markup(progress.progress(folder))


def test_the_end_is_told(folder):
    for name, minutes in (("Lesson 00", 20), ("Lesson 01", 40)):
        (folder / f"{name}.ipynb").write_text(lesson("T", minutes, 1, 2), encoding="utf-8")
    for id in ("01.one", "01.two"):
        record.note("check", id, outcome="right")
    record.note("question", "01.why", chose="a", right=True)
    found = progress.progress(folder)
    assert found.next is None
    assert next(lines(found)) == "Done: all of it."
    assert "Done: all of it." in markup(found)


def test_guesses_count_once_and_the_first_one_counts(folder):
    for id, right in (("01.a", False), ("01.a", True), ("01.b", True)):
        record.note("guess", id, said="a", right=right)
    assert "Guesses: 1 of 2 right." in progress.progress(folder).numbers


def test_slips_are_mastered_by_a_right_answer_to_their_task(folder):
    for id, outcome, slip in (
        ("01.one", "wrong", "scaled twice"),
        ("01.one", "wrong", "scaled twice"),
        ("01.one", "right", ""),
        ("01.two", "wrong", "axes swapped"),
        ("01.one", "wrong", "not scaled"),
    ):
        record.note("check", id, outcome=outcome, **({"slip": slip} if slip else {}))
    assert progress.progress(folder).slips == (3, 1)
    assert "Slips: 3 met, 1 of them mastered since." in progress.progress(folder).numbers


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"cells": 3}'])
def test_a_damaged_notebook_counts_as_not_begun(folder, damage, monkeypatch, tmp_path):
    (folder / "Lesson 00.ipynb").write_text(damage, encoding="utf-8")
    root = tmp_path / "course"
    (root / "notebooks").mkdir(parents=True)
    (root / "notebooks" / "00_a.ipynb").write_text(
        lesson("Start", 20, 1, 2).replace('"course": {}', ""), encoding="utf-8"
    )
    monkeypatch.setattr(layout, "ROOT", root)
    found = progress.progress(folder)
    assert found.steps[0].title == "Start"
    assert not found.steps[0].is_done


def test_the_map_leads_to_every_notebook_and_marks_the_next(folder):
    page = markup(progress.progress(folder))
    for name in ("Lesson%2000.ipynb", "Lesson%2001.ipynb", "Exercise%2001.ipynb"):
        assert f"href='{name}'" in page
    assert page.count("→") == 1


@pytest.mark.parametrize(
    ("minutes", "said"),
    [(0.2, "1 min"), (7.4, "7 min"), (59, "59 min"), (61, "1 h"), (64, "1 h 5 min"), (1438, "24 h")],
)
def test_minutes_in_words(minutes, said):
    assert duration(minutes) == said


def test_it_loads_nothing_heavy():
    program = "import sys, workbook.progress; print({'torch', 'tasks', 'nbformat', 'matplotlib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_the_courses_own_folder_shows_a_beginning():
    found = progress.progress(None)
    assert found.next.number == "00"
    assert [step.number for step in found.steps if isinstance(step, progress.Exercise)][:2] == ["01", "02"]
    assert all(step.minutes_left > 0 for step in found.steps)
