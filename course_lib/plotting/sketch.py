"""Sketches: numbers, and how they are drawn as SVG. `explore` moves them; nothing here needs matplotlib to draw.

A sketch draws itself in a given width and within a given `reach`, so that the axes of many sketches are the same. Its
reach is a dictionary of numbers that are joined by the larger one. Text and lines take the color of the page around
them, so that light and dark are both right.
"""

import math
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from html import escape

import numpy as np

from course_lib.plotting.angles import angle, aside
from course_lib.plotting.inputs import names_of, numbers
from course_lib.plotting.style import BELOW_ZERO, COLORS, color_of, depth
from course_lib.plotting.words import MINUS, cell_writer, count, listing, number, peak, two_decimals

WIDTH = 720  # of a whole sketch, in its own units; a page stretches it
TEXT, SMALL, LINE, GAP = 16, 14, 27, 28
MISSING = "\N{EN DASH}"
TALLEST, COLUMN, LONGEST_CELL = 330, 64, 64
BOLD = 1.08 * TEXT  # as wide as a text of this size
SIDES = [(math.cos(turn), math.sin(turn)) for turn in np.linspace(0, 2 * math.pi, 8, endpoint=False)]
SERIES = (("currentColor", ""), ("#3B9AD9", "9 4"), ("#B0704F", "3 4"), ("#8F8F8F", "12 3 3 3"), ("#8C76C9", "6 2"))


def bars(values, names, *, role="weights", label=None, limits=None):
    """Bars over names, one group for each entry of `values`: `bars({"T = 2": weights}, tokens)`.

    values: {name: (n,)}, or one array. Numbers between 0 and 1 are drawn on a scale from 0 to 1, others from the
    lowest to the highest that any slider brings; limits: (low, high) instead of that. label: what the numbers are.
    """
    groups = values if isinstance(values, Mapping) else {"": values}
    arrays = {str(name): numbers(row, f"group {name!r}", ndim=1) for name, row in groups.items()}
    names = list(names)
    for name, row in arrays.items():
        names = names_of(names, len(row), "name", "bar", f"group {name!r}")
    color_of(role)
    return Bars(arrays, names, role, label, limits)


def arrows(vectors, names, axes_names=None, *, roles="key", beside=None):
    """Vectors of two numbers as arrows from the origin, axes with equal units: `arrows(vectors, names, roles=[...])`.

    vectors: (n, 2); roles: one for all or one for each. Beside them stands a table: their norms, and if exactly one of
    them is the query the angle and the dot product with it. beside: {heading: (n,)} instead of that, with
    numbers, texts or None; {} for no table.
    """
    vectors = numbers(vectors, "vectors")
    if vectors.shape[1] != 2:
        raise ValueError(f"vectors has shape {vectors.shape}: arrows need two numbers each, shape (n, 2).")
    names = names_of(names, len(vectors), "name", "row", "vectors")
    roles = names_of([roles] * len(names) if isinstance(roles, str) else roles, len(names), "role", "row", "vectors")
    for role in roles:
        color_of(role)
    columns = _compared(vectors, roles) if beside is None else beside
    table = {}
    for heading, column in columns.items():
        column = list(column)
        if len(column) != len(names):
            raise ValueError(
                f"{heading!r} has {count(len(column), 'entry', 'entries')} for {count(len(names), 'arrow')}."
            )
        table[str(heading)] = [_entry(entry) for entry in column]
    return Arrows(vectors, names, list(axes_names or ("", "")), roles, table)


