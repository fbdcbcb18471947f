"""gradebook.sqlite: who handed in what, what it earned, and what an instructor changed by hand.

Each result is written in a transaction of its own as soon as it is there, so that nothing is lost whenever the process
is ended. One process at a time has the book open.
"""

import contextlib
import difflib
import json
import secrets
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import filelock

from classroom import alike
from classroom.graded import Adjustment, Graded, Student
from classroom.marks import earned_of, lateness, penalty
from classroom.settings import LARGEST_SEED, Settings

FILE = "gradebook.sqlite"
APPLICATION = 0x53656C66  # "Self": what marks an SQLite file as a gradebook of this course
SCHEMA = 1
TABLES = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE chapters (number TEXT PRIMARY KEY, seed INTEGER NOT NULL, asked TEXT NOT NULL);
CREATE TABLE runs (
    id INTEGER PRIMARY KEY, chapter TEXT NOT NULL, seed INTEGER NOT NULL, version TEXT NOT NULL, limits TEXT NOT NULL,
    level TEXT NOT NULL DEFAULT '', started TEXT NOT NULL, ended TEXT
);
CREATE TABLE students (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL, listed INTEGER NOT NULL, pseudonym TEXT UNIQUE
);
CREATE TABLE submissions (
    student TEXT NOT NULL REFERENCES students, chapter TEXT NOT NULL, hash TEXT NOT NULL, name TEXT NOT NULL,
    submitted TEXT, PRIMARY KEY (student, chapter)
);
CREATE TABLE results (
    student TEXT NOT NULL REFERENCES students, chapter TEXT NOT NULL, hash TEXT NOT NULL, terms TEXT NOT NULL,
    sound INTEGER NOT NULL, report TEXT NOT NULL, run INTEGER NOT NULL REFERENCES runs, PRIMARY KEY (student, chapter)
);
CREATE TABLE adjustments (
    id INTEGER PRIMARY KEY, student TEXT NOT NULL REFERENCES students, chapter TEXT NOT NULL, task TEXT NOT NULL,
    points REAL NOT NULL, reason TEXT NOT NULL, made TEXT NOT NULL
);
CREATE TABLE written (chapter TEXT NOT NULL, file TEXT NOT NULL, PRIMARY KEY (chapter, file));
"""


class GradebookError(Exception):
    """A gradebook that cannot be used, or something that is not in it; the text says why, and the way out."""


@dataclass(frozen=True)
class Terms:
    """On what a submission is graded: what changes one of these may change the grade.

    Attributes:
        seed: inputs are drawn from it.
        version: of the tasks and the grader, see `batch.version_of`.
        seconds, memory: the limits of each answer.
    """

    seed: int
    version: str
    seconds: float
    memory: int

    @property
    def text(self):
        return json.dumps([self.seed, self.version, self.seconds, self.memory])


class Gradebook:
    """The gradebook of a class. Use it as a context.

    Args:
        folder: of the class.
        settings: what points and lateness are counted by.
        make: make it if there is none.

    Attributes:
        folder, settings: the same.

    Raises:
        GradebookError: there is none, it is no gradebook or one of a newer course, or another process has it open.
    """

    def __init__(self, folder, settings=None, *, make=False):
        self.folder, self.settings = Path(folder), settings or Settings()
        self.path = self.folder / FILE
        self._make = make

    def __enter__(self):
        if not self._make and not self.path.is_file():
            raise GradebookError(f"There is no gradebook in {self.folder}: `course.py grade ... --into` makes one.")
        self._lock = filelock.FileLock(f"{self.path}.lock")
        try:
            self._lock.acquire(timeout=0)
        except filelock.Timeout:
            raise GradebookError(
                f"{self.path} is in use by another process, which is grading or changing it. Try again when it is done."
            ) from None
        except OSError as error:
            raise GradebookError(f"{self.folder} cannot be written to: {error.strerror}.") from None
        try:
            self._open()
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(self, *_):
        self._book.close()
        self._lock.release()

    def _open(self):
        self._book = sqlite3.connect(self.path, isolation_level=None)
        try:
            for setting in ("foreign_keys = ON", "secure_delete = ON", "synchronous = FULL"):
                self._book.execute(f"PRAGMA {setting}")
            self._check()
        except BaseException as error:
            self._book.close()
            if isinstance(error, sqlite3.Error):
                raise GradebookError(
                    f"{self.path} is no gradebook, or damaged ({error}). Put it elsewhere: grading makes a new one."
                ) from None
            raise

    def _check(self):
        application, schema, tables = (
            self._book.execute(question).fetchone()[0]
            for question in ("PRAGMA application_id", "PRAGMA user_version", "SELECT count(*) FROM sqlite_master")
        )
        if (application, schema, tables) == (0, 0, 0):
            with self._transaction():
                for statement in TABLES.split(";"):
                    self._book.execute(statement)
                self._book.execute(f"PRAGMA application_id = {APPLICATION}")
                self._book.execute(f"PRAGMA user_version = {SCHEMA}")
        elif application != APPLICATION:
            raise GradebookError(f"{self.path} is a database of something else, no gradebook. Name another folder.")
        elif schema != SCHEMA:
            raise GradebookError(
                f"{self.path} was made by another version of the course (its tables: {schema}, these: {SCHEMA}). "
                "Use that version, or a new folder."
            )

    @contextlib.contextmanager
    def _transaction(self):
        """All that is done inside happens, or nothing of it."""
        try:
            self._book.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                if self._book.in_transaction:
                    self._book.execute("ROLLBACK")
                raise
            self._book.execute("COMMIT")
        except sqlite3.Error as error:  # a full disk, for instance
            raise GradebookError(f"{self.path} cannot be written ({error}). What it held before is safe.") from None

    def _all(self, question, *values):
        return self._book.execute(question, values).fetchall()

    def _one(self, question, *values):
        return self._book.execute(question, values).fetchone()

    @property
    def files(self):
        """The names of the files that the book is, in the folder of the class."""
        return tuple(f"{FILE}{ending}" for ending in ("", ".lock", "-journal", "-wal", "-shm"))

    # Chapters and runs ------------------------------------------------------------------------------------------------

    @property
    def chapters(self):
        """The numbers of the chapters that were graded, in order."""
        return [number for (number,) in self._all("SELECT number FROM chapters ORDER BY number")]

    def seed_of(self, chapter):
        """Return the seed that a chapter was last graded on, or None."""
        row = self._one("SELECT seed FROM chapters WHERE number = ?", chapter)
        return row and row[0]

    def asked_in(self, chapter):
        """Return what a chapter asks: a list of {"id", "title", "worth", "optional"}, tasks first."""
        row = self._one("SELECT asked FROM chapters WHERE number = ?", chapter)
        return json.loads(row[0]) if row else []

    def last_terms(self, chapter):
        """Return the `Terms` of the last run on a chapter, or None."""
        row = self._one("SELECT seed, version, limits FROM runs WHERE chapter = ? ORDER BY id DESC LIMIT 1", chapter)
        return row and Terms(row[0], row[1], **json.loads(row[2]))

    def begin(self, chapter, asked, terms, students):
        """Begin a run; return its number.

        Args:
            chapter: its number.
            asked: see `asked_in`.
            terms: the `Terms`.
            students: the `Student`s of the roster; None if there is none.
        """
        with self._transaction():
            self._book.execute(
                "INSERT INTO chapters VALUES (?, ?, ?) "
                "ON CONFLICT (number) DO UPDATE SET seed = excluded.seed, asked = excluded.asked",
                (chapter, terms.seed, json.dumps(asked)),
            )
            if students is not None:
                self._book.execute("UPDATE students SET listed = 0")
                for student in students:
                    self._put_student(student, True)
            limits = json.dumps({"seconds": terms.seconds, "memory": terms.memory})
            return self._book.execute(
                "INSERT INTO runs (chapter, seed, version, limits, started) VALUES (?, ?, ?, ?, ?)",
                (chapter, terms.seed, terms.version, limits, _stamp(datetime.now(UTC))),
            ).lastrowid

    def end(self, run):
        """Note that a run came to its end."""
        self._book.execute("UPDATE runs SET ended = ? WHERE id = ?", (_stamp(datetime.now(UTC)), run))

    def _put_student(self, student, listed):
        self._book.execute(
            "INSERT INTO students (id, name, email, listed) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
            "name = excluded.name, email = excluded.email, listed = max(listed, excluded.listed)",
            (student.id, student.name, student.email, listed),
        )

    # Results ----------------------------------------------------------------------------------------------------------

    def graded_file(self, student, chapter, digest, terms):
        """Return the name of the file that was graded if these bytes were graded on these terms, and nothing of the
        grader failed in it; else None."""
        row = self._one(
            "SELECT h.name FROM results r JOIN submissions h USING (student, chapter) "
            "WHERE (r.student, r.chapter, r.hash, r.terms, r.sound) = (?, ?, ?, ?, 1)",
            *(student, chapter, digest, terms.text),
        )
        return row and row[0]

    def note_time(self, student, chapter, submitted):
        """Set when the submission that was graded was handed in, which may be known better than before."""
        self._book.execute(
            "UPDATE submissions SET submitted = ? WHERE (student, chapter) = (?, ?)",
            (_stamp(submitted), student, chapter),
        )

    def keep(self, student, chapter, name, submitted, digest, terms, report, run, *, sound=True):
        """Write one student's result, in one transaction.

        Args:
            student: the `Student`.
            chapter: its number.
            name: of the file that was graded.
            submitted: when it was handed in, or None.
            digest: the hash of all that was handed in.
            terms: the `Terms`.
            report: `grader.report.as_data` of the result.
            run: the number of the run.
            sound: False if the grader itself failed in it; then it is graded again next time.
        """
        key = (student.id, chapter)
        with self._transaction():
            self._put_student(student, False)
            self._book.execute(
                "INSERT OR REPLACE INTO submissions VALUES (?, ?, ?, ?, ?)", (*key, digest, name, _stamp(submitted))
            )
            self._book.execute(
                "INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?, ?, ?, ?)",
                (*key, digest, terms.text, sound, json.dumps(report), run),
            )
            self._book.execute("UPDATE runs SET level = ? WHERE id = ?", (str(report.get("level", "")), run))

    def graded(self, chapter):
        """Return a `Graded` for each student of the roster, and for each other who has something in this chapter, in
        the order of their ids; points and lateness as the settings count them."""
        rules = self.settings.chapter(chapter)
        adjustments = self._adjustments(chapter)
        nothing = {"results": [{**one, "points": 0, "outcome": "", "cases": []} for one in self.asked_in(chapter)]}
        rows = self._all(
            "SELECT s.id, s.name, s.email, s.listed, h.name, h.submitted, r.report FROM students s "
            "LEFT JOIN submissions h ON h.student = s.id AND h.chapter = ? "
            "LEFT JOIN results r ON r.student = s.id AND r.chapter = ? ORDER BY s.id",
            *(chapter, chapter),
        )
        found = []
        for id, name, email, listed, file, submitted, stored in rows:
            if not (listed or stored or id in adjustments):
                continue
            report = json.loads(stored) if stored else None
            earned, possible = earned_of(report or nothing, rules.points)
            when = submitted and datetime.fromisoformat(submitted)
            late = lateness(when, rules.deadline, rules.late)
            off = penalty(earned, late, rules.late)
            student = Student(id, name, email)
            found.append(
                Graded(
                    *(student, chapter, file or "", when, report, earned, possible, late, off),
                    tuple(adjustments.get(id, ())),
                )
            )
        return found

    # By hand ----------------------------------------------------------------------------------------------------------

    def students(self):
        """Return all `Student`s, in the order of their ids."""
        return [Student(*row) for row in self._all("SELECT id, name, email FROM students ORDER BY id")]

    def student(self, called):
        """Return the `Student` with this id or pseudonym, or the only one of this name.

        Raises:
            GradebookError: there is none, or there are several.
        """
        for column in ("id", "pseudonym", "name"):
            rows = self._all(f"SELECT id, name, email FROM students WHERE {column} = ?", called)
            if len(rows) == 1:
                return Student(*rows[0])
            if rows:
                ids = ", ".join(row[0] for row in rows)
                raise GradebookError(f"Several are called {called}: {ids}. Say which by the id.")
        known = [text for student in self.students() for text in (student.id, student.name) if text]
        raise GradebookError(_nobody(called, known))

    def adjust(self, student, chapter, points, reason, task=""):
        """Add an adjustment, which stays when the work is graded again.

        Raises:
            GradebookError: the chapter was never graded, or does not ask that.
        """
        if chapter not in self.chapters:
            known = ", ".join(self.chapters) or "none"
            raise GradebookError(f"Chapter {chapter} was not graded yet; graded were: {known}.")
        ids = [one["id"] for one in self.asked_in(chapter)]
        if task and task not in ids:
            raise GradebookError(f"Chapter {chapter} asks no {task}; it asks {', '.join(ids)}.")
        with self._transaction():
            self._book.execute(
                "INSERT INTO adjustments (student, chapter, task, points, reason, made) VALUES (?, ?, ?, ?, ?, ?)",
                (student.id, chapter, task, points, reason, _stamp(datetime.now(UTC))),
            )

    def _adjustments(self, chapter):
        """Return {id of the student: their adjustments, in the order in which they were made}."""
        rows = self._all(
            "SELECT student, points, reason, task, made FROM adjustments WHERE chapter = ? ORDER BY id", chapter
        )
        found = {}
        for student, points, reason, task, made in rows:
            found.setdefault(student, []).append(Adjustment(points, reason, task, datetime.fromisoformat(made)))
        return found

    def forget(self, student):
        """Delete all that is known of a student, so that no byte of it stays in the file; return {table: rows}."""
        with self._transaction():
            gone = {
                table: self._book.execute(f"DELETE FROM {table} WHERE student = ?", (student.id,)).rowcount
                for table in ("results", "submissions", "adjustments")
            }
            self._book.execute("DELETE FROM students WHERE id = ?", (student.id,))
            for name, value in self._all("SELECT name, value FROM facts WHERE name LIKE ?", f"{alike.FACT}%"):
                self.set_fact(name, alike.without(value, student.id))
        self._book.execute("VACUUM")
        return gone

    # Facts, pseudonyms, and what was written --------------------------------------------------------------------------

    def fact(self, name):
        """Return what was kept under a name, or None."""
        row = self._one("SELECT value FROM facts WHERE name = ?", name)
        return row and row[0]

    def set_fact(self, name, value):
        """Keep a text under a name; None takes it away."""
        if value is None:
            self._book.execute("DELETE FROM facts WHERE name = ?", (name,))
        else:
            self._book.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def pseudonyms(self):
        """Return {id: pseudonym} of those who have one."""
        return dict(self._all("SELECT id, pseudonym FROM students WHERE pseudonym IS NOT NULL"))

    def set_pseudonym(self, student_id, pseudonym):
        """Give a student a pseudonym, which is theirs alone."""
        self._book.execute("UPDATE students SET pseudonym = ? WHERE id = ?", (pseudonym, student_id))

    def written(self, chapter):
        """Return the files, seen from the folder of the class, that the last reports on a chapter are."""
        return {file for (file,) in self._all("SELECT file FROM written WHERE chapter = ?", chapter)}

    def set_written(self, chapter, files):
        """Note which files the reports on a chapter are."""
        with self._transaction():
            self._book.execute("DELETE FROM written WHERE chapter = ?", (chapter,))
            self._book.executemany("INSERT INTO written VALUES (?, ?)", [(chapter, file) for file in sorted(files)])


def drawn_seed():
    """Return a seed that nobody can know beforehand."""
    return secrets.randbelow(LARGEST_SEED + 1)


def _stamp(moment):
    return moment and moment.isoformat()


def _nobody(called, known):
    near = difflib.get_close_matches(called, known, n=1)
    return f"There is no student {called} in the gradebook." + (f" Did you mean {near[0]}?" if near else "")
