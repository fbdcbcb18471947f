"""The child process: runs one answer on the inputs it is handed and gives back what came out. It knows no answers.

Started by `runner.py`, which hands it a folder. It holds request.npz (the program) and
inputs-000.npz, inputs-001.npz, ... (the cases); the worker adds the file `ready` once the libraries are loaded, then
reply-000.npz, ... one by one, so that what was finished before a crash or a time-out is not lost.

`run_case` and `load_answer` serve a learner's own notebook too.
"""

import ast
import contextlib
import importlib
import inspect
import linecache
import os
import sys
import traceback
import warnings
from pathlib import Path

import numpy as np

from grader.reply import Reply, to_bytes, unpack
from grader.submission import Program

LARGEST_RESULT = 32 * 2**20  # bytes; the largest expected result of any task is below a thousandth of this
ANSWER_FILE = "<answer>"
LIBRARIES = (sys.base_prefix, str(Path(__file__).parents[1] / "course_lib"), "<__array")  # how their files' names begin


def main(folder):
    """Run the request in `folder`; each case's reply is written before the next case starts."""
    folder = Path(folder)
    header, _ = unpack((folder / "request.npz").read_bytes())
    program = Program(header["function"], tuple(header["definitions"]), header["answer"])
    for name in header["preload"]:
        with contextlib.suppress(ImportError):  # then the answer's own import says so
            importlib.import_module(name)
    _limit_memory(header["memory"])
    _hide_the_judge()
    _put(folder / "ready", b"")
    function, failure = load_answer(program)
    for path in sorted(folder.glob("inputs-*.npz")):
        order, arrays = unpack(path.read_bytes())
        inputs = {name: arrays.get(name, value) for name, value in order.items()}
        reply = failure or run_case(function, inputs, header["finished"], header["library"])
        _put(folder / path.name.replace("inputs", "reply"), to_bytes(reply))


def load_answer(program):
    """Run the program's definitions and its answer cell; return (function, None) or (None, the `Reply` that says why).

    A statement that fails beside the function (a print of a variable from another cell) does not matter, as long as the
    function is there afterwards.
    """
    namespace = {"__name__": "answer", "check": _silent, "hint": _silent, "answer": _silent, "display": _silent}
    for number, definition in enumerate(program.definitions):
        filename = f"<definition {number}>"
        _keep_source(filename, definition)
        with contextlib.suppress(Exception, SystemExit):
            exec(compile(definition, filename, "exec"), namespace)
    namespace.pop(program.function, None)
    _keep_source(ANSWER_FILE, program.answer)
    failure = None
    for node in ast.parse(program.answer).body:
        try:
            exec(compile(ast.Module([node], []), ANSWER_FILE, "exec"), namespace)
        except (Exception, SystemExit) as error:
            failure = failure or _raised(error)
    function = namespace.get(program.function)
    if callable(function):
        return function, None
    missing = Reply("raised", error="NameError", message=f"{program.function} is not a function")
    return None, failure or missing


def _keep_source(filename, source):
    """Let tracebacks find the lines of source that is in no file."""
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)


def run_case(function, inputs, finished=(), library="numpy"):
    """Call the answer on copies of the inputs and return the `Reply`.

    Args:
        function: the learner's function; called with the inputs by position.
        inputs: arguments by name; not changed, whatever the function does.
        finished: dotted names of finished things; those that get called are named in the reply.
        library: "numpy", or "torch" for tensors in the place of arrays.
    """
    copies = copy_inputs(inputs)
    with _watching(finished) as called, warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # an overflow shows in the numbers; a warning is no error
        try:
            result = function(*in_library(copies, library).values())
            if result is ...:
                return Reply("untouched")
            value, kind, dtype = _as_array(result)  # a sparse tensor refuses, and so may whatever else came back
        except KeyboardInterrupt:
            raise  # someone at the keyboard waits for it
        except BaseException as error:
            # PyTorch raises NotImplementedError, too, but always with a text.
            return Reply("untouched") if isinstance(error, NotImplementedError) and not error.args else _raised(error)
    after = {name: value for name, value in copies.items() if isinstance(value, np.ndarray)}
    return Reply("returned", value=value, kind=kind, dtype=dtype, after=after, called=tuple(sorted(called)))