def grid(matrices, rows=None, columns=None, role="weights", *, limits=None, framed=None, written=True):
    """Small heat maps with their numbers, beside each other: `grid(weights, tokens, tokens)`.

    matrices: one matrix, or {title: matrix}, all of one shape; role: one for all or one for each; limits: (low, high)
    of the shades; without them a number has the shade that it has in all figures; framed: the (row, column) of a cell
    that gets a frame; written: whether the numbers stand in the cells, where there is room.
    """
    given = matrices if isinstance(matrices, Mapping) else {"": matrices}
    arrays = {str(title): numbers(matrix, f"matrix {title!r}") for title, matrix in given.items()}
    shapes = {matrix.shape for matrix in arrays.values()}
    if len(shapes) > 1:
        raise ValueError(f"grids beside each other need one shape; these have {listing(sorted(map(str, shapes)))}.")
    (n_rows, n_columns) = shapes.pop()
    rows = None if rows is None else names_of(rows, n_rows, "name", "row", "the matrix")
    columns = None if columns is None else names_of(columns, n_columns, "name", "column", "the matrix")
    roles = names_of([role] * len(arrays) if isinstance(role, str) else role, len(arrays), "role", "matrix", "the grid")
    for one in roles:
        color_of(one)
    return Grid(arrays, rows, columns, roles, limits, framed, written)


def curves(x, ys, xlabel="", ylabel="", *, limits=None):
    """Curves over one x, each named: `curves(x, {"sine": np.sin(x)}, "position", "value")`."""
    x = numbers(x, "x", ndim=1)
    arrays = {str(name): numbers(y, f"curve {name!r}", ndim=1) for name, y in ys.items()}
    for name, y in arrays.items():
        if len(y) != len(x):
            raise ValueError(f"curve {name!r} has {count(len(y), 'point')}, but x has {len(x)}.")
    if len(arrays) > len(SERIES):
        raise ValueError(f"{len(arrays)} curves are more than one sketch keeps apart; show at most {len(SERIES)}.")
    return Curves(x, arrays, xlabel, ylabel, limits)


@dataclass(frozen=True)
class Bars:
    groups: dict
    names: list
    role: str
    label: str | None
    limits: tuple | None

    @property
    def reach(self):
        low, high = self.limits or _ends(self.groups.values())
        named = any(self.groups)
        return {"below": -low, "above": high, "groups": len(self.groups), "left": _longest(self.names), "named": named}

    def draw(self, width, reach):
        low, high, step = _scale(-reach["below"], reach["above"])
        left, n = reach["left"] + 14, int(reach["groups"])
        panel = min((width - left - GAP * (n - 1)) / n, 600)
        room = min(52, panel / 2)  # for the numbers, which stay where they are
        top, bottom = (30 if reach["named"] else 6), (30 if reach["named"] else 6) + LINE * len(self.names)
        parts = [_text(left - 10, top + LINE * (i + 0.5), name, anchor="end") for i, name in enumerate(self.names)]
        for k, (title, values) in enumerate(self.groups.items()):
            start = left + k * (panel + GAP)

            def place(value, start=start):
                return start + (panel - room) * (min(max(value, low), high) - low) / (high - low)

            for tick in _ticks(low, high, step):
                parts.append(_line(place(tick), top, place(tick), bottom, opacity=0.6 if tick == 0 else 0.25))
                parts.append(_text(place(tick), bottom + 13, _tick(tick), SMALL, "middle", opacity=0.75))
            for i, value in enumerate(values):
                ends = sorted((place(0.0), place(value))) if np.isfinite(value) else (place(0.0), place(0.0))
                bar = (ends[0], top + LINE * i + 4, ends[1] - ends[0], LINE - 8)
                parts.append(_box(*bar, *_color(self.role, value)))
                parts.append(_text(start + panel, top + LINE * (i + 0.5), two_decimals(value), anchor="end"))
            if reach["named"]:
                parts.append(_text(start, 14, title, bold=True))
        label = self.label if self.label is not None else "weight" if self.role == "weights" else ""
        parts.append(_text(left, bottom + 34, label, SMALL, opacity=0.75))
        return bottom + (44 if label else 24), "".join(parts)

    @property
    def words(self):
        said = [f"Bars over {count(len(self.names), 'name')} ({listing(self.names, 8)})."]
        for name, values in self.groups.items():
            highest = peak(values, self.names)
            text = f"highest {highest[1]}, lowest {number(np.nanmin(values))}." if highest else "NaN."
            said.append(f"{name}: {text}" if name else text[0].upper() + text[1:])
        return " ".join(said)


