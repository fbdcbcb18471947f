"""Tables and data: read back, they are what was written; no text in them is a formula."""

import csv
import dataclasses
import json
import re

import pytest
from a_class import CHAPTER, attacked, each_hostile, graded

from classroom.graded import Student
from classroom.reports.harmless import cell
from classroom.reports.pages import page_names, write_pages
from classroom.reports.tables import (
    TABLES,
    canvas_rows,
    gradescope_rows,
    moodle_rows,
    plain_rows,
    replaced,
    write_csv,
    write_json,
    write_tables,
)

WRONG = {"outcome": "wrong", "message": "a < b\n& c", "points": 1}
CLASS = [
    graded("Ada"),
    graded(
        'Zoë, “the” "one"',
        {"scaled_scores": {"outcome": "wrong", "message": "a < b\n& c", "points": 1}},
        late=27,
        penalty=0.5,
    ),
    graded("Eli", handed_in=False),
    graded("Fay", handed_in=False, adjustments=[(2.25, "Shown in the lab.", "")]),
    graded("Gus", {"row_entropy": "not attempted"}, problem=""),
]
FORMULA = re.compile(r"\s*[=+\-@]")


def read(path):
    with path.open(newline="", encoding="utf-8") as file:
        assert file.read(1) == "\ufeff"
        return list(csv.reader(file))


def table(rows, tmp_path):
    write_csv(rows(CLASS, CHAPTER), tmp_path / "table.csv")
    return read(tmp_path / "table.csv")


@pytest.mark.parametrize("name", TABLES)
def test_what_is_read_back_is_what_was_written(name, tmp_path):
    rows = TABLES[name](CLASS, CHAPTER)
    expected = [[str(cell(value)) for value in row] for row in rows]
    assert table(TABLES[name], tmp_path) == expected
    assert len({len(row) for row in expected}) == 1


def test_the_full_table(tmp_path):
    head, *rows = table(plain_rows, tmp_path)
    ada, zoe, eli, fay, gus = (dict(zip(head, row, strict=True)) for row in rows)
    assert head[-8:] == [item.id for item in (*CHAPTER.tasks, *CHAPTER.questions)]
    assert (ada["points"], ada["possible"], ada["02.scaled_scores"], ada["02.row_entropy"]) == (
        "21",
        "21",
        "5",
        "right",
    )
    assert (zoe["name"], zoe["points"], zoe["02.scaled_scores"]) == ('Zoë, “the” "one"', "16.5", "1")
    assert (zoe["late"], zoe["penalty"], zoe["earned"]) == ("1 day and 3 hours", "0.5", "17")
    assert (eli["points"], eli["02.scaled_scores"], eli["submitted"]) == ("", "", "")
    assert (fay["points"], fay["by hand"], fay["reasons"]) == ("2.25", "2.25", "Shown in the lab.")
    assert gus["02.row_entropy"] == "not attempted"


def test_moodle_gets_what_its_worksheet_has(tmp_path):
    head, *rows = table(moodle_rows, tmp_path)
    assert head == [
        *("Identifier", "Full name", "Email address", "Grade", "Last modified (grade)", "Feedback comments")
    ]
    assert [row[3] for row in rows] == ["21", "16.5", "2.25", "21"]  # nothing for who has no grade
    comment = rows[1][5]
    assert "a &lt; b<br>&amp; c" in comment
    assert "Late by 1 day and 3 hours: 0.5 points taken off." in comment


@pytest.mark.parametrize(("key", "expected"), [("123", "Participant 123"), ("ada", "ada")])
def test_moodle_knows_a_participant_by_number(key, expected):
    one = dataclasses.replace(graded("Ada"), student=Student(key, "Ada"))
    assert list(moodle_rows([one], CHAPTER))[1][0] == expected


def test_canvas_gets_its_columns_and_the_points_that_there_are(tmp_path):
    head, possible, *rows = table(canvas_rows, tmp_path)
    assert head == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Exercise 02"]
    assert possible == ["    Points Possible", "", "", "", "", "21"]
    assert [row[5] for row in rows] == ["21", "16.5", "", "2.25", "21"]
    assert {row[1] for row in rows} == {""}


