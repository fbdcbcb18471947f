"""What is called how and lies where in the learner's own folder."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / "my_course"
HANDOUT = "handout.json"  # in a copy that was handed out: what is in it
GIVEN = "exercises/.given"  # in it, too: the exercises as they were given out
MARK = ".course"  # the folder inside it that marks the learner's folder, and holds what updates need
PARTS = "my_transformer.py"
KINDS = {"notebooks": "Lesson", "exercises": "Exercise"}  # the course's folder: what a notebook of it is called
COURSE_FILE = re.compile(r"(?P<folder>notebooks|exercises)/(?P<number>\d\d[a-z]?)_\w+\.ipynb")
NAME = re.compile(r"(?P<kind>lesson|exercise)?[ _]*(?P<number>\d{1,2}[a-z]?)(?:\.ipynb)?", re.IGNORECASE)


def find(start=None):
    """Return the learner's folder that `start` (by default the current folder) is or lies in; None elsewhere."""
    start = Path(start or ".").resolve()
    return next((folder for folder in (start, *start.parents) if (folder / MARK).is_dir()), None)


def name_of(course_file):
    """Return what a notebook of the course, such as "notebooks/03_softmax_and_values.ipynb", is called in the
    learner's folder: "Lesson 03.ipynb"; None for any other file."""
    found = COURSE_FILE.fullmatch(course_file)
    return found and f"{KINDS[found['folder']]} {found['number']}.ipynb"


def course_files(root=ROOT):
    """Return {the course's notebook: its name in the learner's folder} in the order in which they are worked through:
    each lesson, then its exercises. A reader's own files in these folders do not count.
    """
    lessons = [f"notebooks/{path.name}" for path in sorted((root / "notebooks").glob("*.ipynb"))]
    exercises = [f"exercises/{name}" for name in _exercises(root)]
    named = {}
    for file in (*lessons, *exercises):
        if (name := name_of(file)) is not None:
            named.setdefault(name, file)
    return {named[name]: name for name in sorted(named, key=_place)}


def _exercises(root):
    """Return the names of the exercises that the course came with: those that have a solution, or, in a handout, which
    has no solutions, those that it lists."""
    try:
        return sorted(json.loads((root / HANDOUT).read_text(encoding="utf-8"))["exercises"])
    except FileNotFoundError:
        return sorted(path.name for path in (root / "solutions").glob("*.ipynb"))


def _place(name):
    kind, number = name.removesuffix(".ipynb").split()
    return number[:2], kind == "Exercise", number


def course_file(asked, root=ROOT):
    """Return the course's notebook that a learner means by "03", "exercise 3" or "Lesson 03.ipynb": without a kind,
    the exercise if there is one; None if there is none of the kind."""
    found = NAME.fullmatch(asked.strip())
    if found is None:
        return None
    number = found["number"].lower().zfill(2 if found["number"].isdigit() else 3)
    kinds = [found["kind"].capitalize()] if found["kind"] else ["Exercise", "Lesson"]
    files = {name: file for file, name in course_files(root).items()}
    return next((files[name] for kind in kinds if (name := f"{kind} {number}.ipynb") in files), None)


def record(folder):
    """Return the path of the learner's record: a line of JSON for each thing that happened."""
    return folder / "progress.jsonl"


def kept(folder):
    """Return the folder for what could not be merged, and for what was reset."""
    return folder / "kept"


def base(folder, name, version):
    """Return the path of a notebook as the course gave it out in one version."""
    return folder / MARK / "bases" / name.removesuffix(".ipynb") / f"{version}.ipynb"


def given(folder):
    """Return the path of the list of what the course has given out so far."""
    return folder / MARK / "given.json"


def worked_on(folder):
    """Return the path of what is remembered about answers in exercises/."""
    return folder / MARK / "worked_on.json"


def server(folder):
    """Return the path of the address at which the course is open."""
    return folder / MARK / "server.json"
