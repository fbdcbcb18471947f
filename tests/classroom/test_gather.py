"""What was handed in, however it comes, becomes one entry for each student."""

import io
import os
import random
import sys
import zipfile
from datetime import UTC, datetime, timedelta, timezone

import pytest

from classroom.collecting.gather import GatherError, gather
from classroom.collecting.patterns import PatternError
from classroom.collecting.roster import read_roster

MINE = b"the notebook of the student "


@pytest.fixture
def put(tmp_path):
    """Write files below a folder, {path: bytes}, and return the folder."""

    def write(files, folder="in"):
        for name, data in files.items():
            path = tmp_path / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return tmp_path / folder

    return write


@pytest.fixture
def pack(tmp_path):
    def write(files, name="export.zip"):
        (tmp_path / name).write_bytes(packed(files))
        return tmp_path / name

    return write


def packed(files):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return file.getvalue()


def found(*paths, chapter="02", **how):
    """Return {id: (name, bytes of the notebook that counts, or what is wrong)}, and what is told."""
    with gather(paths, chapter, **how) as gathered:
        read = {one.id: (one.name, one.read()) for one in gathered.submissions}
    got = {id: (name, given[0].notebook if given else wrong[0]) for id, (name, (given, _, wrong)) in read.items()}
    return got, gathered.told


def submission(*paths, chapter="02", **how):
    """Return the only submission, and what reading it gives."""
    with gather(paths, chapter, **how) as gathered:
        (one,) = gathered.submissions
        return one, *one.read()


# Whose it is ----------------------------------------------------------------------------------------------------------

LAYOUTS = {
    "a folder for each": ({"s1/x.ipynb": b"1", "s2/a/x.ipynb": b"2"}, {"s1": ("", b"1"), "s2": ("", b"2")}),
    "flat": ({"s1.ipynb": b"1", "s2.ipynb": b"2"}, {"s1": ("", b"1"), "s2": ("", b"2")}),
    "folders in a folder": ({"02/s1/x.ipynb": b"1", "02/s2/x.ipynb": b"2"}, {"s1": ("", b"1"), "s2": ("", b"2")}),
    "flat in a folder": ({"all/s1.ipynb": b"1", "all/s2.ipynb": b"2"}, {"s1": ("", b"1"), "s2": ("", b"2")}),
    "Moodle": (
        {"Ann Lee_11_assignsubmission_file_/x.ipynb": b"1", "Bo_Z. Ü_12_assignsubmission_file/x.ipynb": b"2"},
        {"11": ("Ann Lee", b"1"), "12": ("Bo_Z. Ü", b"2")},
    ),
    "Moodle, flat": (
        {"Ann Lee_11_assignsubmission_file_x.ipynb": b"1", "Bo Ü_12_assignsubmission_file_y.ipynb": b"2"},
        {"11": ("Ann Lee", b"1"), "12": ("Bo Ü", b"2")},
    ),
    "Canvas": (
        {"leeann_11_901_x.ipynb": b"1", "ubo_LATE_12_902_02_scaling-3.ipynb": b"2"},
        {"11": ("leeann", b"1"), "12": ("ubo", b"2")},
    ),
    "Gradescope": (
        {
            "assignment_7_export/submission_901/x.ipynb": b"1",
            "assignment_7_export/submission_902/x.ipynb": b"2",
            "assignment_7_export/submission_metadata.yml": b"""---
submission_901:
  :submitters:
  - :name: Ann Lee
    :sid: '0011'
    :email: ann@example.org
  :created_at: 2026-03-01 12:00:00.123456789 Z
  :results:
    :tests: []
submission_902:
  :submitters:
  - :name: "Bo U"
    :sid: s12
    :email: bo@example.org
  - :name: Cy
    :sid: s13
    :email: cy@example.org
  :created_at: 2026-03-01 12:00:00 +0100
""",
        },
        {"0011": ("Ann Lee", b"1"), "s12": ("Bo U", b"2"), "s13": ("Cy", b"2")},
    ),
}


