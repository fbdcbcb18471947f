"""Which exercises a reader has worked on. Their answers are theirs: no test of the course looks at them."""

import hashlib
import json
import os

from authoring.release import exercise
from authoring.storage import NotebookError, read

RECORD = ".released.json"  # in exercises/: what `release` wrote there
PARTS = "my_transformer.py"  # in exercises/: what readers build throughout


def worked_on(root):
    """Return the exercises under `root` that are no longer what the course came with, as sorted relative paths.

    It needs no git, so it makes no difference whether a change was staged or committed. An exercise that is out of
    date because its solution changed is not the reader's doing, and stays under test. On a build server (which sets
    CI) everything does.
    """
    if os.environ.get("CI"):
        return []
    record = _read_record(root)
    found = sorted((root / "exercises").glob("*.ipynb"))
    own = [f"exercises/{path.name}" for path in found if _is_own(root, path, record.get(path.name))]
    parts = root / "exercises" / PARTS
    if parts.exists() and PARTS in record and _are_own(root, parts, record[PARTS]):
        own.append(f"exercises/{PARTS}")
    return own


def record(root):
    """Note what the exercises under `root` are now, so that a reader's changes can be told from it."""
    released = {}
    for solution in sorted((root / "solutions").glob("*.ipynb")):
        path = root / "exercises" / solution.name
        if path.exists():
            released[path.name] = {"solution": _fingerprint_of_solution(solution), "exercise": _fingerprint(path)}
    parts = root / "exercises" / PARTS
    if parts.exists():
        released[PARTS] = {"solution": _fingerprint(root / "solutions" / PARTS), "exercise": _fingerprint(parts)}
    text = json.dumps(released, indent=1, sort_keys=True) + "\n"
    (root / "exercises" / RECORD).write_text(text, encoding="utf-8", newline="\n")


def _is_own(root, path, recorded):
    solution = root / "solutions" / path.name
    if recorded is None:
        return not solution.exists()  # a notebook of the reader's beside the course's
    if _fingerprint(path) == recorded["exercise"]:
        return False
    try:
        return _fingerprint_of_solution(solution) == recorded["solution"]
    except NotebookError:
        return False


def _are_own(root, path, recorded):
    return (
        _fingerprint(path) != recorded["exercise"] and _fingerprint(root / "solutions" / PARTS) == recorded["solution"]
    )


def _fingerprint(path):
    return hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()


def _fingerprint_of_solution(path):
    """The fingerprint of the exercise that a solution generates: running the solution again does not change it."""
    generated = json.dumps(exercise(read(path), path), sort_keys=True)
    return hashlib.sha256(generated.encode()).hexdigest()


def _read_record(root):
    try:
        return json.loads((root / "exercises" / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
