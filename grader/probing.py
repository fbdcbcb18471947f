"""Experiments on an answer that nothing known explains. What they saw is true of whatever answer it was."""

import itertools

import numpy as np

from grader.call import ROOM, copy_inputs, run_case
from grader.compare import close
from grader.reply import Reply

MOST_CHANGES = 24  # of one input, one place at a time


def see(task, seed, call):
    """Return what the first telling probe of a task saw, as a sentence; None if none saw anything.

    Args:
        task: the `Task`.
        seed: the inputs of the probes are drawn from it.
        call: takes inputs and the bytes of the largest result that is looked at; returns what came back.
    """
    for probe in task.probes:
        saw = run_probe(task, probe, seed, call)
        if saw is not None:
            return saw
    return None


def run_probe(task, probe, seed, call):
    """Return what one probe saw, or None; it ends where the answer gives nothing to look at."""
    experiment = probe.run(task.generator(probe.name, seed))
    try:
        inputs = next(experiment)
        while True:
            outputs = both(task, inputs, call)
            if outputs is None:
                return None
            inputs = experiment.send(outputs[0])
    except StopIteration as end:
        return end.value
    finally:
        experiment.close()


def both(task, inputs, call):
    """Return the answer's array and the reference's on some inputs; None if they cannot be compared."""
    right = run_case(task.reference, inputs, task.terms)
    if right.value is None or (right.value.dtype.kind == "f" and np.isnan(right.value).any()):
        return None
    reply = call(copy_inputs(inputs), ROOM + 8 * right.value.nbytes)
    if not isinstance(reply, Reply) or reply.status != "returned" or reply.value is None:
        return None
    if reply.value.shape != right.value.shape or reply.value.dtype.kind != right.value.dtype.kind:
        return None
    return reply.value, right.value


def unsteady(task, inputs, call):
    """Return where an answer gives another number when it is called again with the same inputs; None if it does not."""
    first, second = both(task, inputs, call), both(task, inputs, call)
    if first is None or second is None:
        return None
    moved = np.atleast_1d(_moved(first[0], second[0]))
    if not moved.any():
        return None
    place = tuple(np.argwhere(moved)[0])
    numbers = [np.atleast_1d(output)[place] for output in (first[0], second[0])]
    if task.build is not None and task.build.module and not task.build.given:
        return (
            "Built twice, given the same weights and called with the same inputs, your module gives first {:.4g}, then "
            "{:.4g}: it keeps numbers of its own that are no parameters, or draws some when it is called."
        ).format(*numbers)
    return "Called twice with the same inputs, your result is first {:.4g}, then {:.4g}.".format(*numbers)


def dependence(task, inputs, call, rng):
    """Return on which place of an input an output depends though it should not, or the other way round; or None.

    One place after another of every input is changed, and what moves in the output is compared with what moves in the
    reference's.
    """
    before = both(task, inputs, call)
    if before is None:
        return None
    missing = None
    for name, place, changed in _changes(inputs, rng):
        after = both(task, changed, call)
        if after is None or after[0].shape != before[0].shape:
            continue
        yours, right = (_rows(_moved(*runs)) for runs in zip(before, after, strict=True))
        at = f"{name}[{', '.join(map(str, place))}]" if place else name
        if (yours & ~right).any():
            where = _where(yours & ~right)
            return f"In this case, when {at} alone is changed, your result changes{where}, and should not."
        if missing is None and (right & ~yours).any():
            where = _where(right & ~yours)
            missing = f"In this case, when {at} alone is changed, your result stays the same{where}; it should change."
    return missing


def _changes(inputs, rng):
    """Yield (name, place, inputs) with one place of one input changed: a row of numbers, one integer, one boolean."""
    for name, value in inputs.items():
        if not isinstance(value, np.ndarray) or value.size == 0:
            continue
        rows = value.shape[:-1] if value.dtype.kind == "f" else value.shape
        for place in itertools.islice(np.ndindex(rows), MOST_CHANGES):
            new = value.copy()
            if value.dtype.kind == "f":
                new[place] += rng.normal(size=new[place].shape).astype(value.dtype)
            elif value.dtype.kind == "b":
                new[place] = ~new[place]
            else:
                others = np.unique(value[value != value[place]])
                if not len(others):
                    continue
                new[place] = rng.choice(others)
            yield name, place, {**inputs, name: new}


def _moved(before, after):
    """Tell where two runs differ; NaN that stays NaN has not moved."""
    moved = ~close(after, before, str(after.dtype))
    return moved & ~(np.isnan(before) & np.isnan(after)) if before.dtype.kind == "f" else moved


def _rows(moved):
    return moved.any(axis=-1) if moved.ndim > 1 else moved


def _where(moved):
    return f" at [{', '.join(map(str, np.argwhere(moved)[0]))}]" if moved.ndim else ""