@pytest.mark.parametrize(("files", "expected"), LAYOUTS.values(), ids=LAYOUTS.keys())
def test_layouts_in_a_folder_and_in_a_zip_file(put, pack, files, expected):
    for place in (put(files), pack(files)):
        got, told = found(place)
        assert got == expected
        assert [sentence for sentence in told if "Moodle's numbers for students are new" not in sentence] == []


def test_several_paths_are_one_class(put, pack, tmp_path):
    folder = put({"s1/x.ipynb": b"1", "s2/x.ipynb": b"2"})
    zipped = pack({"x.ipynb": b"3"}, "s3.zip")
    both = {"s1": ("", b"1"), "s2": ("", b"2")}
    assert found(folder / "s1", folder / "s2")[0] == both
    assert found(folder / "s1" / "x.ipynb", folder / "s2" / "x.ipynb")[0] == both
    assert found(folder / "s1", folder / "s2", zipped)[0] == {**both, "s3": ("", b"3")}


def test_a_student_may_hand_in_a_zip_file(put, pack):
    inner = packed({"work/x.ipynb": b"1", "__MACOSX/work/._x.ipynb": b"0"})
    for name, id in {"s1/mine.zip": "s1", "s1.zip": "s1", "leeann_11_901_mine.zip": "11"}.items():
        files = {name: inner, name.replace("1", "2"): b"broken"}
        for place in (put(files, f"folder of {name}"), pack(files, "o.zip")):
            got, _ = found(place)
            assert got[id][1] == b"1"
            assert "cannot be read as a zip file" in got[id.replace("1", "2")][1]


def test_zip_files_in_students_zip_files_stay_closed(put):
    got, _ = found(put({"s1/a.zip": packed({"b.zip": packed({"x.ipynb": b"1"})}), "s2/x.ipynb": b"2"}))
    assert "there is no exercise" in got["s1"][1]


def test_the_instructors_pattern_comes_first(put):
    place = put({"hw2-ann-0042.ipynb": b"1", "hw2-bo-0043.ipynb": b"2", "stray.ipynb": b"3"})
    got, _ = found(place, patterns=[r"hw\d-(?P<name>\w+)-(?P<student>\d+)\.ipynb"])
    assert got == {"0042": ("ann", b"1"), "0043": ("bo", b"2"), "stray": ("", b"3")}


def test_a_pattern_may_say_when_and_whether_late(put):
    place = put({"s1_2026-03-01T23-59-00_late.ipynb": b"1"})
    pattern = r"(?P<student>[^_]+)_(?P<time>[^_]+)(?P<late>_late)?\.ipynb"
    one, _, times, _ = submission(place, patterns=[pattern], timezone=timezone(timedelta(hours=1)))
    assert one.late
    assert times == [datetime(2026, 3, 1, 22, 59, tzinfo=UTC)]


def test_a_pattern_that_takes_forever_is_ended(put, monkeypatch):
    monkeypatch.setattr("classroom.collecting.patterns.PATIENCE", 3)
    place = put({"a" * 60 + "!.ipynb": b"1"})
    with pytest.raises(PatternError, match="take forever"):
        found(place, patterns=[r"(?P<student>(a+)+)\.ipynb"])


ROSTER = """id,name,login,email
s1,Ann Lee,alee,ann@example.org
s2,Bo U,bu,bo@example.org
s3,Cy Doe,cd,cy@example.org
s4,Cy Doe,cd4,cy4@example.org
"""


def test_the_roster_says_who_it_is(put, tmp_path):
    (tmp_path / "roster.csv").write_text(ROSTER, encoding="utf-8")
    roster = read_roster(tmp_path / "roster.csv")
    files = {
        "Ann Lee_11_assignsubmission_file_/x.ipynb": b"1",  # by the name
        "Cy Doe_12_assignsubmission_file_/x.ipynb": b"2",  # two are called so
        "Nobody_13_assignsubmission_file_/x.ipynb": b"3",
    }
    with gather([put(files)], "02", roster=roster) as gathered:
        who = {one.id: (one.name, one.email, one.listed) for one in gathered.submissions}
    assert who == {
        "s1": ("Ann Lee", "ann@example.org", True),
        "12": ("Cy Doe", "", False),
        "13": ("Nobody", "", False),
    }
    got, _ = found(put({"BU.ipynb": b"2", "cy4@example.org.ipynb": b"4"}, "flat"), roster=roster)
    assert got == {"s2": ("Bo U", b"2"), "s4": ("Cy Doe", b"4")}


