"""Bars and curves: distributions beside each other, measurements over what was varied."""

from collections.abc import Mapping

import numpy as np

from course_lib.plotting import cells
from course_lib.plotting.figure import CourseFigure, Panel
from course_lib.plotting.inputs import names_of, numbers
from course_lib.plotting.style import (
    COLORS,
    CSS_DPI,
    FAINT,
    GRID,
    HALO,
    INK,
    LINE,
    SMALL,
    TEXT,
    darker,
    readable,
    write,
)
from course_lib.plotting.words import count, listing, number, peak, two_decimals, two_digits

# Measured curves have no role: these come in steps of lightness, each with a marker of its own.
SERIES = (("#1B2A41", "o"), ("#3B9AD9", "s"), ("#8C564B", "^"), ("#8F8F8F", "D"), ("#6A51A3", "v"))


def show_distributions(distributions, tokens, *, label="weight", title=None) -> CourseFigure:
    """Probability distributions over the same tokens as bars, side by side on one scale from 0 to 1.

    distributions: {name: (tokens,)}, such as {"T = 0.5": p, "T = 2": q}, or one array. label: what the numbers are.
    """
    if not isinstance(distributions, Mapping):
        distributions = {"": distributions}
    tokens = list(tokens)
    bars = {}
    for name, values in distributions.items():
        of = f"distribution {name!r}" if name else "distributions"
        bars[name] = numbers(values, of, ndim=1)
        tokens = names_of(tokens, len(bars[name]), "token", "bar", of)
    spacing = 0.42
    width = min(2.4, (8.4 + spacing) / len(bars) - spacing)
    total = len(bars) * (width + spacing) - spacing

    def draw(axes, limits):
        cells.blank(axes, total, len(tokens))
        for k, (name, values) in enumerate(bars.items()):
            left = k * (width + spacing)
            for tick in ("0", "0.5", "1"):
                x = left + float(tick) * width
                axes.plot([x, x], [0, len(tokens)], color=LINE, linewidth=0.8, zorder=0, clip_on=False)
                write(axes, (x, len(tokens)), tick, (0, -4), ha="center", va="top", size=SMALL, color=FAINT)
            for i, value in enumerate(values):
                _draw_bar(axes, left, i, value, width)
            write(axes, (left, 0), name, (0, 5), va="bottom", weight="bold")
        write(axes, (total / 2, len(tokens)), label, (0, -19), ha="center", va="top", size=SMALL)
        cells.label_rows(axes, tokens)

    alt = f"Bars over {count(len(tokens), 'token')} ({listing(tokens, 8)})."
    for name, values in bars.items():
        highest = peak(values, tokens)
        said = f"highest {highest[1]}, lowest {number(np.nanmin(values))}" if highest else "NaN"
        alt += f" {name}: {said}." if name else f" {said[0].upper()}{said[1:]}."
    return CourseFigure((Panel(total, len(tokens) * 0.9 * cells.ROW, draw, alt, title),))


def _draw_bar(axes, left, row, value, width):
    length = width * value if np.isfinite(value) else 0.0
    color = COLORS["weights"]
    cells.box(axes, left, row + 0.14, length, 0.72, facecolor=color, edgecolor=darker(color, 0.6), linewidth=0.8)
    style = {"offset": (-5, 0), "ha": "right"} if value > 0.68 else {"offset": (5, 0), "path_effects": [HALO]}
    write(axes, (left + length, row + 0.5), two_decimals(value), va="center_baseline", **style)


