"""All that is written about a chapter of a class, below reports/: one call, whoever writes what."""

import json
import os
import tempfile
from pathlib import Path

from classroom.privacy import shown

FOLDER = "reports"


def write_reports(book, chapter, folder):
    """Write the reports on a chapter, and take away those of the last time that are none any more; return their paths.

    Args:
        book: the open `Gradebook`.
        chapter: its number.
        folder: of the class; the reports are written into reports/NN in it.
    """
    folder = Path(folder)
    into = folder / FOLDER / chapter
    into.mkdir(parents=True, exist_ok=True)
    graded = shown(book, book.graded(chapter))
    made = [path for write in WRITERS for path in write(graded, chapter, into, book)]
    files = {path.relative_to(folder).as_posix() for path in made}
    for stale in book.written(chapter) - files:
        (folder / stale).unlink(missing_ok=True)
    book.set_written(chapter, files)
    return made


def write_json(graded, chapter, into, book):
    """Write graded.json: everything, for programs."""
    path = into / "graded.json"
    text = json.dumps([as_data(one) for one in graded], indent=1, ensure_ascii=False)
    replace_text(path, text + "\n")
    return [path]


def as_data(one):
    """Return a `Graded` as plain data: dictionaries, lists, strings and numbers; times as ISO 8601 says."""
    return {
        "student": {"id": one.student.id, "name": one.student.name, "email": one.student.email},
        "chapter": one.chapter,
        "submission": one.submission,
        "submitted": one.submitted and one.submitted.isoformat(),
        "points": one.points,
        "earned": one.earned,
        "possible": one.possible,
        "late_seconds": one.late.total_seconds(),
        "penalty": one.penalty,
        "adjustments": [
            {"points": made.points, "reason": made.reason, "task": made.task, "made": made.made.isoformat()}
            for made in one.adjustments
        ],
        "report": one.report,
    }


def replace_text(path, text):
    """Write a file so that at any moment it holds either what it held before or all of this."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with open(handle, "w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
            file.write(text)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


# Each takes (list of `Graded`, number of the chapter, folder to write into, the open `Gradebook`), and returns the
# paths of the files that it wrote, all of them below the folder reports/ of the class.
WRITERS = (write_json,)
