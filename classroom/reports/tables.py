"""Grades as CSV for a spreadsheet and for the common course systems, and everything as JSON.

A text that a spreadsheet would take for a formula begins with an apostrophe in every table. Whoever handed in nothing,
and got no points by hand, has no grade: what stands in the course system stays as it is.
"""

import csv
import html
import json
import math
import os
import re
from pathlib import Path

from classroom.reports.harmless import cell, harmless, plain
from classroom.reports.tally import results_of
from classroom.reports.wording import OUTCOMES, lasting, number

MOODLE_COMMENT = 8_000  # characters


def write_tables(graded, chapter, folder):
    """Write a CSV for every course system and the JSON into a folder; return their paths by name.

    Args:
        graded: a list of `Graded`, one a student.
        chapter: the `grader.task.Chapter` that was asked for.
        folder: where they go; made if it is not there.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = {}
    for name, rows in TABLES.items():
        paths[name] = folder / f"{name}.csv"
        write_csv(rows(graded, chapter), paths[name])
    paths["json"] = folder / "graded.json"
    write_json(graded, paths["json"])
    return paths


def write_csv(rows, path):
    """Write rows of numbers and texts so that a spreadsheet shows them and computes with none of the texts.

    The file begins with a byte order mark, by which Excel knows UTF-8.
    """
    with replaced(path, newline="", encoding="utf-8-sig") as file:
        csv.writer(file, quoting=csv.QUOTE_MINIMAL, lineterminator="\r\n").writerows(map(list, _cells(rows)))


def write_json(graded, path):
    """Write everything that is known about every student, flags too: this file is for the instructor."""
    with replaced(path, encoding="utf-8", newline="\n") as file:
        json.dump([harmless(as_data(one)) for one in graded], file, indent=1, ensure_ascii=False)
        file.write("\n")


class replaced:  # noqa: N801 - used as a function
    """A file that is there as a whole or not at all: it is written beside its place, and then put there."""

    def __init__(self, path, **options):
        self.path, self.options = Path(path), options
        self.beside = self.path.with_name(f".{self.path.name}.{os.getpid()}")

    def __enter__(self):
        self.file = self.beside.open("w", **self.options)
        return self.file

    def __exit__(self, error, *_):
        self.file.close()
        try:
            if error is None:
                os.replace(self.beside, self.path)
        except PermissionError as refused:  # on Windows, as long as a spreadsheet has it open
            way_out = "close the program that has it open, then write the reports once more"
            raise PermissionError(refused.errno, f"cannot be replaced: {way_out}", str(self.path)) from None
        finally:
            self.beside.unlink(missing_ok=True)


def as_data(graded):
    """Return a `Graded` as plain data for JSON."""
    student = graded.student
    return {
        "student": {"id": student.id, "name": student.name, "email": student.email},
        "chapter": graded.chapter,
        "submission": graded.submission,
        "submitted": graded.submitted.isoformat() if graded.submitted else None,
        "points": graded.points,
        "possible": graded.possible,
        "earned": graded.earned,
        "late_seconds": graded.late.total_seconds(),
        "penalty": graded.penalty,
        "adjustments": [
            {"points": one.points, "reason": one.reason, "task": one.task, "made": one.made.isoformat()}
            for one in graded.adjustments
        ],
        "report": graded.report,
    }


# One function a table ------------------------------------------------------------------------------------------------


def plain_rows(graded, chapter):
    """Yield the full table: a row a student, a column a task and a question, each with its points; of an optional task,
    which earns none, how it came out."""
    asked = (*chapter.tasks, *chapter.questions)
    yield [
        *("id", "name", "email", "submission", "submitted", "points", "possible", "earned", "late", "penalty"),
        *("by hand", "reasons", "problem"),
        *(item.id for item in asked),
    ]
    for one in graded:
        results = results_of(one)
        yield [
            *(one.student.id, one.student.name, one.student.email, one.submission),
            one.submitted.isoformat(sep=" ", timespec="minutes") if one.submitted else "",
            *(_grade(one), rounded(one.possible), rounded(one.earned), lasting(one.late) if one.late else ""),
            *(rounded(one.penalty), rounded(sum(change.points for change in one.adjustments))),
            "; ".join(filter(None, (change.reason for change in one.adjustments))),
            (one.report or {}).get("problem", ""),
            *(_of_item(item, results.get(item.id)) for item in asked),
        ]


def moodle_rows(graded, chapter):
    """Yield Moodle's grading worksheet.

    Moodle knows a student by "Participant" and a number, which stands in the folders of what it exports. Where it is
    in neither the name of the submission nor the id, the column Identifier is to be copied from the worksheet that
    Moodle gives.
    """
    yield ["Identifier", "Full name", "Email address", "Grade", "Last modified (grade)", "Feedback comments"]
    for one in filter(_has_grade, graded):
        student = one.student
        number = re.search(r"_(\d+)_assignsubmission_", one.submission)
        number = number[1] if number else student.id if student.id.isdecimal() else None
        yield [
            f"Participant {number}" if number else student.id,
            student.name,
            student.email,
            _grade(one),
            "",
            _html_comment(one, chapter),
        ]


def canvas_rows(graded, chapter):
    """Yield the table that Canvas imports. It knows a student by "SIS User ID" or by the login, else by the name; the
    column ID, for numbers of its own, stays empty, so that no other number is taken for one of them."""
    yield ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", _title(chapter)]
    yield [
        "    Points Possible",
        "",
        "",
        "",
        "",
        rounded(max((one.possible for one in graded), default=chapter.points)),
    ]
    for one in graded:
        student = one.student
        yield [student.name or student.id, "", student.id, student.email, "", _grade(one)]


def gradescope_rows(graded, chapter):
    """Yield a table like the one in which Gradescope gives grades out: a column a task, with the points there are."""
    asked = [item for item in (*chapter.tasks, *chapter.questions) if not getattr(item, "optional", False)]
    yield [
        *("Name", "SID", "Email", "Total Score", "Max Points", "Status", "Submission Time", "Lateness (H:M:S)"),
        *(f"{place}: {item.id} ({number(item.points)} pts)" for place, item in enumerate(asked, start=1)),
    ]
    for one in graded:
        results = results_of(one)
        seconds = int(one.late.total_seconds())
        yield [
            *(one.student.name, one.student.id, one.student.email, _grade(one), rounded(one.possible)),
            "Graded" if one.report is not None else "Missing",
            one.submitted.isoformat(sep=" ", timespec="seconds") if one.submitted else "",
            f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}",
            *(_of_item(item, results.get(item.id)) for item in asked),
        ]


# Each table by the name of its file.
TABLES = {"grades": plain_rows, "moodle": moodle_rows, "canvas": canvas_rows, "gradescope": gradescope_rows}

# Cells ---------------------------------------------------------------------------------------------------------------


def _cells(rows):
    return ([cell(value) for value in row] for row in rows)


def rounded(value):
    """Return points with two decimals at most, as a whole number where they are one."""
    value = round(float(value), 2) if math.isfinite(value) else 0.0
    return int(value) if value == int(value) else value


def _title(chapter):
    return f"Exercise {chapter.number}"


def _has_grade(one):
    return one.report is not None or bool(one.adjustments)


def _grade(one):
    return rounded(one.points) if _has_grade(one) else ""


def _of_item(item, result):
    if result is None:
        return ""
    return result["outcome"] if getattr(item, "optional", False) else rounded(result["points"])


def comment_lines(one, chapter):
    """Return what a student is told beside the grade, line by line."""
    if one.report is None:
        lines = ["Nothing was handed in."]
    elif problem := one.report.get("problem"):
        lines = [f"The file could not be graded: {problem}"]
    else:
        results = results_of(one)
        lines = [
            f"{item.id}: {_came_out(item, results[item.id])}"
            for item in (*chapter.tasks, *chapter.questions)
            if item.id in results
        ]
    if one.penalty:
        lines.append(f"Late by {lasting(one.late)}: {number(one.penalty)} points taken off.")
    lines += [f"Changed by hand, {number(change.points)}: {change.reason}" for change in one.adjustments]
    return [plain(line) for line in lines]


def _came_out(item, result):
    points = (
        "optional" if getattr(item, "optional", False) else f"{number(result['points'])} of {number(result['worth'])}"
    )
    said = "" if result["outcome"] in ("right", "not attempted") else f". {result['message']}"
    return f"{OUTCOMES.get(result['outcome'], result['outcome'])} ({points}){said}"


def _html_comment(one, chapter):
    """Return the comment as HTML, which is how Moodle reads it."""
    lines = [html.escape(line, quote=False).replace("\n", "<br>") for line in comment_lines(one, chapter)]
    kept = []
    for line in lines:
        if sum(map(len, kept)) + len(line) > MOODLE_COMMENT:
            kept.append("The rest is on your page.")
            break
        kept.append(line)
    return "<br>\n".join(kept)
