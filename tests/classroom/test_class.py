"""From what was handed in to the gradebook and its reports, by the commands that an instructor calls."""

import json
import shutil
import tracemalloc
import zipfile
from concurrent.futures import Executor, Future

import pytest

from classroom import __main__ as command_line
from classroom.batch import close_judges
from classroom.gradebook import Gradebook, GradebookError
from classroom.grading import grade_class, terms_of
from made_class import RIGHT, WRONG, notebook

CHOICE = 'answer("01.which", "b")'
ALL = notebook((RIGHT, "01.row_sums"), CHOICE)  # 6 of 6 points
HALF = notebook((WRONG, "01.row_sums"), CHOICE)  # 2 of 6


@pytest.fixture(autouse=True)
def no_judge_stays():
    yield
    close_judges()


@pytest.fixture
def handed_in(tmp_path):
    """A folder that is written and written over: {student: bytes of the notebook}."""

    def write(**files):
        for student, data in files.items():
            path = tmp_path / "in" / student / "x.ipynb"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return tmp_path / "in"

    return write


@pytest.fixture
def mine(tmp_path):
    return tmp_path / "my_class"


@pytest.fixture
def command(sums, mine):
    """Runs a command on the class: `command(name, *arguments)`."""
    return lambda name, *arguments: command_line.main([name, str(mine), "--catalogue", str(sums), *arguments])


@pytest.fixture
def grade(sums, mine, capsys):
    """Grade into the class; return (exit code, what was printed, what was complained)."""

    def grade(place, *more, chapter="01"):
        arguments = ["grade", "--catalogue", str(sums), str(place), "--chapter", chapter, "--into", str(mine)]
        code = command_line.main([*arguments, "--workers", "1", "--trust", *more])
        return (code, *capsys.readouterr())

    return grade


def reported(mine):
    """Return {id of the student: what graded.json says of them}."""
    data = json.loads((mine / "reports" / "01" / "graded.json").read_text(encoding="utf-8"))
    return {one["student"]["id"]: one for one in data}


def points(mine):
    return {student: one["points"] for student, one in reported(mine).items()}


# Grading --------------------------------------------------------------------------------------------------------------


def test_a_class(handed_in, grade, mine):
    mine.mkdir()
    (mine / "roster.csv").write_text("id,name\nann,Ann Lee\nbo,Bo\nzed,Zed\n", encoding="utf-8")
    code, printed, progress = grade(handed_in(ann=ALL, bo=HALF, cy=b"{"), "--seed", "3")
    assert code == 1
    assert points(mine) == {"ann": 6, "bo": 2, "cy": 0, "zed": 0}
    assert reported(mine)["zed"]["report"] is None
    assert reported(mine)["ann"]["report"]["seed"] == 3
    assert "cy: cy/x.ipynb is no Jupyter notebook" in " ".join(printed.split())
    assert "Not on the roster, graded all the same: cy." in printed
    assert "Handed in nothing (1) Zed (zed)" in " ".join(printed.split())
    assert "Chapter 01, seed 3: 3 graded now, 0 as before." in printed
    assert "3 handed in: 2.667 of 6 points in the mean, 6 at most." in printed
    assert "3 of 3 submissions" in progress


def test_only_what_changed_is_graded_again(handed_in, grade, mine):
    _, printed, _ = grade(handed_in(ann=ALL, bo=HALF))
    assert "2 graded now, 0 as before" in printed
    first = reported(mine)
    assert "0 graded now, 2 as before" in grade(handed_in())[1]
    assert reported(mine) == first  # the same seed, though it was drawn
    assert "1 graded now, 1 as before" in grade(handed_in(bo=ALL))[1]
    assert points(mine) == {"ann": 6, "bo": 6}
    assert "2 graded now, 0 as before" in grade(handed_in(), "--again")[1]
    assert reported(mine)["ann"] == first["ann"]
    _, printed, _ = grade(handed_in(), "--seed", "5")
    assert "2 graded now" in printed
    assert "Changed since the last time: the seed. So everything is graded again." in printed
    assert "0 graded now" in grade(handed_in())[1]  # 5 from now on
    assert "2 graded now" in grade(handed_in(), "--time-limit", "3")[1]