@dataclass(frozen=True)
class Arrows:
    vectors: np.ndarray
    names: list
    axes_names: list
    roles: list
    table: dict

    @property
    def reach(self):
        low, high = np.minimum(self.vectors.min(axis=0), 0), np.maximum(self.vectors.max(axis=0), 0)
        beyond = {"left": -low[0], "right": high[0], "down": -low[1], "up": high[1]}
        return {**beyond, "name": _longest(self.names), "columns": len(self.table)}

    def draw(self, width, reach):
        pads = {
            "left": 34 + (reach["name"] / 2 if reach["left"] else 0),
            "right": reach["name"] + 16,
            "up": 26,
            "down": 34,
        }
        across, up = reach["left"] + reach["right"], reach["down"] + reach["up"]
        beside = 26 + reach["name"] + COLUMN * reach["columns"]  # the width of the table

        def unit_in(width):
            room = width - pads["left"] - pads["right"]
            return min(room / (across or up or 1.0), (TALLEST - pads["up"] - pads["down"]) / (up or across or 1.0))

        below = unit_in(width) > 1.25 * unit_in(width - GAP - beside)  # a wide plane needs the whole width
        unit = unit_in(width if below or not self.table else width - GAP - beside)
        origin = np.array([pads["left"] + reach["left"] * unit, pads["up"] + reach["up"] * unit])
        plane = (0, 0, pads["left"] + across * unit + pads["right"], pads["up"] + up * unit + pads["down"])
        bottom, end = plane[3] - 22, plane[2] - 6

        def place(point):
            return origin + unit * np.array([point[0], -point[1]])

        step = _nice(max(across, up) / 6)
        parts = []
        for tick in _ticks(-reach["left"] - 1e-9, reach["right"] + 1e-9, step):
            x = place((tick, 0))[0]
            parts.append(_line(x, 6, x, bottom, opacity=0.15 if tick else 0.6))
            parts.append(_text(x, bottom + 11, _tick(tick), SMALL, "middle", opacity=0.75))
        for tick in _ticks(-reach["down"] - 1e-9, reach["up"] + 1e-9, step):
            y = place((0, tick))[1]
            parts.append(_line(24, y, end, y, opacity=0.15 if tick else 0.6))
            if tick:
                parts.append(_text(18, y, _tick(tick), SMALL, "end", opacity=0.75))
        if self.axes_names[0]:
            parts.append(_text(end, bottom + 11, self.axes_names[0], SMALL, "end", opacity=0.75))
        if self.axes_names[1]:
            parts.append(_text(origin[0] + 6, 10, self.axes_names[1], SMALL, opacity=0.75))
        order = np.argsort(-np.hypot(*self.vectors.T), kind="stable")  # short arrows lie on top of long ones
        parts += [_arrow(origin, place(self.vectors[i]), *_color(self.roles[i])) for i in order]
        parts += self._labels(place, plane)
        if self.table:
            corner = (24, plane[3] + 4) if below else (plane[2] + GAP, 0)
            parts += self._table(*corner, reach["name"])
            return max(plane[3], corner[1] + LINE * (len(self.names) + 1)), "".join(parts)
        return plane[3], "".join(parts)

    def _labels(self, place, plane):
        """The names at the tips, where they lie on nothing; where points coincide one label says them all."""
        at_point = {}
        for i, vector in enumerate(self.vectors):
            at_point.setdefault(tuple(np.round(vector, 6)), []).append(i)
        drawn = [place(share * vector) for vector in self.vectors for share in np.linspace(0, 1, 40)]
        taken, labels = [], []
        for indices in at_point.values():
            text, first = ", ".join(self.names[i] for i in indices), aside(self.vectors, indices[0])
            tip, width = place(self.vectors[indices[0]]), _text_width(text, BOLD)
            boxes = [_beside(tip, side, width) for side in (first, *SIDES)]
            box = min(boxes, key=lambda box: _covered(box, drawn, taken, plane))  # the first of the best
            taken.append(box)
            labels.append(_text(box[0], (box[1] + box[3]) / 2, text, bold=True))
        return labels

    def _table(self, left, top, name):
        parts = []
        for j, (heading, column) in enumerate(self.table.items(), start=1):
            right = left + 26 + name + COLUMN * j
            parts.append(_text(right, top + 14, heading, SMALL, "end", opacity=0.75))
            parts += [_text(right, top + 14 + LINE * (i + 1), entry, anchor="end") for i, entry in enumerate(column)]
        for i, (role, text) in enumerate(zip(self.roles, self.names, strict=True), start=1):
            parts.append(_box(left, top + 14 + LINE * i - 3, 18, 6, *_color(role)))
            parts.append(_text(left + 26, top + 14 + LINE * i, text, bold=True))
        return parts

    @property
    def words(self):
        said = []
        for i, name in enumerate(self.names):
            point = f"({number(self.vectors[i][0])}, {number(self.vectors[i][1])})"
            and_more = [f"{heading} {column[i]}" for heading, column in self.table.items() if column[i] != MISSING]
            role = "" if name == self.roles[i] else f"{self.roles[i]} "
            said.append(", ".join([f"{role}{name} to {point}", *and_more]))
        return f"{count(len(said), 'arrow')} from the origin: {'; '.join(said)}."


