"""The gradebook: what is kept, what stays, who may open it."""

import sqlite3
from datetime import UTC, datetime

import pytest

from classroom.gradebook import FILE, Gradebook, GradebookError, Terms
from classroom.graded import Student
from classroom.settings import ChapterSettings, LateRule, Settings

ANN, BO = Student("s1", "Ann Lee", "ann@example.org"), Student("s2", "Bo", "")
ASKED = [
    {"id": "01.row_sums", "title": "Sums", "worth": 4, "optional": False},
    {"id": "01.which", "title": "", "worth": 2, "optional": False},
]
TERMS = Terms(7, "abc", 10.0, 1024)


def report(points):
    results = [
        {"id": "01.row_sums", "outcome": "wrong", "points": points, "worth": 4, "message": "", "cases": []},
        {"id": "01.which", "outcome": "wrong", "points": 0, "worth": 2, "message": ""},
    ]
    return {"path": "x.ipynb", "chapter": "01", "problem": "", "level": "held", "points": points, "results": results}


@pytest.fixture
def book(tmp_path):
    with Gradebook(tmp_path, make=True) as book:
        yield book


def kept(book, student=ANN, points=3, digest="d", terms=TERMS, **more):
    run = book.begin("01", ASKED, terms, [ANN, BO])
    book.keep(student, "01", "x.ipynb", None, digest, terms, report(points), run, **more)
    return run


def test_the_roster_stands_there_with_nothing(book):
    kept(book)
    ann, bo = book.graded("01")
    assert (ann.student, ann.points, ann.possible, ann.report["level"]) == (ANN, 3, 6, "held")
    assert (bo.student, bo.points, bo.possible, bo.report, bo.submission) == (BO, 0, 6, None, "")


def test_what_is_kept_is_there_when_the_book_is_opened_again(tmp_path):
    with Gradebook(tmp_path, make=True) as book:
        kept(book)
        before = book.graded("01")
    with Gradebook(tmp_path) as book:
        assert book.graded("01") == before
        assert (book.chapters, book.seed_of("01"), book.asked_in("01")) == (["01"], 7, ASKED)


@pytest.mark.parametrize(
    ("digest", "terms", "same"),
    [
        ("d", TERMS, True),
        ("e", TERMS, False),
        ("d", Terms(8, "abc", 10.0, 1024), False),
        ("d", Terms(7, "abd", 10.0, 1024), False),
        ("d", Terms(7, "abc", 2.0, 1024), False),
        ("d", Terms(7, "abc", 10.0, 1025), False),
    ],
)
def test_what_counts_as_graded(book, digest, terms, same):
    kept(book)
    assert book.graded_file("s1", "01", digest, terms) == ("x.ipynb" if same else None)
    assert book.graded_file("s2", "01", digest, terms) is None


def test_where_the_grader_failed_it_tries_again(book):
    kept(book, sound=False)
    assert book.graded_file("s1", "01", "d", TERMS) is None


def test_adjustments_stay_when_the_work_is_graded_again(book):
    kept(book)
    book.adjust(ANN, "01", 1.5, "a good try", "01.row_sums")
    book.adjust(BO, "01", 2, "showed it to me")
    kept(book, points=4, digest="e")
    ann, bo = book.graded("01")
    assert [(one.points, one.reason, one.task) for one in ann.adjustments] == [(1.5, "a good try", "01.row_sums")]
    assert (ann.points, bo.points) == (5.5, 2)


def test_an_adjustment_names_what_is_there(book):
    kept(book)
    with pytest.raises(GradebookError, match="Chapter 02 was not graded yet; graded were: 01"):
        book.adjust(ANN, "02", 1, "x")
    with pytest.raises(GradebookError, match=r"asks no 01\.rows; it asks 01\.row_sums, 01\.which"):
        book.adjust(ANN, "01", 1, "x", "01.rows")