def test_a_student_whose_files_are_gone_keeps_what_there_was(handed_in, grade, mine, tmp_path):
    grade(handed_in(ann=ALL, bo=HALF))
    (tmp_path / "in" / "ann" / "x.ipynb").unlink()
    grade(handed_in())
    assert points(mine) == {"ann": 6, "bo": 2}


def test_a_roster_that_comes_later(handed_in, grade, mine):
    grade(handed_in(ann=ALL, x7=HALF))
    (mine / "roster.csv").write_text("id,login,name\ns1,ann,Ann Lee\ns2,bo,Bo\n", encoding="utf-8")
    _, printed, _ = grade(handed_in())
    assert points(mine) == {"ann": 6, "s1": 6, "s2": 0, "x7": 2}
    assert "Not on the roster, graded all the same: x7." in printed
    assert "Graded before, neither on the roster nor handed in now: ann." in printed


def test_who_handed_in_before_is_not_missing(handed_in, grade, mine, tmp_path):
    mine.mkdir()
    (mine / "roster.csv").write_text("id\nann\nbo\n", encoding="utf-8")
    grade(handed_in(ann=ALL, bo=HALF))
    for place in (tmp_path / "in" / "bo", tmp_path / "in" / "bo" / "x.ipynb"):
        handed_in(bo=ALL + b" " * len(str(place)))
        _, printed, _ = grade(place)
        assert "1 graded now, 0 as before" in printed
        assert "Handed in nothing" not in printed
        assert points(mine) == {"ann": 6, "bo": 6}


def test_a_zip_file(grade, mine, tmp_path):
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("ann.ipynb", ALL)
        archive.writestr("bo.ipynb", HALF)
        archive.writestr("../cy.ipynb", HALF)
    code, printed, _ = grade(tmp_path / "all.zip")
    assert code == 1
    assert points(mine) == {"ann": 6, "bo": 2, "cy": 0}
    assert "../cy.ipynb in the zip file leads out of it" in " ".join(printed.split())


def test_settings(handed_in, grade, mine):
    mine.mkdir()
    (mine / "grading.toml").write_text(
        """
        patterns = ['(?P<student>\\w+)_(?P<time>[\\d-]+)/x.ipynb']
        timezone = "UTC"
        seed = 77
        [late]
        percent_per_day = 25
        grace_minutes = 10
        [chapter.01]
        deadline = 2026-03-01T12:00:00
        points = {"01.row_sums" = 10}
        """,
        encoding="utf-8",
    )
    place = handed_in(**{"ann_2026-03-01-12-09": ALL, "bo_2026-03-02-12-01": ALL, "cy_2026-03-01-12-11": HALF})
    _, printed, _ = grade(place)
    assert "seed 77" in printed
    found = reported(mine)
    assert {id: (one["earned"], one["penalty"], one["points"]) for id, one in found.items()} == {
        "ann": (12, 0, 12),  # nine minutes late: within the grace
        "bo": (12, 6, 6),  # the second day has begun: half of 12
        "cy": (2, 0.5, 1.5),  # the first has: a quarter of 2
    }
    assert found["bo"]["late_seconds"] == 86460
    assert found["bo"]["possible"] == 12


def test_the_settings_may_name_the_catalogue_and_the_command_has_the_last_word(handed_in, mine, sums, capsys):
    mine.mkdir()
    (mine / "grading.toml").write_text(f'catalogue = "{sums.as_posix()}"\n', encoding="utf-8")
    call = ["grade", "--catalogue", "tasks", str(handed_in(ann=ALL)), "--chapter", "01", "--into", str(mine), "--trust"]
    assert command_line.main([*call, "--workers", "1"]) == 0
    assert points(mine) == {"ann": 6}
    assert command_line.main([*call, "--workers", "1", "--catalogue", "tasks"]) == 1
    assert "answers no task of this catalogue" in " ".join(capsys.readouterr().out.split())


