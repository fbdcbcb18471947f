"""What comes back from running an answer on one case: plain data, and how it crosses to the judge."""

from dataclasses import dataclass, field

import numpy as np

from grader.failing_line import LONGEST, MOST, Operand
from grader.wire import WireError

STATUSES = ("returned", "raised", "untouched", "broken")


@dataclass(frozen=True)
class Reply:
    """One run of an answer on one case.

    Attributes:
        status: "returned", "raised", "untouched" (the answer still returns `...`), or "broken" (it is not what was
            asked for, whatever it computes: the message says why).
        value: the array returned; None where the result is no array, or is far larger than expected.
        kind: the type of what was returned, such as "ndarray" or "list".
        library: whose array came back, "numpy" or "torch"; "" for a plain number or anything else.
        dtype: the result's dtype by name ("bfloat16" has no NumPy array of its own).
        shape: the result's shape; None where it is no array.
        error: type of the exception, such as "ValueError".
        message: the exception's text.
        line: the learner's own expression that raised, or the line if it is no expression, as text.
        operands: the arrays and other plain values in that line, as `Operand`s.
        after: the array inputs as they are after the call; None for one that is no longer such an array.
        called: the finished things that the answer called, by dotted name.
        traceback: for whoever asks for it.
    """

    status: str
    value: np.ndarray | None = None
    kind: str = ""
    library: str = ""
    dtype: str = ""
    shape: tuple[int, ...] | None = None
    error: str = ""
    message: str = ""
    line: str = ""
    operands: tuple[Operand, ...] = ()
    after: dict[str, np.ndarray | None] = field(default_factory=dict)
    called: tuple[str, ...] = ()
    traceback: str = ""


@dataclass(frozen=True)
class TimedOut:
    """The answer was still running when its time was up.

    Attributes:
        seconds: of computing, or of waiting.
        waiting: it computed nothing, and waited.
    """

    seconds: float
    waiting: bool = False


@dataclass(frozen=True)
class Crashed:
    """The process ended without a reply."""

    reason: str


# The texts of a reply, and how many characters of each the judge looks at: whoever forges one may write any number.
TEXTS = {
    **{"status": 20, "kind": 100, "library": 20, "dtype": 100, "error": 100, "message": 2000, "line": 2000},
    "traceback": 20_000,
}


def to_message(reply):
    """Return the header and the arrays that say a reply."""
    header = {name: getattr(reply, name) for name in TEXTS}
    header |= {"called": list(reply.called), "shape": reply.shape, "after": list(reply.after)}
    header["operands"] = [[one.text, one.library, one.dtype, one.shape, one.words] for one in reply.operands]
    arrays = {f"after/{name}": array for name, array in reply.after.items() if array is not None}
    return header, arrays if reply.value is None else {"value": reply.value, **arrays}


def from_message(header, arrays):
    """Return the reply that a header and arrays say.

    Raises:
        WireError: they say none.
    """
    try:
        texts = {name: text_of(header[name])[:longest] for name, longest in TEXTS.items()}
        called = tuple(text_of(name)[:200] for name in header["called"][:20])
        shape = None if header["shape"] is None else tuple(map(int, header["shape"]))
        operands = tuple(_operand(*described) for described in header["operands"][:MOST])
        after = {str(name): arrays.get(f"after/{name}") for name in header["after"]}
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise WireError(f"no reply ({type(error).__name__})") from None
    if texts["status"] not in STATUSES:
        raise WireError("no reply (its status is none of ours)")
    return Reply(**texts, called=called, shape=shape, value=arrays.get("value"), after=after, operands=operands)


def _operand(text, library, dtype, shape, words):
    shape = tuple(map(int, shape))[:64]
    return Operand(text_of(text)[:LONGEST], text_of(library)[:20], text_of(dtype)[:20], shape, text_of(words)[:LONGEST])


def text_of(value):
    """Return what a child says as text: without halves of characters, which no report could be written with."""
    return str(value).encode("utf-8", "replace").decode()
