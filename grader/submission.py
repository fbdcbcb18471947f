"""Reads a submitted notebook: which cell answers which task. Parses only; nothing here runs a learner's code."""

import ast
import functools
import json
import re
from dataclasses import dataclass, replace

from grader.handed_in import SubmissionError
from grader.program import Program
from grader.slicing import bound_names, reached

LONGEST_LINE = 200  # characters of a line that is quoted
NOT_A_NOTEBOOK = "{name} is no Jupyter notebook ({reason}). Hand in the .ipynb file as JupyterLab saves it."


@dataclass(frozen=True)
class Cell:
    """A code cell: its source, what its metadata says it answers, its parsed body (None after a syntax error), and the
    choices that were clicked in its output, by question."""

    source: str
    answer: str
    body: tuple[ast.stmt, ...] | None
    problem: str = ""
    clicked: tuple[tuple[str, str], ...] = ()

    def defines(self, function):
        """Tell whether this cell gives `function` a meaning outside its functions and classes."""
        return function in self._bound

    @functools.cached_property
    def _bound(self):
        """All names that the cell gives a meaning: it is asked about many functions."""
        return frozenset().union(*map(bound_names, self.body or ()))

    @functools.cached_property
    def answers(self):
        """The arguments, by name, of every call of `answer` in the cell, in the order of `ast.walk`."""
        found = []
        for node in ast.walk(ast.Module(list(self.body or ()), [])):
            match node:
                case ast.Call(func=ast.Name(id="answer"), args=positional, keywords=keywords):
                    arguments = dict(zip(("question_id", "letter"), positional, strict=False))
                    found.append(arguments | {keyword.arg: keyword.value for keyword in keywords})
        return found


@dataclass(frozen=True)
class Unreadable:
    """Why there is no program for a task."""

    reason: str


@dataclass(frozen=True)
class Submission:
    """The code cells of one notebook, and what its metadata says that it was handed out as."""

    name: str
    cells: tuple[Cell, ...]
    origin: str = ""

    def answers_named(self):
        """Return the ids of all the tasks and questions that the cells' metadata names."""
        return {cell.answer for cell in self.cells if cell.answer}

    def program(self, task_id, earlier=(), module=""):
        """Return the `Program` that answers the task, or `Unreadable` with the reason.

        The cell marked as the answer counts. If it was left untouched, or its mark got lost, the last cell that
        defines the function does.

        Args:
            task_id: the task.
            earlier: the ids of tasks whose answers the program takes from `module`, wherever their cells define them:
                a mistake there is not paid for again.
            module: the name of that module.
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
        place = next(number for number, one in enumerate(self.cells) if one is cell)
        above, below = _around([_without_earlier(one, earlier, module) for one in self.cells], place)
        try:
            used = tuple(reached(above, below, cell.body, cell.source))
            return Program(function, used, cell.source, untouched=_is_untouched(cell, function))
        except (RecursionError, SyntaxError, ValueError, MemoryError) as error:
            # Nesting without end; two arguments of one name; a number of more digits than Python writes.
            return Unreadable(f"the cell of {function} cannot be run: {error}")

    def choice(self, question_id):
        """Return the letter given to `answer("question_id", "letter")`; where that was left at `...`, the one that was
        clicked in the page, "" if none was. None if no cell asks."""
        given = None
        clicked = dict(pair for cell in self.cells for pair in cell.clicked).get(question_id, "")
        for arguments in (arguments for cell in self.cells for arguments in cell.answers):
            if _value(arguments.get("question_id")) == question_id:
                given = _letter(arguments.get("letter")) or clicked
        return given


def read_notebook(name, data):
    """Return the `Submission` in the bytes of a notebook file, which a report calls `name`.

    Raises:
        SubmissionError: they are no notebook.
    """
    try:
        notebook = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        reason = "it is not text" if isinstance(error, UnicodeDecodeError) else "it is not JSON"
        raise SubmissionError(NOT_A_NOTEBOOK.format(name=name, reason=reason)) from None
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        raise SubmissionError(NOT_A_NOTEBOOK.format(name=name, reason="it has no list of cells"))
    metadata = notebook.get("metadata")
    course = metadata.get("course") if isinstance(metadata, dict) else None
    origin = str(course.get("notebook") or "") if isinstance(course, dict) else ""
    return Submission(name, cells_of(notebook), origin)


def cells_of(notebook):
    """Return the code cells of a notebook, given as nested dictionaries, as `Cell`s."""
    return tuple(_read_cell(cell) for cell in notebook["cells"] if cell.get("cell_type") == "code")


def _read_cell(cell):
    source = cell.get("source", "")
    source = "".join(map(str, source)) if isinstance(source, list) else str(source)
    metadata = cell.get("metadata")
    course = metadata.get("course") if isinstance(metadata, dict) else None
    marks = course if isinstance(course, dict) else {}
    answer = str(marks.get("answer") or marks.get("question") or "")
    clicked = tuple(_clicked(cell.get("outputs")))
    try:
        return Cell(source, answer, tuple(ast.parse(source).body), clicked=clicked)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        source = _without_magics(source)  # a second try only: in plain Python, a line may well begin with %
    try:
        return Cell(source, answer, tuple(ast.parse(source).body))
    except SyntaxError as error:
        line = (error.text or "").strip()[:LONGEST_LINE]
        return Cell(source, answer, None, f"{error.msg} (line {error.lineno}{f': {line}' if line else ''})")
    except (ValueError, RecursionError, MemoryError) as error:  # a null byte, nesting without end
        return Cell(source, answer, None, str(error) or type(error).__name__)


def _clicked(outputs):
    """Yield what was chosen by a click, as `workbook.questions` stores it: (question, letter)."""
    for output in outputs if isinstance(outputs, list) else ():
        metadata = output.get("metadata") if isinstance(output, dict) else None
        match metadata.get("course") if isinstance(metadata, dict) else None:
            case {"question": str(question), "chose": str(letter)}:
                yield question, letter


# A line that begins with %, ! or ?; one that ends in ?; an assignment of a magic's or a command's output.
MAGIC = re.compile(r"^([ \t]*)([%!?]|[\w.]+\?\??[ \t]*$|[\w,][\w, \t]*=[ \t]*[%!])", re.MULTILINE)


def _without_magics(source):
    """Return the source with IPython's magics (`%time`, `!ls`, `%%bash`) made comments, line numbers unchanged."""
    if re.match(r"\s*%%(?!time\b|timeit\b|prun\b|capture\b)", source):
        return "\n".join("# " + line for line in source.splitlines())
    return MAGIC.sub(r"\1pass  # \2", source)