def copy_inputs(inputs):
    """Return the inputs with every array copied, for a function that might write into them."""
    return {name: value.copy() if isinstance(value, np.ndarray) else value for name, value in inputs.items()}


def in_library(inputs, library):
    """Return the inputs as an answer gets them: for "torch", tensors that share the arrays' memory."""
    if library == "numpy":
        return inputs
    import torch

    return {name: torch.from_numpy(value) if isinstance(value, np.ndarray) else value for name, value in inputs.items()}


def _as_array(result):
    """Return (array or None, name of the type, name of the dtype) of what an answer returned."""
    kind = type(result).__name__[:100]
    if isinstance(result, getattr(sys.modules.get("torch"), "Tensor", ())):
        dtype = str(result.dtype).removeprefix("torch.")
        array = (result.float() if dtype == "bfloat16" else result).numpy(force=True)
    elif isinstance(result, np.ndarray | np.generic | bool | int | float) and not np.ma.is_masked(result):
        array = np.asarray(result)
        dtype = array.dtype.name
    else:
        return None, kind, ""
    fits = array.dtype.kind in "biufc" and array.nbytes <= LARGEST_RESULT
    return np.array(array) if fits else None, kind, dtype


def _raised(error):
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not _is_library(frame.filename)]
    line = frames[-1].line or "" if frames else ""
    try:
        message, text = str(error)[:2000], "".join(traceback.format_exception(error))[-20_000:]
    except Exception:
        message, text = "its text cannot be shown", ""
    return Reply("raised", error=type(error).__name__[:100], message=message, line=line.strip()[:500], traceback=text)


def _is_library(filename):
    return "site-packages" in filename or filename == __file__ or filename.startswith(LIBRARIES)


@contextlib.contextmanager
def _watching(names):
    """Collect which of the named functions get called, under whatever name the answer holds them."""
    called = set()
    watched = {id(_identity(found)): name for name in names if (found := _find(name)) is not None}
    if not watched:
        yield called
        return

    def note(frame, event, argument):
        if event == "call":
            name = watched.get(id(frame.f_code))
        elif event == "c_call":
            name = watched.get(id(argument)) or watched.get(id(_method_behind(argument)))
        else:
            return
        if name:
            called.add(name)

    previous = sys.getprofile()
    sys.setprofile(note)
    try:
        yield called
    finally:
        sys.setprofile(previous)


def _find(dotted):
    """Return the object with this dotted name, or None while its library is not loaded: then nobody can call it."""
    parts = dotted.split(".")
    for length in range(len(parts) - 1, 0, -1):
        found = sys.modules.get(".".join(parts[:length]))
        if found is not None:
            for part in parts[length:]:
                found = getattr(found, part, None)
            return found
    return None


def _identity(function):
    """Return what the profiler shows of a function: the code object of a Python function, a C function itself.

    Of a decorated one it is that of the function inside: one wrapper may serve many, as PyTorch's `no_grad` does.
    """
    inner = inspect.unwrap(function)
    return getattr(inner, "__code__", inner)


def _method_behind(bound):
    """Return the method descriptor of a bound C method, such as torch.Tensor.softmax for `scores.softmax`."""
    owner = getattr(bound, "__self__", None)
    return None if owner is None else getattr(type(owner), getattr(bound, "__name__", ""), None)


def _limit_memory(limit):
    """Let this process grow by `limit` bytes from here, and write no large files.

    Linux holds a process to both. macOS and Windows have no such limit on memory: there, grade only what you trust.
    """
    try:
        import resource
    except ImportError:
        return
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_FSIZE, (2 * LARGEST_RESULT, 2 * LARGEST_RESULT))
    with contextlib.suppress(OSError, ValueError):
        used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + limit, used + limit))


def _hide_the_judge():
    """Make the rest of the grader unimportable: an answer has no business with expected values."""
    sys.meta_path.insert(0, _NoGrader)


class _NoGrader:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.startswith("grader."):
            raise ImportError(f"{name} is not available while an answer is judged")


def _silent(*_, **__):
    """Stand in for check(), hint() and answer() inside an answer cell."""


def _put(path, data):
    """Write a file so that the parent sees all of it or nothing."""
    partial = path.with_suffix(".partial")
    partial.write_bytes(data)
    os.replace(partial, path)
