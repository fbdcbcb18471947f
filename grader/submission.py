"""Reads a submitted notebook: which cell answers which task. Parses only; nothing here runs a learner's code."""

import ast
import builtins
import json
import re
import symtable
from dataclasses import dataclass
from pathlib import Path

from grader.program import SILENT, Program

LARGEST_FILE = 100 * 2**20  # bytes; a notebook full of pictures has a few million
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
        """Tell whether this cell gives `function` a meaning outside its functions and classes."""
        return self.body is not None and any(function in _bound_names(node) for node in self.body)


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
        above, below = _around(self.cells, cell)
        try:
            return Program(function, tuple(_reached(above, below, cell)), cell.source)
        except (RecursionError, SyntaxError) as error:  # nesting without end; two arguments of one name
            return Unreadable(f"the cell of {function} cannot be run: {error}")

    def choice(self, question_id):
        """Return the letter given to `answer("question_id", "letter")`: "" if left at `...`, None if no cell asks."""
        given = None
        for cell in self.cells:
            for node in ast.walk(ast.Module(list(cell.body or ()), [])):
                match node:
                    case ast.Call(func=ast.Name(id="answer"), args=positional, keywords=keywords):
                        arguments = dict(zip(("question_id", "letter"), positional, strict=False))
                        arguments |= {keyword.arg: keyword.value for keyword in keywords}
                        if _value(arguments.get("question_id")) == question_id:
                            given = _letter(arguments.get("letter"))
        return given


def read_notebook(path):
    """Return the `Submission` in a notebook file.

    Raises:
        SubmissionError: the file cannot be read, or is no notebook.
    """
    path = Path(path)
    try:
        if path.exists() and not path.is_file():
            raise SubmissionError(f"{path} is no file.")
        if path.stat().st_size > LARGEST_FILE:
            raise SubmissionError(f"{path} is larger than {LARGEST_FILE // 2**20} MiB. Clear its outputs and save it.")
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
    try:
        return Cell(source, answer, tuple(ast.parse(source).body))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        source = _without_magics(source)  # a second try only: in plain Python, a line may well begin with %
    try:
        return Cell(source, answer, tuple(ast.parse(source).body))
    except SyntaxError as error:
        line = (error.text or "").strip()
        return Cell(source, answer, None, f"{error.msg} (line {error.lineno}{f': {line}' if line else ''})")
    except (ValueError, RecursionError, MemoryError) as error:  # a null byte, nesting without end
        return Cell(source, answer, None, str(error) or type(error).__name__)


# A line that begins with %, ! or ?; one that ends in ?; an assignment of a magic's or a command's output.
MAGIC = re.compile(r"^([ \t]*)([%!?]|[\w.]+\?\??[ \t]*$|[\w,][\w, \t]*=[ \t]*[%!])", re.MULTILINE)


def _without_magics(source):
    """Return the source with IPython's magics (`%time`, `!ls`, `%%bash`) made comments, line numbers unchanged."""
    if re.match(r"\s*%%(?!time\b|timeit\b|prun\b|capture\b)", source):
        return "\n".join("# " + line for line in source.splitlines())
    return MAGIC.sub(r"\1pass  # \2", source)


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


def _around(cells, answer):
    """Return the statements of the cells above the answer's, and of those below it."""
    place = next(number for number, cell in enumerate(cells) if cell is answer)
    return [[node for cell in part for node in cell.body or ()] for part in (cells[:place], cells[place + 1 :])]


def _reached(above, below, answer):
    """Return the source of the statements that make what the answer uses, and of what these use in turn.

    A notebook is read as it runs, from top to bottom: what stands above the answer's cell counts, with all that changes
    it later on. What stands below serves where nothing above gives a name a meaning, for whoever ran it first. The
    rest of a notebook may be slow, or without end, or no one's business but its own cell's.
    """
    wanted = _global_names(answer.source) | {"*"}
    found = _slice(above, wanted)
    made = {name for node in (*found, *answer.body) for name in _bound_names(node)}
    missing = wanted.union(*map(_global_names, found.values())) - made - set(dir(builtins))
    later = {} if "*" in made else _slice(below, missing)
    return [*found.values(), *later.values()]


def _slice(statements, wanted):
    """Return the statements that give the `wanted` names a meaning or change it, in order, each with its source.

    What they use is wanted, too.
    """
    touched = _touched_names(statements)
    found, wanted = {}, set(wanted)
    while new := [node for node, names in touched.items() if node not in found and wanted & names]:
        found |= {node: ast.unparse(node) for node in new}
        wanted |= {name for node in new for name in _global_names(found[node])}
    return {node: found[node] for node in statements if node in found}