def test_notebooks_that_did_not_count_are_told(handed_in, grade, mine, tmp_path):
    place = handed_in(ann=ALL, bo=ALL)
    (place / "ann" / "a.ipynb").write_bytes(b"{")
    _, printed, _ = grade(place)
    flag = reported(mine)["ann"]["report"]["flags"]
    assert len(flag) == 1
    assert flag[0] in " ".join(printed.split())
    assert "a.ipynb" in flag[0]
    assert points(mine)["ann"] == 6


def test_without_a_time_nothing_is_late_and_that_is_told(handed_in, grade, mine, tmp_path):
    mine.mkdir()
    settings = "[late]\npercent_per_day = 10\n[chapter.01]\ndeadline = 2001-01-01T00:00:00Z\n"
    (mine / "grading.toml").write_text(settings, encoding="utf-8")
    _, printed, _ = grade(handed_in(ann=ALL))
    assert "When 1 of 1 were handed in is not known, so they count as in time." in printed
    assert points(mine) == {"ann": 6}
    (mine / "grading.toml").write_text('submitted = "file times"\n' + settings, encoding="utf-8")
    assert "0 graded now" in grade(handed_in())[1]
    assert points(mine) == {"ann": 0}  # years late, and the time is noted though nothing was graded


def test_canvas_marks_who_is_late(handed_in, grade, mine, tmp_path):
    mine.mkdir()
    (mine / "grading.toml").write_text("[chapter.01]\ndeadline = 2001-01-01T00:00:00Z\n", encoding="utf-8")
    for name in ("leeann_LATE_11_901_x.ipynb", "ubo_12_902_x.ipynb"):
        (tmp_path / name).write_bytes(ALL)
    _, printed, _ = grade(tmp_path)
    assert (
        "Marked late by the course system, which does not say how late, so that nothing was taken off: 11." in printed
    )
    assert "When 1 of 2 were handed in is not known" in printed


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("[chapter.1]\nweight = 1", "speaks of 1, which there is not. Did you mean 01?"),
        (
            '[chapter.01]\npoints = {"01.rowsums" = 1}',
            "speaks of 01.rowsums, which there is not. Did you mean 01.row_sums?",
        ),
        ("sead = 1", "sead means nothing"),
    ],
)
def test_wrong_settings_are_one_sentence(handed_in, grade, mine, settings, said):
    mine.mkdir()
    (mine / "grading.toml").write_text(settings, encoding="utf-8")
    code, printed, complained = grade(handed_in(ann=ALL))
    assert (code, printed) == (2, "")
    assert said in complained
    assert complained.count("\n") == 1


def test_wrong_calls_are_one_sentence(handed_in, grade, mine, sums, tmp_path, capsys):
    place = handed_in(ann=ALL)
    assert "There is no chapter 07; there are 01." in grade(place, chapter="07")[2]
    assert "does not exist" in grade(tmp_path / "gone")[2]
    assert "needs the chapter" in str(
        (command_line.main(["grade", "--catalogue", str(sums), str(place), "--into", str(mine)]), capsys.readouterr())
    )
    far = ["--chapter", "01", "--into", str(tmp_path / "a" / "b")]
    assert command_line.main(["grade", "--catalogue", str(sums), str(place), *far]) == 2
    assert "cannot be made in it" in capsys.readouterr().err
    assert command_line.main(["report", str(tmp_path), "--catalogue", str(sums)]) == 2
    assert "There is no gradebook" in capsys.readouterr().err


def test_a_judge_that_does_not_begin_is_one_sentence(handed_in, grade, mine, monkeypatch):
    def fails(*_, **__):
        raise RuntimeError("this machine has no jail: --trust grades all the same.")

    monkeypatch.setattr("classroom.batch.Judge", fails)
    code, _, complained = grade(handed_in(ann=ALL))
    assert code == 2
    assert complained.splitlines()[-1] == "this machine has no jail: --trust grades all the same."


