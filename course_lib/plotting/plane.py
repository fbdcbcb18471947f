"""The plane: vectors of two numbers as arrows, and what weights make of values."""

import math
from typing import NamedTuple

import numpy as np
from matplotlib.patches import Polygon

from course_lib.plotting.angles import angle, aside, cross
from course_lib.plotting.figure import CourseFigure, Panel
from course_lib.plotting.inputs import names_of, numbers
from course_lib.plotting.style import COLORS, FAINT, GRID, HALO, INK, SMALL, TEXT, ink, text_width, write
from course_lib.plotting.words import count, number, two_decimals

MISSING = "\N{EN DASH}"


class _Label(NamedTuple):
    """A name beside a point: on which side (a unit vector), how far away in points of type."""

    point: tuple[float, float]
    text: str
    side: tuple[float, float]
    color: str
    away: float

    @property
    def align(self):
        return "left" if self.side[0] > 0.35 else "right" if self.side[0] < -0.35 else "center"


def show_arrows(vectors, names, features=None, *, roles="key", title=None) -> CourseFigure:
    """Vectors of two numbers as arrows from the origin, with a table of their norms.

    vectors: (n, 2); features: the names of the two axes; roles: one for all or one for each. If exactly one arrow is
    the query, the table adds the angle between it and every other arrow, and their dot product.
    """
    vectors = numbers(vectors, "vectors")
    if vectors.shape[1] != 2:
        raise ValueError(f"vectors has shape {vectors.shape}: arrows need two numbers each, shape (n, 2).")
    names = names_of(names, len(vectors), "name", "row", "vectors")
    roles = names_of([roles] * len(names) if isinstance(roles, str) else roles, len(names), "role", "row", "vectors")
    colors = [ink(role) for role in roles]
    lengths = np.hypot(*vectors.T)
    query = roles.index("query") if roles.count("query") == 1 else None

    table, said = [], []
    for i, (name, length) in enumerate(zip(names, map(number, lengths), strict=True)):
        between = product = MISSING
        text = f"{roles[i]} {name} has norm {length}"
        if query not in (None, i):
            if lengths[i] > 0 and lengths[query] > 0:
                between = f"{angle(vectors[query], vectors[i])}°"
                text += f", angle {between}"
            product = number(vectors[query] @ vectors[i])
            text += f", dot product {product}"
        table.append([name, length] if query is None else [name, length, between, product])
        said.append(text)
    alt = f"{count(len(names), 'arrow')} from the origin: {'; '.join(said)}."
    if query is not None and len(names) > 1:
        alt += f" Angles and dot products are those with {names[query]}."

    labels = _merged(_Label(tuple(vectors[i]), names[i], aside(vectors, i), colors[i], 7) for i in range(len(names)))
    size, draw_plane = _plane(np.vstack([vectors, np.zeros((1, 2))]), labels, 2.7, features)

    def draw(axes, limits):
        draw_plane(axes)
        for i in np.argsort(-lengths, kind="stable"):  # short arrows lie on top of long ones
            color = COLORS[roles[i]]
            if lengths[i] == 0:
                axes.plot(0, 0, "o", color=color, markersize=8, zorder=4)
                continue
            head = {"arrowstyle": "-|>,head_length=0.6,head_width=0.32", "mutation_scale": 14}
            line = {"color": color, "linewidth": 2.6, "shrinkA": 0, "shrinkB": 0}
            axes.annotate("", vectors[i], (0, 0), arrowprops=head | line)
        _draw_table(axes, table, colors)

    return CourseFigure((Panel(*size, draw, alt, title),))


def show_combination(weights, values, tokens, features=None, *, title=None) -> CourseFigure:
    """Weights times values in the plane: the output lies inside the hull of the values, pulled by the weights.

    weights: (n,); values: (n, 2); features: the names of the two axes. The more weight, the larger the value's dot.
    """
    weights, values = numbers(weights, "weights", ndim=1), numbers(values, "values")
    if values.shape != (len(weights), 2):
        raise ValueError(f"values has shape {values.shape}; {len(weights)} weights need shape ({len(weights)}, 2).")
    tokens = names_of(tokens, len(weights), "token", "row", "values")
    output = weights @ values
    points, hull = [tuple(value) for value in values], _hull(values)

    pull = dict.fromkeys(points, 0.0)  # values that coincide pull together
    for point, weight in zip(points, weights, strict=True):
        pull[point] += max(weight, 0.0)
    dots = {point: 7 + 28 * math.sqrt(weight) for point, weight in pull.items()}  # points across: area is weight
    labels = []
    for token, weight, point in zip(tokens, weights, points, strict=True):
        outward = point - hull.mean(axis=0)
        side = tuple(outward / (np.hypot(*outward) or 1.0))
        labels.append(_Label(point, f"{token} {two_decimals(weight)}", side, ink("value"), dots[point] / 2 + 5))
    labels = _merged([*labels, _Label(tuple(output), "output", (0.0, 1.0), ink("output"), 11)])
    size, draw_plane = _plane(np.vstack([values, output]), labels, 3.2, features)

    def draw(axes, limits):
        draw_plane(axes)
        axes.add_patch(Polygon(hull, facecolor="#E3F3EE", edgecolor=COLORS["value"], linewidth=1.2, zorder=1))
        for point, dot in dots.items():
            width = 0.6 + 5 * pull[point]
            axes.plot(*zip(point, output, strict=True), color=FAINT, linewidth=width, alpha=0.5, zorder=2)
            axes.plot(*point, "o", markersize=dot, color=COLORS["value"], zorder=3)
        axes.plot(*output, "D", markersize=11, color=COLORS["output"], markeredgecolor="white", zorder=5)

    parts = ", ".join(f"{number(weight)} of {token}" for token, weight in zip(tokens, weights, strict=True))
    alt = f"The output ({number(output[0])}, {number(output[1])}) lies among the values, mixed from {parts}."
    return CourseFigure((Panel(*size, draw, alt, title),))


