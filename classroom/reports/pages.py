"""All that people read of a graded chapter, written into one folder: pages, tables and data."""

import hashlib
import re
from pathlib import Path

from classroom.reports.glance import glance_page
from classroom.reports.student_page import COURSE, student_page
from classroom.reports.tables import replaced, write_tables

STUDENTS = "students"  # the folder of what may be given to students; all beside it is the instructor's


def write_pages(graded, chapter, folder, *, flags=None, course=COURSE, version=""):
    """Write a page for every student, the class at a glance, the tables and the data; return the paths.

    Args:
        graded: a list of `Graded`, one a student.
        chapter: the `grader.task.Chapter` that was asked for.
        folder: where they go; made if it is not there.
        flags: what else there is to look at, sentences by the id of the student; for the instructor alone.
        course: what the course is called.
        version: of the tasks.
    """
    folder = Path(folder)
    (folder / STUDENTS).mkdir(parents=True, exist_ok=True)
    names = page_names([one.student for one in graded])
    places = {one.student.id: f"{STUDENTS}/{name}" for one, name in zip(graded, names, strict=True)}
    pages = {folder / "glance.html": glance_page(graded, chapter, flags=flags, pages=places)}
    for one, name in zip(graded, names, strict=True):
        pages[folder / STUDENTS / name] = student_page(one, chapter, course=course, version=version)
    for path, text in pages.items():
        with replaced(path, encoding="utf-8", newline="\n") as file:
            file.write(text)
    return [*pages, *write_tables(graded, chapter, folder).values()]


def page_names(students):
    """Return what the pages of students are called: their ids, as far as every system takes them for names of files.

    An id that has other characters, or is called like another on a system that takes a for A, gets a few letters of its
    own, the same each time.
    """
    plain = [re.sub(r"[^\w.@+-]+", "_", student.id, flags=re.ASCII).strip("._-")[:60] for student in students]
    folded = [name.casefold() for name in plain]
    return [
        f"{name}.html"
        if name == student.id and folded.count(name.casefold()) == 1 and not _is_reserved(name)
        else f"{name or 'student'}-{hashlib.sha256(student.id.encode(errors='backslashreplace')).hexdigest()[:10]}.html"
        for name, student in zip(plain, students, strict=True)
    ]


def _is_reserved(name):
    """Tell whether Windows takes a name for a device."""
    return re.fullmatch(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", name, re.IGNORECASE) is not None