@dataclass(frozen=True)
class Grid:
    matrices: dict
    rows: list | None
    columns: list | None
    roles: list
    limits: tuple | None
    framed: tuple | None
    written: bool

    @property
    def reach(self):
        far = {("far", k): self._far(matrix) for k, matrix in enumerate(self.matrices.values())}
        titled = max(map(_text_width, self.matrices))
        sides = {
            "left": _longest(self.rows or []),
            "head": _longest(self.columns or []),
            "last": _longest((self.columns or [])[-1:]),
        }
        return {**far, "titled": titled, "many": len(self.matrices), **sides}

    def _far(self, matrix):
        """How far from zero the deepest shade is."""
        ends = self.limits or matrix[np.isfinite(matrix)]
        return np.abs(ends).max(initial=0.0)

    def draw(self, width, reach):
        n_rows, n_columns = next(iter(self.matrices.values())).shape
        many, left = reach["many"], reach["left"] + 14 if self.rows else 4
        room = (width - GAP * 1.5 * (many - 1)) / many - left
        cell = min(LONGEST_CELL, room / n_columns)
        if reach["head"] > cell:  # the last of the slanted names leans out to the right
            cell = min(cell, (room - 0.72 * reach["last"]) / (n_columns - 0.5))
        written = self.written and cell >= 32
        if not written:
            cell = min(cell, 40, TALLEST / n_rows)
        height = min(30, TALLEST / n_rows) if written else cell
        slanted = reach["head"] > cell
        top = (26 if reach["titled"] else 2) + (0 if not self.columns else 14 + 0.75 * reach["head"] if slanted else 24)
        span = max(left + n_columns * cell, reach["titled"]) + GAP * 1.5
        parts = []
        for k, (title, matrix) in enumerate(self.matrices.items()):
            start, write = k * span + left, cell_writer(matrix)
            far = self._far(matrix) if self.limits else reach["far", k]
            limits = None if written and not self.limits else (0.0, far)  # a number has one shade in all figures
            if title:
                parts.append(_text(start, 12, title, bold=True))
            for i, row in enumerate(self.rows or []):
                parts.append(_text(start - 10, top + height * (i + 0.5), row, anchor="end"))
            for j, column in enumerate(self.columns or []):
                x = start + cell * (j + 0.5)
                parts.append(_slanted(x, top - 8, column) if slanted else _text(x, top - 12, column, anchor="middle"))
            for (i, j), value in np.ndenumerate(matrix):
                x, y = start + j * cell, top + i * height
                color, deep = _color(self.roles[k], value)
                deep *= depth(self.roles[k], value, limits) if np.isfinite(value) else 0.0
                if written:  # the numbers are to be read, on light and on dark
                    deep *= 0.45 if value < 0 else 0.75
                parts.append(_box(x + 0.5, y + 0.5, cell - 1, height - 1, color, deep))
                if written:
                    parts.append(_text(x + cell / 2, y + height / 2, write(value), min(14, (cell - 4) / 3), "middle"))
            parts.append(_frame(start, top, n_columns * cell, n_rows * height, "currentColor", 1, 0.35))
            if self.framed is not None:
                i, j = self.framed
                parts.append(_frame(start + j * cell, top + i * height, cell, height, COLORS["query"], 3, 1))
        return top + n_rows * height + 2, "".join(parts)

    @property
    def words(self):
        said = []
        for title, matrix in self.matrices.items():
            n_rows, n_columns = matrix.shape
            rows, columns = self.rows or range(n_rows), self.columns or range(n_columns)
            names = [f"({row}, {column})" for row in rows for column in columns]
            highest = peak(matrix.ravel(), names)
            text = f"{n_rows} by {n_columns} cells, highest at {highest[1] if highest else 'NaN'}"
            said.append(f"{title}: {text}." if title else f"{text[0].upper()}{text[1:]}.")
        return " ".join(said)