def _plane(points, labels, inches, features):
    """Return the size of the part of the plane that shows all points and labels, and the function that draws it.

    Both axes have equal units, so that angles and lengths look as they are; the points reach over so many inches.
    """
    reach = max(*np.ptp(points, axis=0), 1e-9)
    unit = inches / reach  # inches per unit
    low, high = points.min(axis=0) - 0.3 / unit, points.max(axis=0) + 0.3 / unit
    for label in labels:
        width = (0.11 * len(label.text) + 0.1) / unit
        anchor = label.point[0] + label.away / 72 / unit * label.side[0]
        left = anchor - width * {"left": 0.0, "center": 0.5, "right": 1.0}[label.align]
        low[0], high[0] = min(low[0], left), max(high[0], left + width)
    magnitude = 10 ** math.floor(math.log10(reach / 3))
    step = magnitude * next(nice for nice in (1, 2, 5, 10) if nice * magnitude >= reach / 3)
    first, last = np.ceil(points.min(axis=0) / step - 1e-6), np.floor(points.max(axis=0) / step + 1e-6)
    across, up = ("", "") if features is None else names_of(features, 2, "feature", "column", "the plane")

    def draw(axes):
        axes.set(xlim=(low[0], high[0]), xticks=step * np.arange(first[0], last[0] + 1))
        axes.set(ylim=(low[1], high[1]), yticks=step * np.arange(first[1], last[1] + 1))
        axes.axhline(0, color=FAINT, linewidth=1, zorder=0)
        axes.axvline(0, color=FAINT, linewidth=1, zorder=0)
        axes.grid(True, color=GRID, linewidth=0.8)
        axes.set_axisbelow(True)
        axes.spines[:].set_visible(False)
        axes.tick_params(labelsize=SMALL, length=0, labelcolor=FAINT)
        axes.set_xlabel(across, parse_math=False)
        axes.set_ylabel(up, parse_math=False)
        for label in labels:
            x, y = label.side
            style = {"ha": label.align, "va": "bottom" if y > 0.35 else "top" if y < -0.35 else "center"}
            style |= {"color": label.color, "weight": "bold", "path_effects": [HALO], "zorder": 6}
            write(axes, label.point, label.text, (label.away * x, label.away * y), **style)

    return (high - low) * unit, draw


def _merged(labels):
    """One label where points coincide."""
    places = {}
    for label in labels:
        key = tuple(np.round(label.point, 6))
        there = places.get(key)
        places[key] = there._replace(text=f"{there.text}, {label.text}") if there else label
    return list(places.values())


def _draw_table(axes, table, colors):
    """Names and numbers, right of the drawing."""
    header = ["", "norm", "angle", "q · k"][: len(table[0])]
    width = 72 * max(text_width(axes, line[0], weight="bold") for line in table)
    for row, line in enumerate([header, *table]):
        style = {"size": TEXT, "color": INK} if row else {"size": SMALL, "color": FAINT}
        place = {"coordinates": "axes fraction", "va": "center_baseline"}
        for column, text in enumerate(line[1:], start=1):
            write(axes, (1, 1), text, (26 + width + 56 * column, -10 - 21 * row), ha="right", **place, **style)
        if row:
            write(axes, (1, 1), line[0], (26, -10 - 21 * row), color=colors[row - 1], weight="bold", **place)


def _hull(points):
    """The convex hull, counterclockwise (Andrew's monotone chain: the lower half, then the upper)."""
    ordered = np.unique(points, axis=0)
    hull = []
    for half in (ordered, ordered[::-1]):
        chain = []
        for point in half:
            while len(chain) > 1 and cross(chain[-1] - chain[-2], point - chain[-2]) <= 0:
                chain.pop()
            chain.append(point)
        hull += chain[:-1]
    return np.array(hull or ordered)  # a single point has no halves
