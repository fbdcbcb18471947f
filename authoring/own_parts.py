"""Write the course's own parts: `solutions/my_transformer.py` of the solutions, and the file that a reader begins with,
`exercises/my_transformer.py`, in which every part is still the course's own."""

import sys

from authoring.release import MARKER
from authoring.storage import normalize, read
from grader.parts import Part, PartsFile, assembled
from grader.submission import Submission, Unreadable, cells_of
from tasks import CATALOGUE
from workbook.folder.parts import begun
from workbook.own_file import with_imports

NAME = f"{CATALOGUE.parts.module}.py"
SOLUTIONS_HEADER = '''"""The course's own Transformer, part by part: the answers of the solutions, put together.

A learner's own my_transformer.py takes from here what is not theirs yet. Made by `course.py release`.
"""
'''


def write_parts(root):
    """Write both files under `root`."""
    for path, text in texts(root).items():
        path.write_text(text, encoding="utf-8", newline="\n")
        print(path, flush=True)


def check_parts(root):
    """Say which of the files under `root` is not what `write_parts` would write. Return the exit code."""
    stale = [
        path for path, text in texts(root).items() if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    for path in stale:
        print(f"{path}: is out of date; run `release`.", file=sys.stderr)
    return int(bool(stale))


def texts(root):
    """Return what the two files should hold, by path."""
    imports, parts = [], []
    found = list(_parts_of(root))
    names = {task.function for task, _ in found}
    for task, solution in found:
        needed, body = assembled(_program(task, solution), names - {task.function})
        imports += needed
        parts.append(Part(task.id, body))
    own = PartsFile(with_imports(SOLUTIONS_HEADER, imports), tuple(parts))
    return {
        root / "solutions" / NAME: own.text,
        root / "exercises" / NAME: begun(parts, CATALOGUE.parts.own).text,
    }


def _parts_of(root):
    for chapter in CATALOGUE.chapters:
        asked = [task for task in chapter.tasks if task.part]
        found = sorted((root / "solutions").glob(f"{chapter.number}_*.ipynb"))
        for task in asked if found else ():
            yield task, found[0]


def _program(task, path):
    notebook = normalize(read(path))
    for cell in notebook.cells:
        cell.source = "\n".join(line for line in cell.source.split("\n") if not MARKER.match(line))
    program = Submission(path, cells_of(notebook)).program(task.id)
    if isinstance(program, Unreadable):
        raise ValueError(f"{path}: {program.reason}")
    return program
