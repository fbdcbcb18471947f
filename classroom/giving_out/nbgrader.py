"""Makes the folder in which nbgrader gives out and grades the exercises: their sources, and its configuration.

A source is a solution with nbgrader's metadata, and at its end one test cell for each case, so that points come case
by case. A test cell calls the course's own judge (`workbook.points`); its line is hidden from students, and so is the
seed.
"""

import ast
import copy
import json
import re
import shutil
from pathlib import Path

from grader.handed_in import plain_bytes

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
CONFIG = '''"""How nbgrader gives out and grades the exercises of the course; made by `course.py nbgrader`."""

from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearOutput,
    DeduplicateIds,
    NbGraderPreprocessor,
    OverwriteCells,
    OverwriteKernelspec,
)


class KeepClicks(NbGraderPreprocessor):
    """A choice that a student clicked stands in an output: it is written into the code before outputs are cleared."""

    def preprocess_cell(self, cell, resources, index):
        question = cell.metadata.get("course", {}).get("question")
        for output in cell.get("outputs", ()):
            clicked = output.get("metadata", {}).get("course", {})
            chose = clicked.get("chose")
            if question and clicked.get("question") == question and chose in tuple("abcdefgh"):
                cell.source = cell.source.replace("...", f'"{chose}"', 1)
        return cell, resources


c = get_config()  # noqa: F821 - nbgrader's
c.CourseDirectory.course_id = "self_attention"
c.ClearSolutions.code_stub = {"python": "# Your code here."}
c.Autograde.sanitize_preprocessors = [
    KeepClicks,
    ClearOutput,
    DeduplicateIds,
    OverwriteKernelspec,
    OverwriteCells,
    CheckCellMetadata,
]
c.Execute.timeout = 300  # seconds for a cell; each case has a limit of its own by its operations, not by the clock
'''
POINTS = """## Points

The cells below belong to whoever grades. Leave them as they are."""


def write_course(catalogue, root, into, chapters, *, seed):
    """Write an nbgrader course into a folder: its configuration, unless there is one, and the sources of chapters.

    Args:
        catalogue: the `Catalogue`.
        root: the folder with solutions/ and exercises/.
        into: the folder.
        chapters: their numbers, such as "02".
        seed: the inputs of the test cells are drawn from it.

    Returns:
        The paths that were written.

    Raises:
        FileNotFoundError: a chapter has no exercise.
        LookupError: there is no such chapter.
    """
    written = []
    for number in chapters:
        chapter = catalogue.chapter(number)
        solution, exercise = (_notebook(root / folder, number) for folder in ("solutions", "exercises"))
        made = source(json.loads(plain_bytes(solution)), json.loads(plain_bytes(exercise)), chapter, seed)
        folder = into / "source" / f"ps{number}"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / solution.name
        path.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")
        written.append(path)
        if catalogue.parts and _takes_the_courses_parts(chapter):
            written.append(Path(shutil.copy(root / "exercises" / f"{catalogue.parts.module}.py", folder)))
    config = into / "nbgrader_config.py"
    if not config.exists():
        config.write_text(CONFIG, encoding="utf-8", newline="\n")
        written.append(config)
    return written


def _takes_the_courses_parts(chapter):
    """Tell whether answers of a chapter may use parts, and those of the course: nbgrader puts a file of the source in
    the place of a student's, which must not happen where the student's own file is what is asked about."""
    return any(task.part for task in chapter.tasks) and not any(task.own_file for task in chapter.tasks)


def source(solution, exercise, chapter, seed):
    """Return the notebook that nbgrader makes a chapter's exercise from, as nested dictionaries.

    Args:
        solution, exercise: the notebooks, as nested dictionaries; they are not changed.
        chapter: the `Chapter`.
        seed: the inputs of the test cells are drawn from it.
    """
    given = {cell["id"]: cell for cell in exercise["cells"]}
    cells = [_cell(cell, given[cell["id"]]) for cell in solution["cells"] if cell["id"] in given]
    cells.append({"cell_type": "markdown", "id": "points", "metadata": {}, "source": POINTS})
    for task in chapter.tasks:
        for number, case in enumerate(() if task.optional else task.cases, 1):
            call = f"points.case({_text(task.id)}, {task.function}, {_text(case.name)}, seed={seed})"
            cells.append(_test_cell(task.id, f"case-{number}", case.points, f"{task.id}, {case.name}", call))
    for question in chapter.questions:
        call = f"points.choice({_text(question.id)})"
        cells.append(_test_cell(question.id, "choice", question.points, question.id, call))
    return {**exercise, "cells": cells}


def _cell(cell, given):
    """Return a cell of the solution so that nbgrader turns it into that of the exercise."""
    made = {**copy.deepcopy(cell), "metadata": copy.deepcopy(given["metadata"])}
    if cell["cell_type"] == "code":
        made.update(outputs=[], execution_count=None)
    text = "".join(cell["source"])
    course = given["metadata"].get("course", {})
    if "answer" in course:
        made["source"] = _with_blanks(text)
    elif "question" in course:
        made["source"] = "\n".join([BEGIN, text, END, "".join(given["source"])])
    return made


def _with_blanks(text):
    """Return an answer's cell with what remains of each function behind its solution: it is never reached there."""
    lines, builders = [], _builders(text)
    for number, line in enumerate(text.split("\n"), 1):
        lines.append(line)
        if line.strip() == END:
            is_builder = any(first < number <= last + 1 for first, last in builders)
            lines.append(line[: line.index(END)] + ("..." if is_builder else "return ..."))
    return "\n".join(lines)


def _builders(text):
    """Return the first and the last line of every `__init__`, which returns nothing."""
    nodes = ast.walk(ast.parse(text))
    return [(n.lineno, n.end_lineno) for n in nodes if isinstance(n, ast.FunctionDef) and n.name == "__init__"]


def _test_cell(id, what, worth, title, call):
    grade_id = f"{id.replace('.', '-')}-{what}"
    nbgrader = {
        "grade_id": grade_id,
        "schema_version": 3,
        "grade": True,
        "points": worth,
        "solution": False,
        "locked": True,
        "task": False,
    }
    lines = [
        f"# {worth} point{'s' * (worth != 1)}: {title}",
        "### BEGIN HIDDEN TESTS",
        "from workbook import points",
        "",
        call,
        "### END HIDDEN TESTS",
    ]
    return {
        "cell_type": "code",
        "id": re.sub(r"[^\w-]", "-", f"points-{grade_id}")[:64],
        "metadata": {"jupyter": {"source_hidden": True}, "nbgrader": nbgrader},
        "source": "\n".join(lines),
        "execution_count": None,
        "outputs": [],
    }


def _text(value):
    return json.dumps(value, ensure_ascii=False)


def _notebook(folder, number):
    found = sorted(folder.glob(f"{number}_*.ipynb"))
    if not found:
        raise FileNotFoundError(f"{folder} has no notebook of chapter {number}, {number}_*.ipynb.")
    return found[0]