def test_nobody_takes_the_place_of_another_by_the_names_of_their_files(put):
    """Student 11 wants to overwrite what 12 handed in."""
    forged = "y_12_assignsubmission_file_z.ipynb"
    attacks = (
        {f"A B_11_assignsubmission_file_{forged}": b"1", "C_12_assignsubmission_file_x.ipynb": b"2"},
        {f"A B_11_assignsubmission_file_/{forged}": b"1", "C_12_assignsubmission_file_/x.ipynb": b"2"},
        {"ab_11_901_c_12_902_y.ipynb": b"1", "c_12_902_x.ipynb": b"2"},
        {"ab_11_901_y.zip": packed({"c_12_902_z.ipynb": b"1"}), "c_12_902_x.ipynb": b"2"},
    )
    for number, files in enumerate(attacks):
        got, _ = found(put(files, f"in {number}"))
        assert {id: data for id, (_, data) in got.items()} == {"11": b"1", "12": b"2"}, number


def test_metadata_within_a_submission_is_a_students(put):
    files, expected = LAYOUTS["Gradescope"]
    forged = b"submission_902:\n  :submitters:\n  - :name: Ann Lee\n    :sid: '0011'\n"
    place = put({**files, "assignment_7_export/submission_901/submission_metadata.yml": forged})
    assert found(place)[0] == expected


def test_nobody_takes_the_place_of_another_by_their_name(put, tmp_path):
    (tmp_path / "roster.csv").write_text(ROSTER, encoding="utf-8")
    roster = read_roster(tmp_path / "roster.csv")
    files = {
        "Ann Lee_11_assignsubmission_file_/x.ipynb": b"1",
        "Ann Lee_12_assignsubmission_file_/x.ipynb": b"2",
        "Bo U_13_assignsubmission_file_/x.ipynb": b"3",
    }
    got, told = found(put(files), roster=roster)
    assert {id: data for id, (_, data) in got.items()} == {"11": b"1", "12": b"2", "s2": b"3"}
    assert told == ("Called Ann Lee, like s1, and graded by their own ids: 11, 12.",)


# Which notebook -------------------------------------------------------------------------------------------------------


def test_the_chapters_notebook_counts_and_the_others_follow(put):
    names = ("03_softmax.ipynb", "notes.ipynb", "02_scaling.ipynb")
    with gather([put({f"s1/a/{name}": name.encode() for name in names})], "02") as gathered:
        given, _, _ = gathered.submissions[0].read()
    first, _, _ = [one.notebook for one in given]
    assert [first] == [b"02_scaling.ipynb"]


def test_the_number_of_the_chapter_may_stand_in_the_folder(put):
    place = put({"s1/02/x.ipynb": b"two", "s1/03/x.ipynb": b"three", "s2/02/x.ipynb": b""})
    os.utime(place / "s1/02/x.ipynb", (1_000_000, 1_000_000))
    assert found(place)[0]["s1"][1] == b"two"
    assert found(place, chapter="03")[0]["s1"][1] == b"three"


def test_of_two_the_one_written_last_counts(put):
    place = put({"s1/a/02.ipynb": b"old", "s1/b/02.ipynb": b"new", "s2/02.ipynb": b""})
    os.utime(place / "s1/a/02.ipynb", (1_000_000, 1_000_000))
    assert found(place)[0]["s1"][1] == b"new"
    os.utime(place / "s1/b/02.ipynb", (999_999, 999_999))
    assert found(place)[0]["s1"][1] == b"old"


