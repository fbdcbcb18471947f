"""Generate the exercises from their solutions: the same notebooks without the answers.

In a cell with metadata `course.answer`, what stands between `### BEGIN SOLUTION` and `### END SOLUTION` becomes
`return ...` (in an `__init__`, `...`); in a cell with metadata `course.question`, the choice becomes `...`; a cell
tagged `solution-only` goes. Both kinds of cells say in nbgrader's words, too, that they are the student's to write.
"""

import ast
import re
import sys

import nbformat

from authoring.execute import execute
from authoring.storage import NotebookError, normalize, read, write

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
MARKER = re.compile(r"^[ \t]*#+\s*(?:BEGIN|END)\s+SOLUTION\b.*$", re.MULTILINE | re.IGNORECASE)
BLANK = ("# Your code here.", "return ...")
BLANK_INIT = ("# Your code here.", "...")
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
STATEMENT = (ast.Return, ast.Assign, ast.AugAssign, ast.AnnAssign)
TRIVIAL = (ast.Name, ast.Constant, type(None))  # `return output`, `total = 0`: these give nothing away
TELLING = 20  # an intermediate result computed in at least so many characters is recognized wherever it stands


def release(root):
    """Write and execute the exercise of every solution under `root`. Return the exit code.

    An exercise that cannot be generated or does not run stays as it was.
    """
    problems = [f"{path}: has no solution; delete it." for path in _orphans(root)]
    (root / "exercises").mkdir(exist_ok=True)
    for solution in _solutions(root):
        path = root / "exercises" / solution.name
        try:
            write(path, execute(exercise(read(solution), solution), path))
            print(path, flush=True)
        except NotebookError as error:
            problems.append(str(error))
    return _report(problems)


def check(root):
    """Say which exercises under `root` are not what `release` would write, outputs aside. Return the exit code."""
    problems = [f"{path}: has no solution." for path in _orphans(root)]
    for solution in _solutions(root):
        try:
            problem = difference(solution, root / "exercises" / solution.name)
        except NotebookError as error:
            problem = str(error)
        if problem:
            problems.append(problem)
    return _report(problems)


def difference(solution, path):
    """Return in one sentence how the exercise at `path` differs from what its solution generates, or "".

    Raises:
        NotebookError: the solution generates no exercise, or the exercise is no notebook.
    """
    expected = exercise(read(solution), solution)
    if not path.exists():
        return f"{path}: is missing; run `release`."
    found = read(path)
    for number, (new, old) in enumerate(zip(expected.cells, found.cells, strict=False), 1):
        if any(new.get(key) != old.get(key) for key in ("cell_type", "id", "metadata", "source", "attachments")):
            return f"{path}: is out of date from cell {number} on (`{_first_line(new)}`); run `release`."
    if len(found.cells) != len(expected.cells):
        return f"{path}: is out of date: {len(found.cells)} cells, not {len(expected.cells)}; run `release`."
    if any(expected[key] != found.get(key) for key in ("metadata", "nbformat", "nbformat_minor")):
        return f"{path}: is out of date: the notebook's metadata; run `release`."
    return ""


def exercise(solution, path):
    """Return the exercise that belongs to a solution, without outputs.

    Args:
        solution: the notebook.
        path: where it is stored, for the messages.

    Raises:
        NotebookError: a marker is missing, misspelled, nested or outside an answer cell; what is left of a function
            does not end with `return ...`; a question has no choice; or an answer can still be read somewhere.
    """
    cells, answers = [], []
    for number, cell in enumerate(normalize(solution).cells, 1):
        place = f"{path}, cell {number} (`{_first_line(cell)}`)"
        if "solution-only" in cell.metadata.get("tags", ()):
            continue
        course = cell.metadata.get("course", {})
        if "answer" in course:
            source = cell.source
            _parse(source, place)
            cell.source, gone = _without_solution(source, place)
            answers += [(text, place) for text in _answers(source, gone)]
            cell.metadata["nbgrader"] = nbgrader_solution(course["answer"])
        elif MARKER.search(cell.source):
            raise NotebookError(f"{place}: has a solution marker but no metadata `course.answer`.")
        elif "question" in course:
            cell.source = _without_choice(cell.source, course["question"], place)
            cell.metadata["nbgrader"] = nbgrader_solution(course["question"])
        elif cell.cell_type == "code" and _answered(cell.source):
            raise NotebookError(f"{place}: answers a question but has no metadata `course.question`.")
        if cell.cell_type == "code":
            cell.update(outputs=[], execution_count=None)
            _keep_tags(cell)
        cells.append(cell)
    _refuse_leaks(cells, answers)
    return nbformat.from_dict({**normalize(solution), "cells": cells})


def nbgrader_solution(id):
    """Return nbgrader's metadata, schema 3, of a cell in which a student answers the task or question of this id."""
    kind = {"grade": False, "solution": True, "locked": False, "task": False}
    return {"grade_id": id.replace(".", "-"), "schema_version": 3, **kind}


def _keep_tags(cell):
    """What a solution shows may depend on the machine; what an untouched exercise shows does not."""
    tags = [tag for tag in cell.metadata.get("tags", ()) if tag != "nbval-ignore-output"]
    if tags:
        cell.metadata["tags"] = tags
    else:
        cell.metadata.pop("tags", None)