def _is_untouched(cell, function):
    """Tell whether the function's body is still what the exercise came with: a docstring and `return ...`; of a class,
    the bodies of all its functions, `super().__init__()` and `...` aside."""
    for node in cell.body:
        if isinstance(node, ast.FunctionDef) and node.name == function:
            return _returns_dots(node)
        if isinstance(node, ast.ClassDef) and node.name == function:
            functions = [one for one in node.body if isinstance(one, ast.FunctionDef)]
            begun = [one for one in functions if one.name != "__init__"]
            return bool(begun) and all(map(_returns_dots, begun))
    return False


def _returns_dots(function):
    statements = [s for s in function.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
    match statements:
        case [ast.Return(value=ast.Constant(value=value))]:
            return value is ...
    return False


def _why_missing(task_id, function, marked, cells):
    if marked:
        names = sorted(name for node in marked[-1].body or () for name in bound_names(node))
        found = f"it defines {', '.join(names)}" if names else "it defines nothing"
        return f"the answer cell does not define {function}: {found}. Keep the function's name."
    broken = [cell for cell in cells if cell.body is None and re.search(rf"\bdef\s+{function}\b", cell.source)]
    if broken:
        return f"the cell of {function} has a syntax error: {broken[-1].problem}"
    return f"no cell defines {function}: its cell was deleted or renamed. Copy it from a fresh exercise notebook."


def _without_earlier(cell, earlier, module):
    """Return a cell that answers an earlier task with an import in the place of the answer."""
    if cell.answer not in earlier or cell.body is None:
        return cell
    name = cell.answer.partition(".")[2]
    instead = ast.parse(f"from {module} import {name}").body[0]
    is_answer = [isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name for node in cell.body]
    return replace(cell, body=tuple(instead if its else node for its, node in zip(is_answer, cell.body, strict=True)))


def _around(cells, place):
    """Return the statements of the cells above the answer's, and of those below it."""
    return [[node for cell in part for node in cell.body or ()] for part in (cells[:place], cells[place + 1 :])]


def _value(node):
    return node.value if isinstance(node, ast.Constant) else None


def _letter(node):
    """Return what was chosen: a letter, or "" for none. Anything but a text comes in parentheses: it is no letter."""
    if isinstance(_value(node), str):
        return _value(node)
    open_yet = node is None or (isinstance(node, ast.Constant) and node.value in (None, ...))
    try:
        return "" if open_yet else f"({ast.unparse(node)})"
    except (ValueError, RecursionError):  # a number of more digits than Python writes; nesting without end
        return "(...)"