@dataclass(frozen=True)
class Curves:
    x: np.ndarray
    ys: dict
    xlabel: str
    ylabel: str
    limits: tuple | None

    @cached_property
    def reach(self):
        ys = np.concatenate(list(self.ys.values()))
        low, high = self.limits or (np.nanmin(ys), np.nanmax(ys))
        across = {"left": -self.x.min(), "right": self.x.max()}
        return {"below": -low, "above": high, **across, "name": _longest(self.ys)}

    def draw(self, width, reach):
        low, high, step = _scale(-reach["below"], reach["above"])
        first, last = -reach["left"], reach["right"]
        left, right, top, bottom = 56, width - reach["name"] - 44, 28, 280

        def place(x, y):
            across, up = (x - first) / (last - first or 1.0), (min(max(y, low), high) - low) / (high - low)
            return left + (right - left) * across, bottom - (bottom - top) * up

        parts = []
        for tick in _ticks(low, high, step):
            y = place(first, tick)[1]
            parts.append(_line(left, y, right, y, opacity=0.2 if tick else 0.6))
            parts.append(_text(left - 8, y, _tick(tick), SMALL, "end", opacity=0.75))
        for tick in _ticks(first, last, _nice((last - first) / 6)):
            parts.append(_text(place(tick, low)[0], bottom + 15, _tick(tick), SMALL, "middle", opacity=0.75))
        parts.append(_text(right, bottom + 36, self.xlabel, SMALL, "end", opacity=0.75))
        parts.append(_text(0, 12, self.ylabel, SMALL, opacity=0.75))
        for k, ((name, y), (color, dash)) in enumerate(zip(self.ys.items(), SERIES, strict=False)):
            points = [place(a, b) for a, b in zip(self.x, y, strict=True) if np.isfinite(b)]
            path = " ".join(f"{_px(a)},{_px(b)}" for a, b in points)
            stroke = f'fill="none" stroke="{color}" stroke-width="2.2" stroke-dasharray="{dash}"'
            parts.append(f'<polyline points="{path}" {stroke}/>')
            key = top + 10 + LINE * k
            parts.append(f'<polyline points="{_px(right + 12)},{key} {_px(right + 38)},{key}" {stroke}/>')
            parts.append(_text(right + 44, key, name))
        return bottom + (46 if self.xlabel else 26), "".join(parts)

    @property
    def words(self):
        said = [
            f"{name} goes from {number(y[0])} at {number(self.x[0])} to {number(y[-1])} at {number(self.x[-1])}"
            for name, y in self.ys.items()
        ]
        return f"{count(len(said), 'curve')}: {'; '.join(said)}."