def test_a_full_disk_is_one_sentence(handed_in, grade, monkeypatch):
    def full(self, *_, **__):
        raise GradebookError("gradebook.sqlite cannot be written (disk full). What it held before is safe.")

    monkeypatch.setattr(Gradebook, "keep", full)
    code, _, complained = grade(handed_in(ann=ALL))
    assert code == 2
    assert "disk full" in complained


def test_texts_of_others_cannot_color_a_terminal(grade, tmp_path):
    answer = "def row_sums(table):\n    raise ValueError('\\x1b[2J\\u202e')"
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("a\x1b[31m\u202eb/x.ipynb", notebook((answer, "01.row_sums")))
        archive.writestr("bo/x\x1b.ipynb", b"{\x1b")
    _, printed, complained = grade(tmp_path / "all.zip", "--json", str(tmp_path / "all.json"))
    assert set(printed + complained) - {"\n"} <= {c for c in printed + complained if c.isprintable()}
    assert {one["student"]["id"] for one in json.loads((tmp_path / "all.json").read_text(encoding="utf-8"))} == {
        "a\\x1b[31m\\u202eb",
        "bo",
    }


# By hand --------------------------------------------------------------------------------------------------------------


def test_adjustments_survive_grading_again(handed_in, grade, mine, capsys, command):
    grade(handed_in(ann=ALL, bo=HALF))
    assert command("adjust", "bo", "01", "1.5", "--reason", "the idea is right", "--task", "01.row_sums") == 0
    assert capsys.readouterr().out == "bo has 3.5 of 6 points in chapter 01.\n"
    assert command("adjust", "ann", "01", "-2", "--reason", "told, not written") == 0
    grade(handed_in(), "--again")
    assert points(mine) == {"ann": 4, "bo": 3.5}
    assert [one["reason"] for one in reported(mine)["bo"]["adjustments"]] == ["the idea is right"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["bob", "01", "1", "--reason", "x"], "There is no student bob in the gradebook. Did you mean bo?"),
        (["bo", "02", "1", "--reason", "x"], "Chapter 02 was not graded yet"),
        (["bo", "01", "1", "--reason", "x", "--task", "01.x"], "asks no 01.x"),
        (["bo", "01", "1", "--reason", " "], "--reason is for the student"),
    ],
)
def test_an_adjustment_of_nothing_is_told(handed_in, grade, mine, capsys, arguments, said, command):
    grade(handed_in(bo=HALF))
    assert command("adjust", *arguments) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("points", ["nan", "inf", "x"])
def test_points_are_a_number(mine, points, command):
    with pytest.raises(SystemExit):
        command("adjust", "bo", "01", points, "--reason", "x")


def test_reports_follow_the_settings_as_they_are_now(handed_in, grade, mine, command):
    grade(handed_in(ann=ALL))
    (mine / "grading.toml").write_text('[chapter.01]\npoints = {"01.row_sums" = 40}\n', encoding="utf-8")
    assert command("report") == 0
    assert points(mine) == {"ann": 42}


def test_reports_that_are_none_any_more_are_taken_away(handed_in, grade, mine, command):
    grade(handed_in(ann=ALL, bo=ALL))
    students = mine / "reports" / "01" / "students"
    (students / "notes of mine.txt").write_text("stay", encoding="utf-8")
    assert command("forget", "ann") == 0
    assert sorted(path.name for path in students.iterdir()) == ["bo.html", "notes of mine.txt"]
    assert command("pseudonyms") == 0
    names = {path.name for path in students.iterdir()} - {"notes of mine.txt"}
    assert len(names) == 1
    assert names.pop().startswith("student-")


# Privacy --------------------------------------------------------------------------------------------------------------


