"""A made-up course, and a learner's folder of it."""

from dataclasses import dataclass
from pathlib import Path

from workbook.folder import layout, stored
from workbook.folder.update import update

LESSON, EXERCISE = "notebooks/03_softmax.ipynb", "exercises/03_softmax.ipynb"
PARTS = """import math

# 04.mask ---

def mask(): ...

# 05.Layer ---

class Layer: ...
"""


def text(id, source, **metadata):
    return {"cell_type": "markdown", "id": id, "metadata": metadata, "source": source}


def code(id, source, outputs=(), **metadata):
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": id,
        "metadata": metadata,
        "outputs": list(outputs),
        "source": source,
    }


def answer(task, source):
    function = task.partition(".")[2]
    return code(f"answer-{task.replace('.', '-')}", source, course={"answer": task}), code(
        f"check-{function}", f'check("{task}", {function})'
    )


def printed(words):
    return {"output_type": "stream", "name": "stdout", "text": [words]}


def blank(function):
    return f'def {function}(scores):\n    """Return it."""\n    # Your code here.\n    return ...'


def notebook(*cells):
    kernel = {"kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}}
    return {"cells": list(cells), "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}


@dataclass
class Course:
    """A course under `root`, whose exercises are what they are (nothing is recorded as released)."""

    root: Path

    def give(self, file, *cells):
        for folder in ("notebooks", "exercises", "solutions"):
            (self.root / folder).mkdir(exist_ok=True)
        stored.write(self.root / file, notebook(*cells))
        if file.startswith("exercises/"):
            stored.write(self.root / file.replace("exercises/", "solutions/"), notebook(*cells))

    def give_parts(self, source):
        (self.root / "solutions" / layout.PARTS).write_text(source, encoding="utf-8")

    @property
    def folder(self):
        return self.root / "my_course"

    def update(self):
        return update(self.root)

    def path(self, name):
        return self.folder / f"{name}.ipynb"

    def mine(self, name="Exercise 03"):
        return stored.read(self.path(name))

    def save(self, notebook, name="Exercise 03"):
        """Store a notebook as JupyterLab would."""
        stored.write(self.path(name), notebook)

    def write(self, id, source, name="Exercise 03", outputs=()):
        """Write into a cell and save."""
        notebook = self.mine(name)
        cell = next(cell for cell in notebook["cells"] if cell["id"] == id)
        cell.update(source=source, **({"outputs": list(outputs)} if cell["cell_type"] == "code" else {}))
        self.save(notebook, name)

    def source(self, id, name="Exercise 03"):
        return next((cell["source"] for cell in self.mine(name)["cells"] if cell["id"] == id), None)

    def ids(self, name="Exercise 03"):
        return [cell["id"] for cell in self.mine(name)["cells"]]

    def everything(self):
        """Return every file of the folder, byte by byte."""
        return {path: path.read_bytes() for path in sorted(self.folder.rglob("*")) if path.is_file()}


def exercise():
    """The cells of the exercise as it is given out first."""
    return [
        text("title", "# 03 · Softmax: exercise"),
        code("setup", "from workbook import check"),
        text("task-1", "## Task 1"),
        *answer("03.softmax", blank("softmax")),
        code("hint-softmax", '# hint("03.softmax")'),
        text("task-2", "## Task 2"),
        *answer("03.attention", blank("attention")),
        code("question", 'answer("03.why", ...)', course={"question": "03.why"}),
        text("next", "## Next"),
    ]
