"""The course's notebooks as they were given out, even where a reader has worked in them.

Before there was a folder of one's own, answers were written into exercises/. They are the reader's: a copy begins
without them, and they are brought over.
"""

import hashlib
import json

from workbook.folder import layout, stored

RECORD = ".released.json"  # in exercises/: what the course came with


class Originals:
    """The notebooks under `root`, and which of them a reader has worked on."""

    def __init__(self, root):
        self.root = root
        self.files = layout.course_files(root)
        self.worked_on = _worked_on(root)

    def notebook(self, file):
        """Return a notebook of the course as it was given out.

        Raises:
            NotANotebookError: someone has spoiled it.
            OSError: it cannot be read.
        """
        if file in self.worked_on or (file.startswith("exercises/") and not (self.root / file).exists()):
            return _from_solution(self.root, file)
        return stored.read(self.root / file)

    def of_the_reader(self, file):
        """Return the path of a file of exercises/ that a reader has worked on; None if it is what the course gave."""
        return self.root / file if file in self.worked_on else None


def _worked_on(root):
    """Return which files of exercises/ a reader has worked on.

    Loading what knows it takes a second, so it is asked only if some file is not what the course came with.
    """
    try:
        record = json.loads((root / "exercises" / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return frozenset()
    if all(_is_as_released(root / "exercises" / name, about) for name, about in record.items()):
        return frozenset()
    from authoring.own_work import worked_on

    return frozenset(worked_on(root))


def _is_as_released(path, about):
    if not path.exists():
        return True
    return hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest() == about["exercise"]


def _from_solution(root, file):
    from authoring.release import exercise
    from authoring.storage import NotebookError, read

    path = root / "solutions" / file.rpartition("/")[2]
    try:
        return json.loads(json.dumps(exercise(read(path), path)))
    except NotebookError as error:
        raise stored.NotANotebookError(str(error)) from error