def test_students_are_found_by_id_and_by_a_name_that_is_theirs_alone(book):
    kept(book, Student("s3", "Bo"))
    assert book.student("s1") == book.student("Ann Lee") == ANN
    assert book.student("s2") == BO
    with pytest.raises(GradebookError, match="Several are called Bo: s2, s3"):
        book.student("Bo")
    with pytest.raises(GradebookError, match="no student s11 in the gradebook"):
        book.student("s11")


def test_points_and_lateness_follow_the_settings(tmp_path):
    late = datetime(2026, 3, 2, 12, tzinfo=UTC)
    deadline = datetime(2026, 3, 1, 12, tzinfo=UTC)
    with Gradebook(tmp_path, make=True) as book:
        run = book.begin("01", ASKED, TERMS, None)
        book.keep(ANN, "01", "x.ipynb", late, "d", TERMS, report(3), run)
    rules = ChapterSettings(deadline=deadline, late=LateRule(20), points={"01.row_sums": 8})
    with Gradebook(tmp_path, Settings(chapters={"01": rules})) as book:
        (ann,) = book.graded("01")
    assert (ann.earned, ann.possible, ann.late, ann.penalty) == (6, 10, late - deadline, pytest.approx(1.2))
    assert ann.points == pytest.approx(4.8)


def test_who_left_the_roster_and_handed_nothing_in_is_gone(book):
    kept(book)
    book.begin("01", ASKED, TERMS, [ANN])
    assert [one.student.id for one in book.graded("01")] == ["s1"]


def test_a_second_process_is_refused(book, tmp_path):
    with pytest.raises(GradebookError, match="in use by another process"), Gradebook(tmp_path):
        pass


def test_there_must_be_one(tmp_path):
    with pytest.raises(GradebookError, match="no gradebook in"), Gradebook(tmp_path):
        pass


def test_a_file_that_is_none_is_told_and_left_alone(tmp_path):
    (tmp_path / FILE).write_text("some notes of mine, more than a header is long " * 9, encoding="utf-8")
    before = (tmp_path / FILE).read_bytes()
    with pytest.raises(GradebookError, match="is no gradebook"), Gradebook(tmp_path, make=True):
        pass
    assert (tmp_path / FILE).read_bytes() == before


@pytest.mark.parametrize(
    ("statement", "said"),
    [("CREATE TABLE mine (x)", "a database of something else"), ("PRAGMA application_id = 9", "something else")],
)
def test_the_database_of_something_else_is_told(tmp_path, statement, said):
    other = sqlite3.connect(tmp_path / FILE)
    other.execute(statement)
    other.commit()
    other.close()
    with pytest.raises(GradebookError, match=said), Gradebook(tmp_path, make=True):
        pass


def test_the_book_of_another_version_is_told(tmp_path):
    with Gradebook(tmp_path, make=True) as book:
        book._book.execute("PRAGMA user_version = 99")
    with pytest.raises(GradebookError, match="another version of the course"), Gradebook(tmp_path):
        pass


def test_nothing_of_a_forgotten_student_stays_in_the_file(book, tmp_path):
    kept(book)
    kept(book, BO)
    book.adjust(ANN, "01", 1, "a reason that nobody else has")
    assert b"ann@example.org" in (tmp_path / FILE).read_bytes()
    assert book.forget(ANN) == {"results": 1, "submissions": 1, "adjustments": 1}
    left = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for trace in (b"Ann Lee", b"ann@example.org", b"a reason that nobody else has"):
        assert trace not in left
    assert [one.student.id for one in book.graded("01")] == ["s2"]


def test_text_that_is_no_text_is_kept(book):
    strange = report(1) | {"problem": "\ud800\x00\x1b"}
    run = book.begin("01", ASKED, TERMS, None)
    book.keep(ANN, "01", "x", None, "d", TERMS, strange, run)
    assert book.graded("01")[0].report["problem"] == "\ud800\x00\x1b"