def _without_solution(source, place):
    """Return the answer cell with every region replaced by `return ...`, and the numbers of the lines that went."""
    kept, gone, blanks, indent = [], set(), set(), None
    builders = [(node.lineno, node.end_lineno) for node in _builders(ast.parse(source))]
    for number, line in enumerate(source.split("\n"), 1):
        marker = line.strip() if MARKER.match(line) else None
        if marker not in (None, BEGIN, END):
            raise NotebookError(f"{place}: write `{BEGIN}` and `{END}`, not `{marker}`.")
        if marker == BEGIN:
            if indent is not None:
                raise NotebookError(f"{place}: a second `{BEGIN}` before `{END}`.")
            indent = line[: -len(line.lstrip())]
        elif marker == END:
            if indent is None:
                raise NotebookError(f"{place}: `{END}` without `{BEGIN}`.")
            is_builder = any(first < number <= last + 1 for first, last in builders)
            kept += [indent + blank for blank in (BLANK_INIT if is_builder else BLANK)]
            blanks.add(len(kept))
            indent = None
        elif indent is not None:
            gone.add(number)
        else:
            kept.append(line)
    if indent is not None:
        raise NotebookError(f"{place}: `{BEGIN}` without `{END}`.")
    if not blanks:
        raise NotebookError(f"{place}: has no `{BEGIN}`.")
    blank = "\n".join(kept)
    tree = _parse(blank, f"{place} without its solution")
    if not blanks <= {node.body[-1].lineno for node in ast.walk(tree) if isinstance(node, FUNCTION)}:
        raise NotebookError(f"{place}: a region must end its function, so that `return ...` is the last line.")
    return blank, gone


def _builders(tree):
    """Return the `__init__` functions, which return nothing."""
    return [node for node in ast.walk(tree) if isinstance(node, FUNCTION) and node.name == "__init__"]


def _without_choice(source, id, place):
    """Return the question cell with its choice replaced by `...`, everything around it as it was."""
    calls = _calls_of_answer(_parse(source, place))
    if len(calls) != 1 or len(calls[0].args) != 2 or calls[0].keywords:
        raise NotebookError(f'{place}: a question is one call, `answer("{id}", "a")`.')
    asked, choice = calls[0].args
    if not (isinstance(asked, ast.Constant) and asked.value == id):
        raise NotebookError(f"{place}: asks {ast.unparse(asked)}, but its metadata says {id!r}.")
    if not _is_choice(choice):
        raise NotebookError(f"{place}: has no choice; write the right one.")
    lines = source.encode().splitlines(keepends=True)  # ast counts columns in UTF-8 bytes
    before = b"".join(lines[: choice.lineno - 1]) + lines[choice.lineno - 1][: choice.col_offset]
    after = lines[choice.end_lineno - 1][choice.end_col_offset :] + b"".join(lines[choice.end_lineno :])
    return (before + b"..." + after).decode()


def _answered(source):
    """Whether a cell gives a choice away. A cell that is no Python (a magic) calls nothing."""
    try:
        calls = _calls_of_answer(ast.parse(source))
    except SyntaxError:
        return False
    return any(_is_choice(argument) for call in calls for argument in call.args[1:])


def _calls_of_answer(tree):
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "answer"
    ]


def _is_choice(node):
    return not (isinstance(node, ast.Constant) and node.value is ...)


def _answers(source, gone):
    """Return what must not be read elsewhere: whatever the lines `gone` return, and what they compute at length.

    What an `__init__` makes is no secret: a class's attributes are part of what is asked.
    """
    tree = ast.parse(source)
    made = {node for builder in _builders(tree) for node in ast.walk(builder)}
    for statement in ast.walk(tree):
        value = None if statement in made else getattr(statement, "value", None)
        if not isinstance(statement, STATEMENT) or statement.lineno not in gone or isinstance(value, TRIVIAL):
            continue
        text = _plain(ast.get_source_segment(source, value))
        if isinstance(statement, ast.Return) or len(text) >= TELLING:
            yield text


def _refuse_leaks(cells, answers):
    for cell in cells:
        source = _plain(cell.source)
        for text, place in answers:
            if text in source:
                where = _first_line(cell)
                raise NotebookError(f"{place}: the exercise still shows its answer `{text}`, in the cell `{where}`.")


def _plain(text):
    return " ".join(text.split())


def _parse(source, place):
    try:
        return ast.parse(source)
    except SyntaxError as error:
        raise NotebookError(f"{place}: line {error.lineno} is no Python ({error.msg}).") from error


def _first_line(cell):
    return next((line.strip() for line in cell.source.splitlines() if line.strip()), "")


def _solutions(root):
    return sorted((root / "solutions").glob("*.ipynb"))


def _orphans(root):
    released = {path.name for path in _solutions(root)}
    return [path for path in sorted((root / "exercises").glob("*.ipynb")) if path.name not in released]


def _report(problems):
    for problem in problems:
        print(problem, file=sys.stderr)
    return int(bool(problems))
