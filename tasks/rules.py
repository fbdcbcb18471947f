"""What every task of this course must have, beyond what the grader asks of any; `Drawn` makes for their inputs."""

import numpy as np

from grader.task import Drawn

LEAST_MISTAKES, LEAST_LEGAL, LEAST_CASES, LEAST_HINTS, LEAST_PROBES = 5, 3, 3, 3, 3


def enough(task):
    """Yield (rule, whether it holds): enough of everything for a learner, and for a mistake to show."""
    yield f"at least {LEAST_MISTAKES} mistakes or slips", len(task.mistakes) + len(task.slips) >= LEAST_MISTAKES
    yield f"at least {LEAST_LEGAL} legal ways", len(task.legal) >= LEAST_LEGAL
    yield f"at least {LEAST_CASES} cases", len(task.cases) >= LEAST_CASES
    yield f"at least {LEAST_HINTS} hints", len(task.hints) >= LEAST_HINTS
    yield f"at least {LEAST_PROBES} probes if it has stages", not task.stages or len(task.probes) >= LEAST_PROBES
    yield "difficulty 1 to 3, minutes named", task.difficulty in (1, 2, 3) and task.minutes > 0


def telling_sizes(task):
    """Yield (rule, whether it holds): no transpose passes because two sizes happen to be equal."""
    ordinary = [case for case in task.cases if case.draw is None]
    yield "all sizes of a case differ", all(len(set(case.sizes.values())) == len(case.sizes) for case in ordinary)
    yield "several sizes", len({tuple(case.sizes.values()) for case in ordinary}) >= 2


def cases_that_see(task):
    """Yield (rule, whether it holds): the cases on which a slip shows that the others let pass."""
    drawn = [task.inputs(case, 1) for case in task.cases]
    arrays = [value for inputs in drawn for value in inputs.values() if isinstance(value, np.ndarray)]
    floats = any(array.dtype.kind == "f" for array in arrays)
    wide = [case.name for case in task.cases if case.dtype == "float64"]
    yield "the example of the text is a case", any("the example of the text" in case.name for case in task.cases)
    yield (
        "an axis of size 1 is tried",
        any(array.size == 1 or 1 in array.shape for array in arrays) or all(array.ndim < 2 for array in arrays),
    )
    yield "float32 is tried", not floats or any(case.dtype == "float32" for case in task.cases)
    yield "tensors are drawn in float32, but for one case", task.library != "torch" or not floats or len(wide) <= 1


def informative(weights):
    """Return what keeps a task with a softmax out of the regime in which mistakes vanish.

    Args:
        weights: computes the softmax's weights (..., q_len, k_len) from the arguments of an answer.
    """

    def holds(*inputs):
        return is_informative(np.asarray(weights(*inputs)))

    return Drawn("softmax neither one-hot nor uniform", holds)


def is_informative(weights):
    """Tell whether the typical row has a clear favorite that does not take everything."""
    allowed = np.count_nonzero(weights, axis=-1)
    rows = allowed > 1
    largest = weights.max(axis=-1)[rows]
    return rows.any() and bool(np.median(largest * allowed[rows]) > 1.2 and np.median(largest) < 0.95)
