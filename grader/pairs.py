"""What becomes of every two slips of a task made at once: told together, or hidden one behind the other."""

import itertools
from dataclasses import dataclass

import numpy as np

from grader.call import run_case
from grader.diagnose import is_same, on_inputs, suspect
from grader.judge import tries


@dataclass(frozen=True)
class Pair:
    """Two slips at once.

    Attributes:
        name: "a + b".
        fate: "told" (nothing else computes this), "shared" (another pair does, and both are said), "hidden" (one of the
            two alone computes this), "coincides" (another mistake does), "right", or "raises".
        with_: what it coincides with, by name.
    """

    name: str
    fate: str
    with_: str = ""


def pairs_of(task, seed):
    """Return the `Pair` for every two slips of different stages that do not raise alone."""
    _, cases_inputs = tries(task, seed)
    terms = task.terms

    def replies_of(function):
        return [run_case(function, inputs, terms) for inputs in cases_inputs]

    right = replies_of(task.reference)
    singles = {one.name: replies_of(suspect(task, (one,)).function) for one in (*task.mistakes, *task.slips)}
    singles = {name: replies for name, replies in singles.items() if _whole(replies)}
    computed = [
        {_name(slips): reply for slips, reply in on_inputs(task, inputs, 2)}  # without those that raise
        for inputs in cases_inputs
    ]
    names = [
        _name(slips)
        for first, second in itertools.combinations(task.stages, 2)
        for slips in itertools.product(first.slips, second.slips)
        if all(slip.name in singles for slip in slips)
    ]
    pairs = {name: [of_case[name] for of_case in computed] for name in names if all(name in of for of in computed)}
    same = alike({**singles, **pairs})
    return [_pair(name, pairs.get(name), right, singles, same.get(name, ())) for name in names]


def _pair(name, replies, right, singles, same):
    if replies is None or not _whole(replies):
        return Pair(name, "raises")
    if _agree(replies, right):
        return Pair(name, "right")
    single = [one for one in same if one in singles]
    if set(single) & set(name.split(" + ")):
        return Pair(name, "hidden")
    if single:
        return Pair(name, "coincides", single[0])
    return Pair(name, "shared" if same else "told")


def alike(replies_by_name):
    """Return for every name the others that gave the same on all cases; what raised, or is no array, is left out.

    The numbers of one case sort out most of them.
    """
    sketches = {}
    for name, replies in replies_by_name.items():
        if not _whole(replies):
            continue
        value = replies[0].value
        parts = np.stack([value.real, value.imag]) if value.dtype.kind == "c" else value
        numbers = np.nan_to_num(parts.astype(np.float64).ravel(), nan=12345.0, posinf=1e30, neginf=-1e30)
        sketches.setdefault((value.shape, numbers.size), []).append((name, numbers))
    same = {}
    for group in sketches.values():
        table = np.stack([numbers for _, numbers in group])
        scale = 1e-4 * (1 + np.abs(table))
        for (name, numbers), near in zip(group, scale, strict=True):
            for place in np.flatnonzero((np.abs(table - numbers) <= near).all(axis=1)):
                other = group[place][0]
                if other != name and _agree(replies_by_name[name], replies_by_name[other]):
                    same.setdefault(name, []).append(other)
    return same


def right_pairs(task, seed):
    """Yield the names of the pairs of slips that give the reference's output on every case drawn from this seed."""
    _, cases_inputs = tries(task, seed)
    terms = task.terms
    right = [run_case(task.reference, inputs, terms) for inputs in cases_inputs]
    first, *others = most_telling_first(task, right)
    for slips, computed in on_inputs(task, cases_inputs[first], 2):
        if is_same(computed, right[first]):
            one = suspect(task, slips)
            if all(is_same(run_case(one.function, cases_inputs[case], terms), right[case]) for case in others):
                yield one.name


def most_telling_first(task, right):
    """Return the numbers of the tries of a task, those whose right results hold most numbers first: where there are
    many, few ways give the same by chance. What is asked besides the output comes last.

    Args:
        task: the `Task`.
        right: a `Reply` of the reference for every try.
    """
    tried = [*task.cases, *task.cases][: len(right)]
    return sorted(range(len(right)), key=lambda i: (tried[i].asks != "output", -right[i].value.size))


def _name(slips):
    return " + ".join(slip.name for slip in slips)


def _whole(replies):
    return all(reply.status == "returned" and reply.value is not None for reply in replies)


def _agree(replies, others):
    return all(is_same(reply, other) for reply, other in zip(replies, others, strict=True))