def show_curves(x, curves, xlabel, ylabel, *, theory=None, log="", mark=None, title=None) -> CourseFigure:
    """Measured curves, each named at its end; theory is the wide pale dashed line.

    x: (points,); curves: {name: (points,)}, or (seeds, points) for the mean of several runs with the band from the
    lowest to the highest of them; theory: {name: (points,)}; log: the axes that are logarithmic, "x", "y" or "xy";
    mark: {name: an x} for an upright line at a place that the text speaks of.
    """
    x = numbers(x, "x", ndim=1)
    runs = {
        name: numbers(y, f"curve {name!r}", ndim=np.ndim(y) if np.ndim(y) == 2 else 1) for name, y in curves.items()
    }
    theory = {name: numbers(y, f"theory {name!r}", ndim=1) for name, y in (theory or {}).items()}
    for name, y in (runs | theory).items():
        if y.shape[-1] != len(x):
            raise ValueError(f"{name!r} has {count(y.shape[-1], 'point')}, but x has {len(x)}.")
    curves = {name: y.mean(axis=0) if y.ndim == 2 else y for name, y in runs.items()}
    marks = {name: float(place) for name, place in (mark or {}).items()}
    if len(curves) > len(SERIES):
        raise ValueError(f"{len(curves)} curves are more than one figure keeps apart; show at most {len(SERIES)}.")

    def draw(axes, limits):
        ends = []
        for name, y in theory.items():  # wide and pale: seen even where the measurement lies on top of it
            axes.plot(x, y, color=LINE, linestyle=(0, (1.6, 0.6)), linewidth=6, zorder=1)
            ends.append((name, y, FAINT))
        for (name, y), (color, marker) in zip(curves.items(), SERIES, strict=False):
            axes.plot(x, y, color=color, marker=marker if len(x) <= 40 else None, markersize=6, linewidth=2, zorder=2)
            if runs[name].ndim == 2:
                lowest, highest = runs[name].min(axis=0), runs[name].max(axis=0)
                axes.fill_between(x, lowest, highest, color=color, alpha=0.18, linewidth=0, zorder=1.5)
            ends.append((name, y, color))
        _draw_axes(axes, x, log)
        for name, place in marks.items():
            axes.axvline(place, color=INK, linewidth=1.2, linestyle=(0, (4, 3)), zorder=1.2)
            above = {"offset": (0, 4), "coordinates": axes.get_xaxis_transform(), "ha": "center", "va": "bottom"}
            write(axes, (place, 1), f"{name}: {number(place)}", **above, size=SMALL)
        axes.set_xlabel(xlabel, parse_math=False)
        axes.set_ylabel(ylabel, parse_math=False)
        _label_ends(axes, x, ends)

    said = [f"{name} {_trend(x, y)}{_spread(x, runs[name])}" for name, y in curves.items()]
    said += [f"{name} (theory, dashed) {_trend(x, y)}" for name, y in theory.items()]
    alt = f"Curves of {ylabel} over {xlabel} from {number(x.min())} to {number(x.max())}: {'; '.join(said)}."
    alt += "".join(f" Marked: {name}, at {number(place)}." for name, place in marks.items())
    return CourseFigure((Panel(5.6, 3.4, draw, alt, title),))


def _draw_axes(axes, x, log):
    if "x" in log:
        axes.set_xscale("log")
        if len(x) <= 12:  # the measured points themselves are the best ticks
            axes.set_xticks(x, labels=map(number, x))
            axes.set_xticks([], minor=True)
    if "y" in log:
        axes.set_yscale("log")
    axes.tick_params(labelsize=SMALL, color=FAINT, which="both")
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)
    axes.grid(True, color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)


def _label_ends(axes, x, ends):
    """Every curve's name right of its last point, moved apart where names would touch."""
    axes.autoscale_view()
    points = 72 / CSS_DPI
    edge = axes.get_window_extent().x1 * points
    labels = []
    for name, y, color in ends:
        finite = np.flatnonzero(np.isfinite(y))
        if finite.size:
            last = finite[np.argmax(x[finite])]
            labels.append((axes.transData.transform((x[last], y[last])) * points, (x[last], y[last]), name, color))
    labels.sort(key=lambda label: label[0][1])
    heights = [place[1] for place, *_ in labels]
    for _ in range(100):  # push neighbors apart, a little at a time, until each has its line
        for k in range(len(heights) - 1):
            overlap = max(1.3 * TEXT - (heights[k + 1] - heights[k]), 0.0)
            heights[k] -= overlap / 2
            heights[k + 1] += overlap / 2
    for height, (place, end, name, color) in zip(heights, labels, strict=True):
        write(axes, end, name, (edge - place[0] + 6, height - place[1]), va="center", color=readable(color))


def _spread(x, runs):
    """Return what is said of the runs behind a mean: how many, and how far apart they end."""
    if runs.ndim == 1:
        return ""
    last = runs[:, np.argmax(x)]
    return f" (mean of {len(runs)} runs, which end between {two_digits(last.min())} and {two_digits(last.max())})"


def _trend(x, y):
    y = y[np.argsort(x, kind="stable")]
    y = y[np.isfinite(y)]
    if y.size == 0:
        return "has no finite value"
    first, last, low, high = y[0], y[-1], y.min(), y.max()
    tenth = 0.1 * (high - low)
    if high - low <= 0.1 * max(abs(low), abs(high)):
        return f"stays near {two_digits(y.mean())}"
    if high > max(first, last) + tenth:
        return f"goes from {two_digits(first)} up to {two_digits(high)} and ends at {two_digits(last)}"
    if low < min(first, last) - tenth:
        return f"goes from {two_digits(first)} down to {two_digits(low)} and ends at {two_digits(last)}"
    return f"{'rises' if last > first else 'falls'} from {two_digits(first)} to {two_digits(last)}"