def test_the_later_attempt_counts(put):
    place = put({"leeann_11_901_02-10.ipynb": b"tenth", "leeann_11_901_02-9.ipynb": b"ninth"})
    os.utime(place / "leeann_11_901_02-9.ipynb")
    assert found(place)[0] == {"11": ("leeann", b"tenth")}


def test_09b_is_not_09(put):
    place = put({"s1/09b_decoding.ipynb": b"b", "s1/09_decoder.ipynb": b"-", "s2/x.ipynb": b""})
    assert found(place, chapter="09")[0]["s1"][1] == b"-"
    assert found(place, chapter="09b")[0]["s1"][1] == b"b"


def test_a_learners_own_folder(put, pack):
    files = {
        "my_course/Exercise 02.ipynb": b"answers",
        "my_course/Lesson 02.ipynb": b"lesson",
        "my_course/Exercise 03.ipynb": b"other answers",
        "my_course/my_transformer.py": b"parts",
        "my_course/kept/Exercise 02.ipynb": b"aside",
        "my_course/.course/bases/02.ipynb": b"base",
    }
    two = {f"{who}/{name}": data for who in ("s1", "s2") for name, data in files.items()}
    for place in (put(two), pack(two)):
        with gather([place], "02", beside=("my_transformer.py",)) as gathered:
            assert [one.id for one in gathered.submissions] == ["s1", "s2"]
            given, _, _ = gathered.submissions[0].read()
        assert [(one.notebook, one.beside) for one in given] == [(b"answers", {"my_transformer.py": b"parts"})]
        assert gathered.told == (
            "Copies of editors, and what learners put aside, were passed over: 4 notebooks.",
            "Lessons, and exercises of other chapters, were passed over: 4 notebooks.",
        )


def test_a_learners_own_folder_by_itself(put):
    place = put({"Exercise 02.ipynb": b"1", ".course/x": b"", "Lesson 02.ipynb": b"0"}, "ann")
    assert found(place)[0] == {"ann": ("", b"1")}


def test_a_lesson_or_another_exercise_alone_is_told(put):
    got, _ = found(put({"s1/Lesson 02.ipynb": b"0", "s2/Exercise 03.ipynb": b"3"}))
    assert got == {"s1": ("", "there is no exercise (*.ipynb), only Lesson 02.ipynb."), "s2": ("", b"3")}


def test_what_lies_beside_another_notebook_belongs_to_that(put):
    place = put({"s1/x.ipynb": b"1", "s1/old/x.ipynb": b"2", "s1/old/my_transformer.py": b"p", "s2/x.ipynb": b""})
    os.utime(place / "s1/old/x.ipynb", (1_000_000, 1_000_000))
    with gather([place], "02", beside=("my_transformer.py",)) as gathered:
        given, _, _ = gathered.submissions[0].read()
    assert [dict(one.beside) for one in given] == [{}, {"my_transformer.py": b"p"}]


def test_only_so_many_notebooks_are_tried(put):
    _, given, _, _ = submission(put({f"s1/a/{n}.ipynb": b"" for n in range(30)}))
    assert len(given) == 10


# What is wrong with it ------------------------------------------------------------------------------------------------


def test_nothing_to_grade_is_told(put, tmp_path):
    with pytest.raises(GatherError, match="does not exist"):
        found(tmp_path / "gone")
    (tmp_path / "empty").mkdir()
    with pytest.raises(GatherError, match="no notebook"):
        found(tmp_path / "empty")


def test_no_notebook_among_what_was_handed_in(put):
    got, told = found(put({"s1/report.pdf": b"%PDF", "s2/x.ipynb": b"2", "readme.doc": b""}))
    assert got == {"s1": ("", "there is no exercise (*.ipynb), only report.pdf."), "s2": ("", b"2")}
    assert told == ("No notebooks, and in nobody's folder, so passed over: readme.doc.",)