def _touched_names(statements):
    """Return for each statement the names that it gives a meaning or may change: `x = 1`, `x += 1`, `x[0] = 1`,
    `x.append(1)`, `fill(x)`, and `fill()` where that function changes x.

    What a call may change is data: a module or a function that is called, or handed over, is what it was.
    """
    bound = {node: _bound_names(node) for node in statements}
    data = {name for node, names in bound.items() if not isinstance(node, DEFINING) for name in names}
    data |= {node.name for node in statements if isinstance(node, ast.ClassDef)}
    effects = _effects([node for node in statements if isinstance(node, FUNCTION)])
    touched = {}
    for node, names in bound.items():
        parts = list(_parts(node, inside=isinstance(node, ast.ClassDef)))
        called = set().union(*(effects.get(name, ()) for name in _called(parts)))
        touched[node] = names | _stored_into(parts) | ((_handed_over(parts) | called) & data)
    return touched


def _effects(functions):
    """Return for each function the names outside it that a call of it may change, by itself or by what it calls."""
    effects, calls = {}, {}
    for node in functions:
        parts = [part for statement in node.body for part in ast.walk(statement)]
        declared = {name for part in parts if isinstance(part, ast.Global) for name in part.names}
        stored = {p.id for p in parts if isinstance(p, ast.Name) and not isinstance(p.ctx, ast.Load)}
        local = ({part.arg for part in ast.walk(node.args) if isinstance(part, ast.arg)} | stored) - declared
        effects[node.name] = (_stored_into(parts) | _handed_over(parts) | (stored & declared)) - local
        calls[node.name] = _called(parts) & {other.name for other in functions}
    while True:
        further = {name: changed.union(*map(effects.get, calls[name])) for name, changed in effects.items()}
        if further == effects:
            return effects
        effects = further


FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef
DEFINING = ast.Import | ast.ImportFrom | FUNCTION | ast.ClassDef

# Calls that show what they are given and change nothing.
HARMLESS = {
    *SILENT,
    "print",
    "len",
    "type",
    "repr",
    "str",
    "isinstance",
    "sum",
    "min",
    "max",
    "range",
    "enumerate",
    "zip",
}


def _parts(node, *, inside=True):
    """Yield a statement and its parts, but for the bodies of functions, which run when they are called, and the names
    that a comprehension keeps to itself. Not `inside`: the bodies of classes neither."""
    waiting = [node]
    while waiting:
        part = waiting.pop()
        yield part
        match part:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                waiting += part.decorator_list
            case ast.Lambda():
                pass
            case ast.ClassDef() if not inside:
                waiting += part.decorator_list
            case ast.comprehension():
                waiting += [part.iter, *part.ifs]
            case ast.AnnAssign(value=None):
                pass
            case _:
                waiting += ast.iter_child_nodes(part)


def _bound_names(node):
    """Return the names that a statement gives a meaning, but for what is local to its functions and classes."""
    names = set()
    for part in _parts(node, inside=False):
        match part:
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                names |= {(alias.asname or alias.name).split(".")[0] for alias in aliases}
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                names.add(name)
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.ExceptHandler(name=str(name)):
                names.add(name)
    return names


def _stored_into(parts):
    """Return the names whose items or attributes are stored or deleted."""
    kinds, changing = ast.Attribute | ast.Subscript, ast.Store | ast.Del
    return {_root(part) for part in parts if isinstance(part, kinds) and isinstance(part.ctx, changing)} - {None}


def _handed_over(parts):
    """Return the names that a method is called of, or that a call is given."""
    names = set()
    for part in parts:
        match part:
            case ast.Call(func=ast.Name(id=name)) if name in HARMLESS:
                continue
            case ast.Call(func=function, args=positional, keywords=keywords):
                given = [*positional, *(keyword.value for keyword in keywords)]
                names |= {_root(value) for value in given}
                names |= {_root(function)} if isinstance(function, ast.Attribute) else set()
    return names - {None}


def _called(parts):
    """Return the names of the functions that are called, decorators among them."""
    functions = [part.func for part in parts if isinstance(part, ast.Call)]
    functions += [d for part in parts if isinstance(part, FUNCTION | ast.ClassDef) for d in part.decorator_list]
    return {function.id for function in functions if isinstance(function, ast.Name)}


def _root(node):
    """Return the name that `x`, `x.y`, `x[0]` and `*x` begin with, or None."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def _global_names(source):
    """Return the names that a piece of source takes from the notebook: all that are not local to its functions."""
    tables, names = [symtable.symtable(source, "<notebook>", "exec")], set()
    while tables:
        table = tables.pop()
        names |= {s.get_name() for s in table.get_symbols() if s.is_global() or table.get_type() == "module"}
        tables += table.get_children()
    return names


def _value(node):
    return node.value if isinstance(node, ast.Constant) else None


def _letter(node):
    """Return what was chosen: a letter, or "" for none. Anything but a text comes in parentheses: it is no letter."""
    if isinstance(_value(node), str):
        return _value(node)
    open_yet = node is None or (isinstance(node, ast.Constant) and node.value in (None, ...))
    return "" if open_yet else f"({ast.unparse(node)})"
