"""A batch that is killed goes on where it was, and ends with the same grades to the bit."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import psutil
import pytest

from classroom.gradebook import FILE
from made_class import RIGHT, WRONG, notebook

ROOT = Path(__file__).parents[2]
NUMBER = 30
PRINTED = re.compile(r"(\d+) of 30 submissions")


@pytest.fixture(scope="module")
def class_of_30(tmp_path_factory):
    """A zip file of 30 submissions, no two of which are equal."""
    path = tmp_path_factory.mktemp("handed in") / "export.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(NUMBER):
            answer = (RIGHT, WRONG, "def row_sums(table):\n    return 1 / 0")[number % 3]
            choice = f'answer("01.which", "{"abc"[number % 2]}")'
            archive.writestr(f"s{number:02}/x.ipynb", notebook((answer, "01.row_sums"), choice, f"number = {number}"))
    return path


def command(handed_in, place, folder, *more):
    arguments = ["grade", "--catalogue", str(place), str(handed_in), "--chapter", "01", "--into", str(folder)]
    return [sys.executable, "-m", "classroom", *arguments, "--seed", "11", "--trust", *more]


def to_the_end(*arguments):
    done = subprocess.run(command(*arguments), cwd=ROOT, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return done.stdout


def killed_after(number, *arguments, by=signal.SIGKILL):
    """Start grading and end it when so many are said to be done; return the exit code."""
    with subprocess.Popen(command(*arguments), cwd=ROOT, stderr=subprocess.PIPE, encoding="utf-8") as process:
        for line in process.stderr:
            if (said := PRINTED.match(line)) and int(said[1]) >= number:
                below = psutil.Process(process.pid).children(recursive=True)
                process.send_signal(by)
                break
        code = process.wait()
        process.stderr.read()  # until nobody holds its other end
        for _ in range(10_000):  # the workers end with whoever started them; on a busy machine that may take a while
            if not any(map(is_alive, below)):
                return code
            time.sleep(0.05)
        raise AssertionError(f"still there: {below}")


def is_alive(process):
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def rows(folder):
    """Return {student: (hash, terms, report, run)} of all that is in the book, and the number of runs."""
    book = sqlite3.connect(folder / FILE)
    try:
        assert book.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        found = {row[0]: row[1:] for row in book.execute("SELECT student, hash, terms, report, run FROM results")}
        return found, book.execute("SELECT count(*) FROM runs").fetchone()[0]
    finally:
        book.close()


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
@pytest.mark.parametrize("workers", ["1", "2"])
def test_killed_three_times_it_ends_with_the_same_grades(class_of_30, sums, tmp_path, workers):
    (tmp_path / "whole").mkdir()
    (tmp_path / "killed").mkdir()
    to_the_end(class_of_30, sums, tmp_path / "whole", "--workers", workers)
    whole, _ = rows(tmp_path / "whole")
    assert len(whole) == NUMBER

    before = {}
    for number in (2, 9, 20):
        assert killed_after(number, class_of_30, sums, tmp_path / "killed", "--workers", workers) == -signal.SIGKILL
        now, _ = rows(tmp_path / "killed")
        assert len(now) >= number
        assert {student: now[student] for student in before} == before  # by the same run: nothing was graded twice
        before = now
    said = to_the_end(class_of_30, sums, tmp_path / "killed", "--workers", workers)
    after, runs = rows(tmp_path / "killed")
    assert {student: now for student, now in after.items() if student in before} == before
    assert runs == 4
    assert f"{NUMBER - len(before)} graded now, {len(before)} as before" in said

    def grades(found):
        return {student: row[:-1] for student, row in found.items()}

    assert grades(after) == grades(whole)


@pytest.mark.skipif(os.name != "posix", reason="SIGINT")
def test_ctrl_c_keeps_what_is_done_and_says_how_to_go_on(class_of_30, sums, tmp_path):
    arguments = (class_of_30, sums, tmp_path, "--workers", "2")
    with subprocess.Popen(command(*arguments), cwd=ROOT, stderr=subprocess.PIPE, encoding="utf-8") as process:
        for line in process.stderr:
            if PRINTED.match(line):
                process.send_signal(signal.SIGINT)  # a terminal tells all, and course.py then passes it on
                process.send_signal(signal.SIGTERM)
                break
        said = process.stderr.read()
        assert process.wait() == 130
    assert "the same command goes on from there" in said
    assert "Traceback" not in said
    assert 2 <= len(rows(tmp_path)[0]) < NUMBER


AT_A_STATEMENT = """
import os, signal, sqlite3, sys
from classroom import batch, gradebook
from classroom.gradebook import Gradebook, Terms
from classroom.graded import Student

folder, die_at = sys.argv[1], int(sys.argv[2])

def count(statement):
    global die_at
    die_at -= 1
    if die_at == 0:
        os.kill(os.getpid(), signal.SIGKILL)

def connect(*arguments, connect=sqlite3.connect, **keywords):
    made = connect(*arguments, **keywords)
    made.set_trace_callback(count)
    return made

sqlite3.connect = connect
terms = Terms(7, "abc", 10.0, 1024)
with Gradebook(folder, make=True) as book:
    run = book.begin("01", [], terms, [Student("s0"), Student("s1")])
    for number in range(4):
        if book.graded_file(f"s{number}", "01", "d", terms) is None:
            report = {"results": [], "level": "", "padding": "x" * 20000}
            book.keep(Student(f"s{number}"), "01", "x", None, "d", terms, report, run)
    book.end(run)
"""


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
def test_killed_at_any_statement_the_book_is_whole(tmp_path):
    """Every result is there as a whole or not at all, and the next process finishes the work."""
    killed = 0
    for at in (3, 8, 11, 17, 19, 21, 24, 27, 28, 31, 33, 36, 500):
        done = subprocess.run([sys.executable, "-c", AT_A_STATEMENT, str(tmp_path), str(at)], cwd=ROOT)
        killed += done.returncode == -signal.SIGKILL
        book = sqlite3.connect(tmp_path / FILE)
        if book.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,):
            book.close()  # killed while it made the tables: none of them is there
            continue
        try:
            assert book.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            halves = "SELECT student FROM submissions EXCEPT SELECT student FROM results"
            assert book.execute(halves).fetchall() == []
            for (report,) in book.execute("SELECT report FROM results"):
                assert len(json.loads(report)["padding"]) == 20000
        finally:
            book.close()
    assert killed >= 6
    assert done.returncode == 0
    assert len(rows(tmp_path)[0]) == 4


def test_a_second_process_at_the_same_time_is_refused(class_of_30, sums, tmp_path):
    with subprocess.Popen(
        command(class_of_30, sums, tmp_path, "--workers", "1"), cwd=ROOT, stderr=subprocess.PIPE, encoding="utf-8"
    ) as process:
        process.stderr.readline()  # it is at work
        other = subprocess.run(
            command(class_of_30, sums, tmp_path), cwd=ROOT, capture_output=True, encoding="utf-8", check=False
        )
        process.kill()
        process.stderr.read()
    assert other.returncode == 2
    assert re.fullmatch(r".*gradebook\.sqlite is in use by another process.*\n", other.stderr)
