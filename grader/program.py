"""What runs to get an answer out of a notebook: the statements it needs, then its own cell."""

import ast
import contextlib
import linecache
import sys
import types
from dataclasses import dataclass

from grader.call import raised
from grader.contract import BrokenError
from grader.reply import Reply

ANSWER_FILE = "<answer>"
PART_FILE = "<part"  # the beginning of the names of files that hold parts, whose lines are not the answer's
SILENT = ("check", "hint", "answer", "display")  # what a cell calls beside its answer, and what shows nothing here


@dataclass(frozen=True)
class Program:
    """An answer, as source.

    Attributes:
        function: the name of the function to call afterwards.
        statements: what the answer uses from other cells, in their order. Each is run by itself: if one fails, the
            others still run.
        answer: the source of the answer cell.
        modules: (name, source) of modules that it may import and that are in no file, in the order of their loading.
        refused: names in the last of these modules that are there and refuse: what is asked for, and what comes later.
        untouched: whether the answer cell is as it was given out: there is nothing to run.
    """

    function: str
    statements: tuple[str, ...]
    answer: str
    modules: tuple[tuple[str, str], ...] = ()
    refused: tuple[str, ...] = ()
    untouched: bool = False


def load(program, own=()):
    """Run a program; return (function, None) or (None, the `Reply` that says why there is none).

    A statement that fails beside the function (a print of a variable that is not there) does not matter, as long as
    the function is there afterwards. The program runs as the module `__main__`, as in a notebook.
    """
    module = sys.modules["__main__"] = types.ModuleType("__main__")
    namespace = vars(module)
    namespace.update(dict.fromkeys(SILENT, _silent))
    for number, statement in enumerate(program.statements):
        filename = f"<statement {number}>"
        _keep_source(filename, statement)
        with contextlib.suppress(Exception, SystemExit):
            exec(compile(statement, filename, "exec"), namespace)
    namespace.pop(program.function, None)
    _keep_source(ANSWER_FILE, program.answer)
    failure = None
    for node in ast.parse(program.answer).body:
        try:
            exec(compile(ast.Module([node], []), ANSWER_FILE, "exec"), namespace)
        except (Exception, SystemExit) as error:
            failure = failure or raised(error, own)
    function = namespace.get(program.function)
    if callable(function):
        return function, None
    missing = Reply("raised", error="NameError", message=f"{program.function} is not a function")
    return None, failure or missing


def provide(modules, refused=()):
    """Make modules of source importable, and put what refuses into the last of them.

    Raises:
        BrokenError: one of them, a learner's own, does not load.
    """
    for name, source in modules:
        package, _, _ = name.rpartition(".")
        if package and package not in sys.modules:
            sys.modules[package] = types.ModuleType(package)
            sys.modules[package].__path__ = []
        module = sys.modules[name] = types.ModuleType(name)
        filename = f"{PART_FILE} {name}>"
        _keep_source(filename, source)
        try:
            exec(compile(source, filename, "exec"), vars(module))
        except (Exception, SystemExit) as error:
            raise BrokenError(f"{name}.py stops with {type(error).__name__} as it is loaded: {error}") from None
    for each in refused:
        setattr(sys.modules[modules[-1][0]], each, refusing(each, modules[-1][0]))


def part_of(module, name):
    """Return a class of a module of parts.

    Raises:
        BrokenError: it has none of that name.
    """
    found = getattr(sys.modules[module], name, None)
    if not isinstance(found, type):
        raise BrokenError(f"{module}.py has no class {name}.")
    return found


def refusing(name, module):
    """Return what stands for a part that an answer cannot use: called, it says so."""

    def part(*_, **__):
        raise BrokenError(
            f"Your answer calls `{name}` of {module}. It is what is asked for here, or comes later, so while this task "
            f"is judged it is not there: build with the parts before it."
        )

    return part


def _keep_source(filename, source):
    """Let tracebacks find the lines of source that is in no file."""
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)


def _silent(*_, **__):
    """Stand in for what a notebook offers beside the answer."""
