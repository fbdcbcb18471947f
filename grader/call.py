"""Calls an answer on the inputs of one case: in the child while grading, in a learner's own notebook while checking."""

import contextlib
import functools
import inspect
import sys
import traceback
import types
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from grader.building import Build, run
from grader.contract import BrokenError
from grader.failing_line import where_it_raised
from grader.reply import Reply
from grader.wire import fits, name_of

ROOM = 2**20  # bytes that a result may always have; one that is larger than this and than expected is told by its shape


@dataclass(frozen=True)
class Terms:
    """How an answer is called.

    Attributes:
        library: "numpy", or "torch" for tensors in the place of arrays.
        finished: dotted names of finished things; those that get called are named in the reply.
        own: packages that the line that raised is never in: they are the course's, not the learner's.
        build: how the inputs become a module and a call of it; None where the answer is called with the inputs.
        module_class: the class of that module, where the answer is not it.
        reuse: whether one module may serve several calls: those of the judge's own functions.
    """

    library: str = "numpy"
    finished: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    build: Build | None = None
    module_class: type | None = None
    reuse: bool = False


NUMPY = Terms()
_set_profile = sys.setprofile  # kept, because an answer that is graded finds another one there


def run_case(function, inputs, terms=NUMPY, *, largest=ROOM):
    """Call the answer on copies of the inputs and return the `Reply`.

    Args:
        function: the learner's function; called with the inputs by position.
        inputs: arguments by name; not changed, whatever the function does.
        terms: the `Terms`.
        largest: bytes of the largest result that is looked at.
    """
    copies = copy_inputs(inputs)
    layouts = {name: (copy.shape, copy.strides) for name, copy in copies.items() if isinstance(copy, np.ndarray)}
    arguments = in_library(copies, terms.library)
    with _watching(terms.finished) as called, warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # an overflow shows in the numbers; a warning is no error
        try:
            if terms.build is None:
                result = function(*arguments.values())
            else:
                result = run(function, arguments, terms.build, terms.module_class, reuse=terms.reuse)
            if result is ...:
                return Reply("untouched")
            found = _as_array(result, largest)  # a sparse tensor refuses, and so may whatever else came back
        except KeyboardInterrupt:
            raise  # someone at the keyboard waits for it
        except BrokenError as error:
            return Reply("broken", message=str(error))
        except BaseException as error:
            # PyTorch raises NotImplementedError, too, but always with a text.
            untouched = isinstance(error, NotImplementedError) and not error.args
            return Reply("untouched") if untouched else raised(error, terms.own)
    after = {name: _left(arguments[name], layout) for name, layout in layouts.items()}
    return Reply("returned", **found, after=after, called=tuple(sorted(called)))


def returned(result, largest=ROOM):
    """Return the `Reply` for something computed here."""
    return Reply("returned", **_as_array(result, largest))


def in_process(function, terms) -> Callable[..., Reply]:
    """Return what the judge calls for each case when the answer runs in this very process."""
    return lambda inputs, largest: run_case(function, inputs, terms, largest=largest)


def copy_inputs(inputs):
    """Return the inputs with every array copied, for a function that might write into them."""
    return {name: value.copy() if isinstance(value, np.ndarray) else value for name, value in inputs.items()}


def in_library(inputs, library):
    """Return the inputs with tensors in the place of arrays if the library is "torch"; they share memory."""
    if library == "numpy":
        return inputs
    import torch

    return {name: torch.from_numpy(value) if isinstance(value, np.ndarray) else value for name, value in inputs.items()}


def raised(error, own=()):
    """Return the `Reply` that tells an exception by the learner's own line, not by the library's that it came from."""
    line, operands = where_it_raised(error, own)
    try:
        message, text = str(error)[:2000], "".join(traceback.format_exception(error))[-20_000:]
    except Exception:
        message, text = "its text cannot be shown", ""
    kind = type(error).__name__[:100]
    return Reply("raised", error=kind, message=message, line=line, operands=operands, traceback=text)


