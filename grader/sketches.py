"""Looks up among thousands of computed results those that an answer's may be, without comparing it with each.

Of every result a few numbers are kept, its sketch. Whoever is found is compared as a whole afterwards: a sketch may
agree where the rest does not, but never the other way round.
"""

import functools
from dataclasses import dataclass

import numpy as np

from grader.compare import TOLERANCES, kind_of

NUMBERS = 24  # of a result in its sketch
MARGIN = 1.01  # so that rounding here passes nobody over


@dataclass(frozen=True)
class _Alike:
    """The results of one shape and kind of numbers: (count,) places in the order of all, (NUMBERS, count) numbers."""

    places: np.ndarray
    numbers: np.ndarray
    tolerance: float


class Sketches:
    """Sketches of results, with a name each.

    Args:
        named: yields (name, `Reply`). The replies are not kept.
    """

    def __init__(self, named):
        self._names, others, groups = [], {}, {}
        for place, (name, reply) in enumerate(named):
            self._names.append(name)
            if reply.status == "returned" and reply.value is not None:
                value = reply.value
                group = groups.setdefault(_group(value), ([], [], set()))
                group[0].append(place)
                group[1].append(_sketch(value))
                group[2].update((reply.dtype, value.dtype))
            else:
                others.setdefault(reply.status, []).append(place)
        self._others = others
        self._alike = {
            key: _Alike(np.array(places), np.array(sketches).T.copy(), _tolerance(*dtypes))
            for key, (places, sketches, dtypes) in groups.items()
        }

    def like(self, reply):
        """Return the names of the results that this reply may be, in their order; of those that are no arrays, all with
        its status."""
        places = list(self._others.get(reply.status, ()))
        if reply.status == "returned" and reply.value is not None:
            places = sorted([*places, *self._near(reply)])
        return [self._names[place] for place in places]

    def _near(self, reply):
        """Return the places of the arrays whose sketch is that of a reply."""
        group = self._alike.get(_group(reply.value))
        if group is None:
            return ()
        near = np.arange(len(group.places))
        tolerance = MARGIN * max(group.tolerance, _tolerance(reply.dtype, reply.value.dtype))
        for number, column in zip(_sketch(reply.value), group.numbers, strict=True):
            others = column[near]
            with np.errstate(all="ignore"):
                same = np.abs(others - number) <= tolerance * (np.abs(others) + 1)
            same |= (others == number) | (np.isnan(others) & np.isnan(number))
            near = near[same]
            if not near.size:
                break
        return group.places[near].tolist()


def _group(value):
    return value.shape, kind_of(value.dtype)


def _sketch(value):
    """Return numbers from all over an array: where two are within the tolerance, so are these."""
    flat = value.reshape(-1)
    some = flat if flat.size <= NUMBERS else flat[_places(flat.size)]
    return np.abs(some).astype(np.float64) if some.dtype.kind == "c" else some.astype(np.float64)


@functools.cache
def _places(size):
    return np.linspace(0, size - 1, NUMBERS).astype(int)


def _tolerance(*dtypes):
    return max(TOLERANCES.get(str(dtype), 1e-9) for dtype in dtypes)