SKETCHES = (Bars, Arrows, Grid, Curves)


def joined(reaches):
    """Return the reach that has room for all of them."""
    return {key: max(reach[key] for reach in reaches) for key in reaches[0]}


def picture(sketches, reaches, height, label):
    """Return sketches beside each other as one SVG that is so high."""
    width = (WIDTH - GAP * (len(sketches) - 1)) / len(sketches)
    drawn = [sketch.draw(width, reach)[1] for sketch, reach in zip(sketches, reaches, strict=True)]
    if len(drawn) > 1:
        moved = [f"translate({_px(k * (width + GAP))} 0)" for k in range(len(drawn))]
        drawn = [f'<g transform="{place}">{inner}</g>' for place, inner in zip(moved, drawn, strict=True)]
    head = f'viewBox="0 0 {WIDTH} {_px(height)}" font-family="system-ui, sans-serif" fill="currentColor"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{escape(label)}" {head}>{"".join(drawn)}</svg>'
    )


def height_of(sketches, reaches):
    width = (WIDTH - GAP * (len(sketches) - 1)) / len(sketches)
    return max(sketch.draw(width, reach)[0] for sketch, reach in zip(sketches, reaches, strict=True))


def _beside(point, side, width):
    """Return the box (left, top, right, bottom) of a text on one side of a point."""
    x, y = point[0] + 11 * side[0], point[1] - 15 * side[1]
    left = x - width * (0 if side[0] > 0.35 else 1 if side[0] < -0.35 else 0.5)
    return left, y - 9, left + width, y + 9


def _covered(box, points, boxes, area):
    """How bad a place for a text is: points under it, other texts, and what lies outside of the area."""
    left, top, right, bottom = box
    under = sum(left - 3 < x < right + 3 and top - 1 < y < bottom + 1 for x, y in points)
    texts = sum(left < b[2] and b[0] < right and top < b[3] and b[1] < bottom for b in boxes)
    outside = left < area[0] or top < area[1] or right > area[2] or bottom > area[3]
    return under + 40 * texts + 40 * outside


def _compared(vectors, roles):
    """The table of arrows: norms, and what the one query makes of the others."""
    norms = np.hypot(*vectors.T)
    if roles.count("query") != 1:
        return {"norm": norms}
    query = roles.index("query")
    others = [i != query for i in range(len(roles))]
    seen = [other and norms[i] > 0 and norms[query] > 0 for i, other in enumerate(others)]
    angles = [f"{angle(vectors[query], vectors[i])}°" if yes else None for i, yes in enumerate(seen)]
    products = [vectors[i] @ vectors[query] if other else None for i, other in enumerate(others)]
    return {"norm": norms, "angle": angles, "q · k": products}


def _entry(entry):
    return MISSING if entry is None else entry if isinstance(entry, str) else number(float(entry))


def _color(role, value=1.0):
    """Return (color, opacity). Numbers without a role are gray: halfway to the page, which may be light or dark."""
    if value < 0:
        return BELOW_ZERO, 1.0
    return ("currentColor", 0.6) if role in ("scores", "input") else (COLORS[role], 1.0)


def _ends(arrays):
    """The ends of an axis: 0 and 1 for what lies between them, otherwise the lowest and the highest, and zero."""
    finite = np.concatenate([values[np.isfinite(values)] for values in arrays])
    low, high = finite.min(initial=0.0), finite.max(initial=0.0)
    return (0.0, 1.0) if low >= 0 and high <= 1 + 1e-6 else (low, high)