def _as_array(result, largest):
    """Return the fields of a reply for what an answer returned."""
    kind, library = "tuple" if isinstance(result, tuple) else type(result).__name__[:100], ""
    if isinstance(result, getattr(sys.modules.get("torch"), "Tensor", ())):
        library = "torch"
        dtype = str(result.dtype).removeprefix("torch.")
        array = (result.float() if dtype == "bfloat16" else result).numpy(force=True)
    elif isinstance(result, np.ndarray | np.generic | bool | int | float) and not np.ma.is_masked(result):
        library = "numpy" if isinstance(result, np.ndarray | np.generic) else ""
        array = np.asarray(result)
        dtype = name_of(array.dtype)
    else:
        return {"kind": kind}
    value = np.array(array) if fits(array) and array.nbytes <= largest else None
    shape = array.shape if fits(array) else None
    return {"value": value, "kind": kind, "library": library, "dtype": dtype, "shape": shape}


def _left(argument, layout):
    """Return an input as the answer left it; None if it is no longer laid out as it was, or is no array of numbers."""
    now = argument if isinstance(argument, np.ndarray) else argument.detach().numpy()
    return now if (now.shape, now.strides) == layout and fits(now) else None


@contextlib.contextmanager
def _watching(names):
    """Collect which of the named functions get called, under whatever name the answer holds them."""
    called = set()
    watched = {
        id(_identity(found)): name for name in names for door in _doors(name) if (found := _find(door)) is not None
    }
    if not watched:
        yield called
        return

    inside = None  # the frame of a finished thing: what it calls itself is not the answer's doing

    def note(frame, event, argument):
        nonlocal inside
        if inside is not None:
            inside = None if event == "return" and frame is inside else inside
            return
        if event == "call":
            name = watched.get(id(frame.f_code))
            if name is None and frame.f_code.co_name == "__call__":
                name = next(
                    (watched[id(one)] for one in _operators(frame.f_locals.get("self")) if id(one) in watched), None
                )
        elif event == "c_call":
            name = watched.get(id(argument)) or watched.get(id(_method_behind(argument)))
        else:
            return
        if name:
            called.add(name)
            inside = frame if event == "call" else None

    previous = sys.getprofile()
    _set_profile(note)
    try:
        yield called
    finally:
        _set_profile(previous)


def refuse(names):
    """Let the named Python functions refuse, under every name that they have, from now on; return (a set that collects
    which of them get called all the same, the names of what cannot be changed and has to be watched).

    The code within them is replaced, so that nothing is left to be found. For a process that serves one answer.
    """
    called, left = set(), []
    for name in names:
        function = _inner(_find(name))
        if isinstance(function, types.FunctionType):
            outer = function.__code__.co_freevars  # names of the functions around it: their number has to stay
            function.__code__, function.__defaults__ = _refusing.__code__.replace(co_freevars=outer), None
            function.__kwdefaults__ = {"_refuse": functools.partial(_note, called, name)}
        else:
            left.append(name)
    return called, tuple(left)


def _refusing(*_, _refuse=None, **__):
    _refuse()


def _note(called, name):
    called.add(name)
    raise BrokenError(f"Your answer calls {name}: that is the finished thing. This task is about building it yourself.")


def _inner(found):
    return inspect.unwrap(found) if callable(found) else found


def _operators(called):
    """Yield an operator of torch.ops that is called, and the packet of overloads that it is one of."""
    if type(called).__module__ == "torch._ops":
        yield called
        yield getattr(called, "overloadpacket", called)


def _doors(dotted):
    """Yield the names under which something finished can be had: of PyTorch's there is an operator beneath as well."""
    yield dotted
    if dotted.startswith("torch."):
        operator = dotted.rpartition(".")[2]
        yield from (f"torch.ops.aten.{prefix}{operator}" for prefix in ("", "_", "native_"))


def _find(dotted):
    """Return the object with this dotted name, or None while its library is not loaded: then nobody can call it."""
    parts = dotted.split(".")
    for length in range(len(parts) - 1, 0, -1):
        found = sys.modules.get(".".join(parts[:length]))
        if found is not None:
            return functools.reduce(lambda owner, part: getattr(owner, part, None), parts[length:], found)
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
