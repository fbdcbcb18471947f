"""Which known mistake computes exactly this. A mistake is named only if it gives what came back, on every case."""

import numpy as np

from grader.call import Terms, run_case
from grader.compare import difference


def find_mistake(task, cases_inputs, replies):
    """Return the task's mistake that gives exactly these replies on these inputs, or None.

    An answer that makes the mistake and also changes the dtype is recognised by its numbers; one whose numbers are
    right at the precision of its dtype makes no mistake but that.

    Args:
        task: the `Task`.
        cases_inputs: the inputs of every case.
        replies: a `Reply` for every case.
    """
    terms = Terms(task.library)
    outcomes = {
        mistake: [run_case(mistake.compute, inputs, terms) for inputs in cases_inputs] for mistake in task.mistakes
    }
    for same_dtype in (True, False) if _differs_in_numbers(task, cases_inputs, replies) else (True,):
        for mistake, computed in outcomes.items():
            if all(map(lambda a, b: is_same(a, b, same_dtype=same_dtype), replies, computed)):
                return mistake
    return None


def is_same(reply, computed, *, same_dtype=True):
    """Tell whether two replies are the same: equal arrays, or the same exception with the same text."""
    if reply.status != computed.status:
        return False
    if reply.status == "raised":
        return (reply.error, reply.message) == (computed.error, computed.message)
    if reply.status != "returned" or computed.value is None:
        return (reply.kind, reply.dtype, reply.shape) == (computed.kind, computed.dtype, computed.shape)
    expected = computed.value
    if np.issubdtype(expected.dtype, np.floating) and np.isnan(expected).any():
        return _same_with_nan(reply, expected, same_dtype)
    return difference(reply, expected, same_dtype=same_dtype) is None


def _same_with_nan(reply, expected, same_dtype):
    """A mistake may compute NaN; an answer makes it if its NaN stand in the same places."""
    value = reply.value
    if value is None or value.shape != expected.shape or value.dtype.kind != "f":
        return False
    if not np.array_equal(np.isnan(value), np.isnan(expected)) or (same_dtype and reply.dtype != str(expected.dtype)):
        return False
    filled = type(reply)(**{**vars(reply), "value": np.nan_to_num(value, nan=0.0, posinf=np.inf, neginf=-np.inf)})
    return (
        difference(filled, np.nan_to_num(expected, nan=0.0, posinf=np.inf, neginf=-np.inf), same_dtype=same_dtype)
        is None
    )


def _differs_in_numbers(task, cases_inputs, replies):
    """Tell whether the answer's numbers, dtype aside, differ from the reference on some case."""
    return any(
        reply.status != "returned"
        or difference(reply, run_case(task.reference, inputs, Terms(task.library)).value, same_dtype=False) is not None
        for inputs, reply in zip(cases_inputs, replies, strict=True)
    )