@pytest.mark.skipif(sys.platform == "win32", reason="no links without rights there")
def test_links_and_pipes_are_not_followed(put, tmp_path):
    place = put({"s1/x.ipynb": b"1"})
    for who in ("s2", "s3"):
        (place / who).mkdir()
    (place / "s2" / "x.ipynb").symlink_to(place / "s1" / "x.ipynb")
    os.mkfifo(place / "s3" / "x.ipynb")
    (place / "s4").symlink_to(place / "s1")
    got, _ = found(place)
    assert got["s1"] == ("", b"1")
    assert "a link, a pipe or a device" in got["s2"][1]
    assert "a link, a pipe or a device" in got["s3"][1]
    assert "s4" not in got or got["s4"][1] != b"1"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems refuse such names")
def test_names_that_are_no_text_can_be_printed_and_stored(put):
    place = put({"s1\x1b[2J/x.ipynb": b"1", "s\udcff/x.ipynb": b"2", "a\u202eb/x.ipynb": b"3"})
    got, _ = found(place)
    assert got == {"s1\\x1b[2J": ("", b"1"), "s\\udcff": ("", b"2"), "a\\u202eb": ("", b"3")}
    assert all(id.isprintable() and id.encode() for id in got)


def test_a_decomposed_name_is_the_same_name(put):
    got, _ = found(put({"Mu\u0308ller/x.ipynb": b"1", "o/x.ipynb": b""}))
    assert "Müller" in got


def test_any_names_at_all_become_students(tmp_path):
    """Whatever a zip file's members are called, each is told or belongs to somebody whose id can be printed."""
    rng = random.Random(8)
    pieces = [
        "a",
        "é",
        "_",
        "-1",
        ".",
        "..",
        "/",
        "\\",
        " ",
        "\n",
        "\x1b",
        "\u202e",
        "12",
        "_LATE_12_13_",
        ".ipynb",
        ".zip",
    ]
    pieces += [
        "_12_assignsubmission_file_",
        "submission_7/",
        "submission_metadata.yml",
        ".course/",
        "Lesson 02.ipynb",
        "C:",
    ]
    for number in range(150):
        names = {"".join(rng.choices(pieces, k=rng.randint(1, 6))) for _ in range(rng.randint(1, 8))} | {"s1.ipynb"}
        with zipfile.ZipFile(tmp_path / f"{number}.zip", "w") as archive:
            for name in names:
                archive.writestr(name, b"{}")
        got, told = found(tmp_path / f"{number}.zip")
        assert all(id.isprintable() and id for id in got), names
        assert all(sentence.isprintable() for sentence in told)


def test_a_bomb_in_an_export_costs_its_own_line_alone(put):
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.ipynb", b" " * 5_000_000)
    got, _ = found(put({"s1/b.zip": bomb.getvalue(), "s2/x.ipynb": b"2"}))
    assert "more than 200 times its size" in got["s1"][1]
    assert got["s2"] == ("", b"2")


# When -----------------------------------------------------------------------------------------------------------------


def test_the_time_of_a_file_counts_only_if_it_is_asked_for(put, pack):
    place = put({"s1.ipynb": b"1"})
    os.utime(place / "s1.ipynb", (1_772_000_000, 1_772_000_000))
    assert submission(place)[2] == [None]
    assert submission(place, by_file_times=True)[2] == [datetime.fromtimestamp(1_772_000_000, UTC)]
    info = zipfile.ZipInfo("s1.ipynb", (2026, 3, 1, 23, 58, 0))
    zipped = pack({info: b"1"})
    _, _, times, _ = submission(zipped, by_file_times=True, timezone=timezone(timedelta(hours=1)))
    assert times == [datetime(2026, 3, 1, 22, 58, tzinfo=UTC)]


def test_gradescope_knows_when(put):
    files, _ = LAYOUTS["Gradescope"]
    with gather([put(files)], "02") as gathered:
        times = {one.id: one.read()[1][0] for one in gathered.submissions}
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert times == {"0011": noon, "s12": noon - timedelta(hours=1), "s13": noon - timedelta(hours=1)}