def _nice(step):
    """The smallest of 1, 2, 5, 10, 20, ... (and of tenths of them) that is not smaller."""
    magnitude = 10 ** math.floor(math.log10(step or 1.0))
    return next(nice * magnitude for nice in (1, 2, 5, 10) if nice * magnitude >= step * 0.999999)


def _scale(low, high):
    """Return (low, high, step): the ends of an axis, never the same, and how far its ticks are apart."""
    if high - low < 1e-12:
        low, high = low - 1, high + 1
    return low, high, 0.5 if (low, high) == (0, 1) else _nice((high - low) / 5)


def _ticks(low, high, step):
    return [round(step * i, 10) for i in range(math.ceil(low / step - 0.01), math.floor(high / step + 0.01) + 1)]


def _tick(value):
    return f"{value:g}".replace("-", MINUS)


def _text_width(text, size=TEXT):
    """About how wide a text is; nobody can measure it here."""
    return size * sum(1.05 if unicodedata.east_asian_width(character) in "WF" else 0.6 for character in text)


def _longest(texts):
    return max(map(_text_width, texts), default=0.0)


def _px(value):
    return f"{round(float(f'{value:.7g}'), 1):g}"  # without the last bits, in which machines differ


def _text(x, y, text, size=TEXT, anchor="start", *, bold=False, opacity=1):
    style = f"{' font-weight=' + chr(34) + '600' + chr(34) if bold else ''}"
    style += f' opacity="{opacity}"' if opacity != 1 else ""
    # Not dominant-baseline, which not every program that draws SVG knows.
    place = f'x="{_px(x)}" y="{_px(y + 0.35 * size)}" font-size="{_px(size)}" text-anchor="{anchor}"'
    return f"<text {place}{style}>{escape(text)}</text>"


def _slanted(x, y, text):
    place = f'transform="translate({_px(x)} {_px(y)}) rotate(-45)"'
    return f'<text {place} font-size="{TEXT}" text-anchor="start">{escape(text)}</text>'


def _line(x0, y0, x1, y1, opacity):
    ends = f'x1="{_px(x0)}" y1="{_px(y0)}" x2="{_px(x1)}" y2="{_px(y1)}"'
    return f'<line {ends} stroke="currentColor" opacity="{opacity}"/>'


def _box(x, y, width, height, color, opacity=1.0):
    size = f'x="{_px(x)}" y="{_px(y)}" width="{_px(width)}" height="{_px(height)}"'
    return f'<rect {size} fill="{color}" fill-opacity="{round(opacity, 2):g}"/>'


def _frame(x, y, width, height, color, wide, opacity):
    size = f'x="{_px(x)}" y="{_px(y)}" width="{_px(width)}" height="{_px(height)}"'
    return f'<rect {size} fill="none" stroke="{color}" stroke-width="{wide}" opacity="{opacity}"/>'


def _arrow(start, end, color, opacity):
    """A line with a head that ends in the point; where there is no length, a dot."""
    length = np.hypot(*(end - start))
    if length < 1e-9:
        return f'<circle cx="{_px(start[0])}" cy="{_px(start[1])}" r="5" fill="{color}" opacity="{opacity}"/>'
    along = (end - start) / length
    across = np.array([-along[1], along[0]])
    head = min(14.0, length)
    neck = end - head * along
    corners = [end, neck + 0.45 * head * across, neck - 0.45 * head * across]
    points = " ".join(f"{_px(x)},{_px(y)}" for x, y in corners)
    ends = f'x1="{_px(start[0])}" y1="{_px(start[1])}" x2="{_px(neck[0])}" y2="{_px(neck[1])}"'
    line = f'<line {ends} stroke="{color}" stroke-width="3.5"/>'
    return f'<g opacity="{opacity}">{line}<polygon points="{points}" fill="{color}"/></g>'