def test_pseudonyms(handed_in, grade, mine, capsys, command):
    mine.mkdir()
    (mine / "roster.csv").write_text(
        "id,name,email\nann7,Ann Lee,ann@example.org\nbo7,Will Right,bo@example.org\n", encoding="utf-8"
    )
    says_who = "def row_sums(table):\n    raise ValueError('by ann LEE, ann7, ann@example.org; sleeping')"
    place = handed_in(ann7=notebook((says_who, "01.row_sums")), bo7=ALL)
    grade(place)
    assert "Ann Lee" in (mine / "reports" / "01" / "graded.json").read_text(encoding="utf-8")

    assert command("pseudonyms") == 0
    first = (mine / "reports" / "01" / "graded.json").read_text(encoding="utf-8")
    for name in ("ann", "lee,", "Will", "bo7", "Right", "example.org"):
        assert name.lower() not in first.lower().replace('"right"', "")
    assert "sleeping" in first
    assert sorted(points(mine).values()) == [0, 6]
    right = next(one for one in reported(mine).values() if one["points"] == 6)
    assert right["report"]["results"][0]["outcome"] == "right"  # no name, though somebody is called so

    _, printed, _ = grade(handed_in(cy9=b"{"))
    assert not any(name in printed for name in ("cy9", "ann7", "bo7", "Ann"))
    second = reported(mine)
    assert {json.loads(first)[n]["student"]["id"] for n in (0, 1)} < set(second)  # they stay the same

    pseudonym = next(id for id, one in second.items() if one["points"] == 6)
    assert command("adjust", pseudonym, "01", "1", "--reason", "for Will") == 0
    assert "bo7" not in capsys.readouterr().out
    assert command("pseudonyms", "--off") == 0
    assert points(mine) == {"ann7": 0, "bo7": 7, "cy9": 0}


def test_a_forgotten_student_is_in_no_file(handed_in, grade, mine, capsys, command):
    mine.mkdir()
    grade(handed_in(**{"ann-of-the-class": ALL, "bo": HALF}))
    command("adjust", "ann-of-the-class", "01", "1", "--reason", "x")
    capsys.readouterr()
    assert command("forget", "ann-of-the-class") == 0
    said = capsys.readouterr().out
    assert "Deleted from the gradebook: ann-of-the-class, with 1 result, 1 submission, 1 adjustment." in said
    assert "What they handed in" in said
    assert points(mine) == {"bo": 2}
    for path in mine.rglob("*"):
        assert path.is_dir() or b"ann-of-the-class" not in path.read_bytes()


# Many -----------------------------------------------------------------------------------------------------------------


class Unread(Executor):
    """Grades nothing: says of every submission that it could not."""

    def submit(self, work, job):
        future = Future()
        report = {"problem": "unread", "points": 0, "worth": 0, "level": "", "results": [], "path": job.name}
        future.set_result({"student": job.student, "report": report, "chosen": 0, "sound": True})
        return future


def peak_of(number, folder, sums):
    """Return the largest number of bytes that were in use while so many submissions of a mebibyte were graded."""
    with zipfile.ZipFile(folder / f"{number}.zip", "w") as archive:
        for one in range(number):
            archive.writestr(f"s{one}.ipynb", bytes([one]) * 2**20)
    (folder / f"class of {number}").mkdir()
    with Gradebook(folder / f"class of {number}", make=True) as book:
        terms = terms_of(book, "01", str(sums), seed=1)
        tracemalloc.start()
        told = grade_class(book, [folder / f"{number}.zip"], "01", str(sums), terms, workers=2, start=Unread)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert told.graded == number
    return peak


def test_memory_does_not_grow_with_the_number_of_submissions(tmp_path, sums):
    few, many = peak_of(10, tmp_path, sums), peak_of(60, tmp_path, sums)
    assert many - few < 5 * 2**20  # fifty more of a mebibyte each


def test_a_class_of_another_chapter_is_noticed(handed_in, grade, sums, capsys):
    other = sums / "chapter_02"
    shutil.copytree(sums / "chapter_01", other)
    for file in other.glob("*.py"):
        file.write_text(file.read_text(encoding="utf-8").replace("01.", "02."), encoding="utf-8")
    _, printed, _ = grade(handed_in(ann=ALL, bo=HALF), chapter="02")
    assert printed.endswith("Most of them are the exercise of chapter 01: did you mean --chapter 01?\n")
