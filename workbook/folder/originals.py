"""The course's notebooks as they were given out, even where a reader has worked in them.

Before there was a folder of one's own, answers were written into exercises/. They are the reader's: a copy begins
without them, and they are brought over.
"""

import contextlib
import hashlib
import json
import os

from workbook.folder import disk, layout, stored

RECORD = ".released.json"  # in exercises/: what the course came with


class Originals:
    """The notebooks under `root`, and which of them a reader has worked on."""

    def __init__(self, root, remembered):
        """
        Args:
            root: the course.
            remembered: the path of a file to remember in what a reader has worked on, since to find it out takes
                seconds.
        """
        self.root = root
        self.files = layout.course_files(root)
        self.worked_on = _worked_on(root, remembered)

    def notebook(self, file):
        """Return a notebook of the course as it was given out.

        Raises:
            NotANotebookError: someone has spoiled it.
            OSError: it cannot be read.
        """
        if self.worked_on.get(file):
            return self.worked_on[file]
        if file.startswith("exercises/") and not (self.root / file).exists():
            return _original(self.root, file)
        return stored.read(self.root / file)

    def of_the_reader(self, file):
        """Return the path of a file of exercises/ that a reader has worked on; None if it is what the course gave."""
        return self.root / file if file in self.worked_on else None


def _worked_on(root, remembered):
    """Return {file of exercises/ that a reader has worked on: the notebook as it was given out; None for other files}.

    What knows it is loaded only if some file is not what the course came with, and nothing changed since it was asked.
    """
    if (root / layout.HANDOUT).exists():
        return _unlike_given(root)
    try:
        record = json.loads((root / "exercises" / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if all(_is_as_released(root / "exercises" / name, about) for name, about in record.items()):
        return {}
    state = _state(root)
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        known = json.loads(remembered.read_text(encoding="utf-8"))
        if known["state"] == state:
            return dict(known["worked_on"])
    from authoring.own_work import worked_on

    found = {file: _from_solution(root, file) if layout.name_of(file) else None for file in worked_on(root)}
    disk.write(remembered, json.dumps({"state": state, "worked_on": found}))
    return found


def _unlike_given(root):
    """Return the same in a handout, which keeps each file of exercises/ as it was given out."""
    found = {}
    for given in sorted((root / layout.GIVEN).glob("*.*")):
        path = root / "exercises" / given.name
        if path.exists() and path.read_bytes() != given.read_bytes():
            file = f"exercises/{given.name}"
            found[file] = stored.read(given) if layout.name_of(file) else None
    return found


def _original(root, file):
    """Return an exercise as it was given out."""
    given = root / layout.GIVEN / file.rpartition("/")[2]
    return stored.read(given) if given.exists() else _from_solution(root, file)


def _is_as_released(path, about):
    if not path.exists():
        return True
    return hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest() == about["exercise"]


def _state(root):
    """Return a name for all that stands in exercises/ and solutions/."""
    state = hashlib.sha256(os.environ.get("CI", "").encode())
    for folder in ("exercises", "solutions"):
        for path in sorted((root / folder).iterdir()):
            if path.is_file():
                state.update(f"{folder}/{path.name}\n".encode("utf-8", "replace") + path.read_bytes())
    return state.hexdigest()


def _from_solution(root, file):
    from authoring.release import exercise
    from authoring.storage import NotebookError, read

    path = root / "solutions" / file.rpartition("/")[2]
    try:
        return json.loads(json.dumps(exercise(read(path), path)))
    except NotebookError as error:
        raise stored.NotANotebookError(str(error)) from error
