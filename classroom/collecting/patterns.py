"""How handed-in files are called: whose they are, read off their names by regular expressions.

An instructor's own pattern meets names that students chose, and some patterns take forever on some names. So those are
tried in a process of its own, which is ended if it does not come back: `python -m classroom.collecting.patterns`.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

LONGEST_NAME = 300  # characters of a path that are looked at
PATIENCE = 60  # seconds for all names together; one takes microseconds
GROUPS = ("student", "name", "file", "late", "time", "attempt")

# What course systems call the files of an export, as paths: folders, and zip files, are parts of it.
MOODLE = re.compile(r"(?P<name>[^/]*?)_(?P<student>\d+)_assignsubmission_[a-z]+_?/?(?P<file>.*)", re.DOTALL)
CANVAS = re.compile(
    r"(?P<name>[^/_]+)(?P<late>_LATE)?_(?P<student>\d+)_\d+_(?P<file>[^/]*?(?:-(?P<attempt>\d+))?\.\w+(?:/.*)?)",
    re.DOTALL | re.IGNORECASE,
)
GRADESCOPE = re.compile(r"submission_(?P<student>\d+)/(?P<file>.*)", re.DOTALL)
EXPORTS = {"Moodle": MOODLE, "Canvas": CANVAS, "Gradescope": GRADESCOPE}


class PatternError(Exception):
    """A pattern that cannot be used; the text says why."""


def check_pattern(text):
    """Raise `PatternError` if a text is no pattern that says whose a file is."""
    try:
        pattern = re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        raise PatternError(f"{text!r} is no regular expression: {error}.") from None
    if "student" not in pattern.groupindex:
        raise PatternError(f"{text!r} does not say whose a file is: name a part of it, as in (?P<student>\\w+).")
    if strange := sorted(set(pattern.groupindex) - set(GROUPS)):
        raise PatternError(f"{text!r} names {', '.join(strange)}; there are {', '.join(GROUPS)}.")


def matches(patterns, paths):
    """Return for each path what the first pattern that fits all of it finds, as a dictionary, or None.

    Args:
        patterns: texts, each checked by `check_pattern`.
        paths: texts such as "folder/file.ipynb".

    Raises:
        PatternError: the patterns take too long on these names.
    """
    if not patterns or not paths:
        return [None] * len(paths)
    request = json.dumps([list(patterns), [path[:LONGEST_NAME] for path in paths]])
    command = [sys.executable, "-m", "classroom.collecting.patterns"]
    try:
        done = subprocess.run(
            command, input=request, stdout=subprocess.PIPE, encoding="utf-8", timeout=PATIENCE, check=True, cwd=_ROOT
        )
    except subprocess.TimeoutExpired:
        raise PatternError(
            f"the patterns {', '.join(patterns)} take forever on one of the names. "
            "Write [^_]+ or \\w+ in the place of nested repetitions such as (a+)+."
        ) from None
    return json.loads(done.stdout)


_ROOT = Path(__file__).parents[2]


def _answer():
    patterns, paths = json.load(sys.stdin)
    compiled = [re.compile(text) for text in patterns]
    found = [next((match for one in compiled if (match := one.fullmatch(path))), None) for path in paths]
    print(json.dumps([match and {k: v for k, v in match.groupdict().items() if v is not None} for match in found]))


if __name__ == "__main__":
    _answer()