def test_gradescope_gets_a_column_a_task(tmp_path):
    head, *rows = table(gradescope_rows, tmp_path)
    assert head[8] == "1: 02.scaled_scores (5 pts)"
    assert "02.row_entropy" not in "".join(head)
    assert [row[5] for row in rows] == ["Graded", "Graded", "Missing", "Missing", "Graded"]
    assert rows[1][7] == "27:00:00"


@pytest.mark.parametrize("name", TABLES)
@each_hostile
def test_no_text_of_others_is_a_formula(name, hostile, tmp_path):
    path = tmp_path / "table.csv"
    write_csv(TABLES[name]([attacked(hostile), *CLASS], CHAPTER), path)
    rows = read(path)
    assert len(rows) == len(list(TABLES[name]([attacked(hostile), *CLASS], CHAPTER)))
    for row in rows:
        for text in row:
            assert len(text) < 32_767
            assert not any(FORMULA.match(part) for line in text.split("\n") for part in line.split(";")), text


@each_hostile
def test_the_data_are_everything_and_can_be_read_back(hostile, tmp_path):
    write_json([attacked(hostile), *CLASS], tmp_path / "graded.json")
    first, ada, *_ = json.loads((tmp_path / "graded.json").read_text(encoding="utf-8"))
    assert ada["report"] == CLASS[0].report
    assert (ada["points"], ada["possible"], ada["student"]["name"]) == (21, 21, "Ada")
    assert first["report"]["results"][0]["flags"]
    assert not any(sign in json.dumps(first, ensure_ascii=False) for sign in "\x00\x1b\u202e\ud800")


def test_a_file_is_there_as_a_whole_or_as_it_was(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("before", encoding="utf-8")

    def write_half():
        with replaced(path, encoding="utf-8") as file:
            file.write("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()
    assert path.read_text(encoding="utf-8") == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_a_spreadsheet_holds_open_is_told(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Access is denied")

    monkeypatch.setattr("os.replace", refuse)
    with pytest.raises(PermissionError, match="close the program that has it open"):
        write_csv([["a"]], tmp_path / "a.csv")
    assert list(tmp_path.iterdir()) == []


def test_everything_is_written_into_one_folder(tmp_path):
    paths = write_pages(CLASS, CHAPTER, tmp_path / "02")
    assert {path.relative_to(tmp_path).as_posix() for path in paths} == {
        *("02/glance.html", "02/grades.csv", "02/moodle.csv", "02/canvas.csv", "02/gradescope.csv", "02/graded.json"),
        *(f"02/students/{name}" for name in page_names([one.student for one in CLASS])),
    }
    assert all(path.stat().st_size for path in paths)
    glance = (tmp_path / "02" / "glance.html").read_text(encoding="utf-8")
    assert f'<a href="students/{page_names([CLASS[0].student])[0]}">' in glance
    assert write_tables([], CHAPTER, tmp_path / "nobody")["grades"].read_text(encoding="utf-8-sig").count("\n") == 1


@each_hostile
def test_names_of_pages_are_names_of_files_everywhere(hostile):
    ids = [hostile, "ada", "Ada", "../../etc/passwd", "con", "a b", "a_b", "", "王小明", "b.c@d-e_f+g", "x" * 300]
    names = page_names([Student(key) for key in ids])
    assert len({name.casefold() for name in names}) == len(ids)
    assert all(re.fullmatch(r"[A-Za-z0-9][\w.@+-]{0,80}\.html", name, re.ASCII) for name in names), names
    assert names[9] == "b.c@d-e_f+g.html"
    assert names[4] != "con.html"


def test_moodle_knows_a_student_by_the_number_of_its_own_folder():
    """Whatever the roster calls them, and whatever they call their file."""
    name = "Ann Lee_101_assignsubmission_file_/x_7_assignsubmission_file_.ipynb"
    _, row = moodle_rows([dataclasses.replace(graded("Ann Lee"), submission=name)], CHAPTER)
    assert row[0] == "Participant 101"
