"""Reads a submitted notebook: which cell answers which task. Parses only; nothing here runs a learner's code."""

import ast
import json
import re
from dataclasses import dataclass
from pathlib import Path

NOT_A_NOTEBOOK = "{path} is no Jupyter notebook ({reason}). Hand in the .ipynb file as JupyterLab saves it."


class SubmissionError(Exception):
    """The file as a whole cannot be graded; the text says why, for the report."""


@dataclass(frozen=True)
class Cell:
    """A code cell: its source, what its metadata says it answers, its parsed body (None after a syntax error)."""

    source: str
    answer: str
    body: tuple[ast.stmt, ...] | None
    problem: str = ""

    def defines(self, function):
        """Tell whether this cell defines `function` at its top level."""
        return self.body is not None and any(function in _bound_names(node) for node in self.body)


@dataclass(frozen=True)
class Program:
    """What runs to get an answer: definitions from the rest of the notebook, then the answer's own cell.

    Attributes:
        function: the name of the function to call afterwards.
        definitions: statements from other cells, each run by itself: if one fails, the others still run.
        answer: the source of the answer cell.
    """

    function: str
    definitions: tuple[str, ...]
    answer: str


@dataclass(frozen=True)
class Unreadable:
    """Why there is no program for a task."""

    reason: str


@dataclass(frozen=True)
class Submission:
    """The code cells of one notebook."""

    path: Path
    cells: tuple[Cell, ...]

    def answers_named(self):
        """Return the ids of all the tasks and questions that the cells' metadata names."""
        return {cell.answer for cell in self.cells if cell.answer}

    def program(self, task_id):
        """Return the `Program` that answers the task, or `Unreadable` with the reason.

        The cell marked as the answer counts. If it was left untouched, or its mark got lost, the last cell that
        defines the function does.
        """
        function = task_id.partition(".")[2]
        marked = [cell for cell in self.cells if cell.answer == task_id]
        defining = [cell for cell in self.cells if cell.defines(function)]
        written = [cell for cell in defining if not _is_untouched(cell, function)]
        candidates = [cell for cell in marked if cell in written or cell.body is None] or written or defining
        if not candidates:
            return Unreadable(_why_missing(task_id, function, marked, self.cells))
        cell = candidates[-1]
        if cell.body is None:
            return Unreadable(f"the cell of {function} has a syntax error: {cell.problem}")
        definitions = [
            ast.unparse(node)
            for other in self.cells
            if other is not cell and other.body is not None
            for node in _definitions(other.body, _imported_names(self.cells))
        ]
        return Program(function, tuple(definitions), cell.source)

    def choice(self, question_id):
        """Return the letter given to `answer("question_id", "letter")`: "" if left at `...`, None if no cell asks."""
        given = None
        for cell in self.cells:
            for node in ast.walk(ast.Module(list(cell.body or ()), [])):
                match node:
                    case ast.Call(
                        func=ast.Name(id="answer"), args=[ast.Constant(value=asked), ast.Constant(value=letter)]
                    ):
                        if asked == question_id:
                            given = letter if isinstance(letter, str) else ""
        return given


def read_notebook(path):
    """Return the `Submission` in a notebook file.

    Raises:
        SubmissionError: the file cannot be read, or is no notebook.
    """
    path = Path(path)
    try:
        notebook = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SubmissionError(f"{path} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:
        reason = "it is not text" if isinstance(error, UnicodeDecodeError) else "it is not JSON"
        raise SubmissionError(NOT_A_NOTEBOOK.format(path=path, reason=reason)) from None
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        raise SubmissionError(NOT_A_NOTEBOOK.format(path=path, reason="it has no list of cells"))
    return Submission(path, tuple(_read_cell(cell) for cell in cells if cell.get("cell_type") == "code"))


def _read_cell(cell):
    source = cell.get("source", "")
    source = "".join(map(str, source)) if isinstance(source, list) else str(source)
    metadata = cell.get("metadata")
    course = metadata.get("course") if isinstance(metadata, dict) else None
    marks = course if isinstance(course, dict) else {}
    answer = str(marks.get("answer") or marks.get("question") or "")
    source = _without_magics(source)
    try:
        return Cell(source, answer, tuple(ast.parse(source).body))
    except SyntaxError as error:
        line = (error.text or "").strip()
        return Cell(source, answer, None, f"{error.msg} (line {error.lineno}{f': {line}' if line else ''})")
    except (ValueError, RecursionError, MemoryError) as error:  # a null byte, nesting without end
        return Cell(source, answer, None, str(error) or type(error).__name__)


def _without_magics(source):
    """Return the source with IPython's magics (`%time`, `!ls`, `%%bash`) made comments, line numbers unchanged."""
    if re.match(r"\s*%%(?!time\b|timeit\b|capture\b)", source):
        return "\n".join("# " + line for line in source.splitlines())
    return re.sub(r"^(\s*)(%|!|\?)", r"\1pass  # \2", source, flags=re.MULTILINE)


def _is_untouched(cell, function):
    """Tell whether the function's body is still what the exercise came with: a docstring and `return ...`."""
    for node in cell.body:
        if isinstance(node, ast.FunctionDef) and node.name == function:
            statements = [s for s in node.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
            match statements:
                case [ast.Return(value=ast.Constant(value=value))]:
                    return value is ...
    return False


def _why_missing(task_id, function, marked, cells):
    if marked:
        names = sorted(name for node in marked[-1].body or () for name in _bound_names(node))
        found = f"it defines {', '.join(names)}" if names else "it defines nothing"
        return f"the answer cell does not define {function}: {found}. Keep the function's name."
    broken = [cell for cell in cells if cell.body is None and re.search(rf"\bdef\s+{function}\b", cell.source)]
    if broken:
        return f"the cell of {function} has a syntax error: {broken[-1].problem}"
    return f"no cell defines {function}: its cell was deleted or renamed. Copy it from a fresh exercise notebook."


def _definitions(body, imported):
    """Yield what only defines: imports, functions, classes, and assignments that call nothing but libraries."""
    for node in body:
        match node:
            case ast.Import() | ast.ImportFrom():
                if not _imports_grader(node):
                    yield node
            case ast.FunctionDef() | ast.ClassDef():
                yield node
            case ast.Assign() | ast.AnnAssign():
                if all(_calls_library(call, imported) for call in ast.walk(node) if isinstance(call, ast.Call)):
                    yield node


def _imports_grader(node):
    modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
    return any(module.split(".")[0] == "grader" for module in modules)


def _imported_names(cells):
    return {
        (alias.asname or alias.name).split(".")[0]
        for cell in cells
        for node in cell.body or ()
        if isinstance(node, ast.Import)
        for alias in node.names
    }


def _calls_library(call, imported):
    root = call.func
    while isinstance(root, ast.Attribute):
        root = root.value
    return isinstance(root, ast.Name) and root.id in imported


def _bound_names(node):
    match node:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}
        case ast.Assign(targets=targets):
            return {target.id for target in targets if isinstance(target, ast.Name)}
    return set()
