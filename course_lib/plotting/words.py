"""Numbers and names in words: what the cells say, and what the figures' texts are made of."""

import math

import numpy as np

MINUS = "\N{MINUS SIGN}"


def number(value):
    """Return a number as text: whole if it is whole, otherwise two decimals, or two digits if it is tiny."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "∞" if value > 0 else f"{MINUS}∞"
    if abs(value - round(value)) < 1e-6:
        return str(round(value)).replace("-", MINUS)
    return _typeset(value, ".2g" if abs(value) < 0.005 else ".0f" if abs(value) >= 100 else ".2f")


def two_digits(value):
    """Return what a reader takes from a curve."""
    return _typeset(float(f"{_settled(value):.2g}"), ".10g")


def two_decimals(value):
    """Return a finite number as a weight is written, 1.00 also; other numbers by name."""
    return _typeset(value, ".2f") if math.isfinite(value) else number(value)


def cell_writer(values):
    """Return how the cells of one matrix are written: as many decimals as they need, at most as many as fit."""
    finite = values[np.isfinite(values)]
    largest = np.abs(finite).max(initial=0.0)
    most = 0 if largest >= 100 else 1 if largest >= 10 else 2
    exact = (digits for digits in range(most) if np.all(np.abs(finite - np.round(finite, digits)) < 1e-6))
    form = f".{next(exact, most)}f"
    # Exactly zero reads 0, almost zero reads 0.00.
    return lambda value: _typeset(value, form) if value and math.isfinite(value) else number(value)


def _typeset(value, form):
    return format(_settled(value), form).replace("-", MINUS)


def _settled(value):
    """Without the last bits, in which machines differ: 0.125 and 0.12500001 must not round to different text."""
    return float(f"{value:.6g}")


def count(how_many, one, many=None):
    return f"{how_many} {one}" if how_many == 1 else f"{how_many} {many or one + 's'}"


def listing(names, limit=3):
    if len(names) > limit:
        return f"{', '.join(names[:limit])} and {len(names) - limit} more"
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]


def span(values):
    """Return from where to where the numbers go."""
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return "no finite number"
    low, high = number(finite.min()), number(finite.max())
    return f"all {low}" if low == high else f"from {low} to {high}"


def peak(values, names):
    """Return (the largest entry, "its names (its number)"); what reads the same counts as equal. None if all is NaN."""
    rounded = [round(_settled(value), 2) if math.isfinite(value) else -math.inf for value in values]
    top = max(rounded)
    if top == -math.inf:
        return None
    tops = [name for name, value in zip(names, rounded, strict=True) if value == top]
    return top, f"{listing(tops)} ({number(top)}{' each' if len(tops) > 1 else ''})"


def row_peaks(matrix, rows, columns, link):
    """Return (the largest entry, "row link its names (its number)") of every row that has one."""
    peaks = [(row, peak(values, columns)) for row, values in zip(rows, matrix, strict=True)]
    return [(found[0], f"{row} {link} {found[1]}") for row, found in peaks if found]


def odd_cells(values):
    """Return a sentence on the cells that hold no finite number, if there are any."""
    odd = {f"{MINUS}∞": values == -np.inf, "∞": values == np.inf, "NaN": np.isnan(values)}
    counts = {name: np.count_nonzero(found) for name, found in odd.items()}
    return "".join(f" {count(n, 'cell is', 'cells are')} {name}." for name, n in counts.items() if n)
