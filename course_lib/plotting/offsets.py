"""Pictures and what looks at them: pixels as shades, a kernel taken apart into heads, and where heads look."""

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.patches import Circle, FancyArrowPatch

from course_lib.plotting import cells
from course_lib.plotting.figure import CourseFigure, Panel
from course_lib.plotting.inputs import names_of, numbers, plain
from course_lib.plotting.style import COLORS, FAINT, GRID, HALO, INK, SMALL, ink, shades, write
from course_lib.plotting.words import MINUS, count, listing, number

PICTURE, SMALLEST, SPACE, WIDEST = 1.05, 0.55, 0.22, 7.6  # inches: a picture's side, the gap beside it, a row
BELOW = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def show_pictures(pictures, names, *, role="input", query=None, ring=0, title=None) -> CourseFigure:
    """Pictures beside each other, a shade for each pixel, on one scale; query: a pixel (row, column) to frame.

    pictures: (n, height, width): numbers, or with role="weights" what each pixel gets; names: one for each; ring: how
    many of the outermost pixels on every side are padding.
    """
    array = plain(pictures)
    if array.ndim != 3 or array.size == 0:
        raise ValueError(f"pictures has shape {array.shape}, but this figure shows (n, height, width).")
    names = names_of(names, len(array), "name", "picture", "pictures")
    array = array.astype(np.float64)
    height, width = array.shape[1:]
    side = max(SMALLEST, min(PICTURE, (WIDEST + SPACE) / len(array) - SPACE))
    unit = side / max(height, width)  # inches per pixel
    step_x, step_y = width * unit + SPACE, height * unit + SPACE + 0.22
    columns = max(1, min(len(array), int((WIDEST + SPACE) / step_x)))
    rows = -(-len(array) // columns)
    shade, limits = shades(role), cells.range_of(array)

    def draw(axes, _):
        cells.blank(axes, columns * step_x - SPACE, rows * step_y - SPACE - 0.22)
        for i, (name, picture) in enumerate(zip(names, array, strict=True)):
            left, top = (i % columns) * step_x, (i // columns) * step_y
            colors = [[to_rgb(shade(value, limits)) for value in row] for row in picture]
            extent = (left, left + width * unit, top + height * unit, top)
            axes.imshow(colors, extent=extent, aspect="auto", interpolation="nearest", clip_on=False)
            cells.frame(axes, width * unit, height * unit, (left, top))
            for line in range(1, height if role == "weights" else 1):  # most weights are white: where does a pixel end?
                y = top + line * unit
                axes.plot([left, left + width * unit], [y, y], color=GRID, linewidth=0.6, zorder=1, clip_on=False)
            for line in range(1, width if role == "weights" else 1):
                x = left + line * unit
                axes.plot([x, x], [top, top + height * unit], color=GRID, linewidth=0.6, zorder=1, clip_on=False)
            if ring:
                inner = ((width - 2 * ring) * unit, (height - 2 * ring) * unit, (left + ring * unit, top + ring * unit))
                cells.frame(axes, *inner)
            if query is not None:
                row, column = query
                style = {"fill": False, "edgecolor": COLORS["query"], "linewidth": 2.2, "zorder": 4}
                cells.box(axes, left + column * unit, top + row * unit, unit, unit, **style)
            write(axes, (left + width * unit / 2, top), name, (0, 4), ha="center", va="bottom", size=SMALL)

    said = {"input": "Pictures", "weights": "Attention weights over pictures"}.get(
        role, f"{role.capitalize()} pictures"
    )
    alt = f"{said} of {height} by {width} pixels: {listing(names, 12)}."
    if ring:
        alt += (
            f" A ring of {count(ring, 'pixel')} around the inner {height - 2 * ring} by {width - 2 * ring} is padding."
        )
    if query is not None:
        alt += f" The query is the pixel in row {query[0]}, column {query[1]}."
    if role == "weights":
        alt += " " + " ".join(f"{name}: {_most(picture)}." for name, picture in zip(names, array, strict=True))
    return CourseFigure((Panel(columns * step_x - SPACE, rows * step_y - SPACE - 0.22, draw, alt, title),))


def show_kernel_heads(kernel_size=3, *, title=None) -> CourseFigure:
    """A kernel taken apart: the pixels around a query, a head that looks at each, its matrix, and their sum."""
    reach = kernel_size // 2
    offsets = [(row, column) for row in range(-reach, reach + 1) for column in range(-reach, reach + 1)]
    chosen = sorted({kernel_size - 1, len(offsets) // 2 + reach, len(offsets) - 1})  # on the right; the others are dots
    unit, width, height = 0.66, 7.4, 2.75
    top = (height - unit * kernel_size) / 2
    rows = np.linspace(0.4, height - 0.4, len(chosen))

    def draw(axes, _):
        cells.blank(axes, width, height)
        for h, (row, column) in enumerate(offsets):
            x, y = unit * (column + reach), top + unit * (row + reach)
            fill = shades("key")(0.7 if h in chosen else 0.15, (0, 1))
            cells.box(axes, x, y, unit, unit, facecolor=fill, edgecolor="white", linewidth=2)
            write(axes, (x + unit / 2, y + unit / 2), _pair(row, column), ha="center", va="center_baseline", size=SMALL)
        middle = {"fill": False, "edgecolor": COLORS["query"], "linewidth": 2.6, "zorder": 4}
        cells.box(axes, unit * reach, top + unit * reach, unit, unit, **middle)
        write(
            axes,
            (unit * kernel_size / 2, top),
            "offsets around the query",
            (0, 6),
            ha="center",
            va="bottom",
            size=SMALL,
        )
        for y, h in zip(rows, chosen, strict=True):
            row, column = offsets[h]
            start = (unit * (column + reach + 0.5), top + unit * (row + reach + 0.5))
            _arrow(axes, (start[0] + 0.24, start[1]), (2.75, y), COLORS["key"])
            _box(axes, 2.75, y, 1.5, f"head {h + 1}", "weights", f"all weight on {_pair(row, column)}")
            _arrow(axes, (4.25, y), (4.65, y), FAINT)
            _box(axes, 4.65, y, 0.85, f"· W{str(h + 1).translate(BELOW)}", "value")
            _arrow(axes, (5.5, y), (6.12, height / 2), FAINT)
        for y in (rows[:-1] + rows[1:]) / 2:
            for x in (3.5, 5.07):
                write(axes, (x, y), "⋮", ha="center", va="center", color=FAINT)
        axes.add_patch(Circle((6.3, height / 2), 0.19, facecolor="white", edgecolor=INK, linewidth=1.4, clip_on=False))
        write(axes, (6.3, height / 2), "+", ha="center", va="center_baseline")
        _arrow(axes, (6.5, height / 2), (6.88, height / 2), FAINT)
        cells.box(axes, 6.9, height / 2 - 0.24, 0.48, 0.48, facecolor=COLORS["output"], linewidth=0)
        write(
            axes, (7.14, height / 2 + 0.24), "output", (0, -5), ha="center", va="top", size=SMALL, color=ink("output")
        )

    alt = (
        f"A {kernel_size} by {kernel_size} kernel as {count(len(offsets), 'head')}: each puts all its weight on the "
        f"pixel at one offset from the query, from {_pair(*offsets[0])} to {_pair(*offsets[-1])}, multiplies it "
        f"by its own matrix W, and the results are added to the output."
    )
    return CourseFigure((Panel(width, height, draw, alt, title),))


def show_offsets(paths, *, alpha=None, kernel_size=3, reach=None, title=None) -> CourseFigure:
    """Where heads look, as offsets from the query in the middle: open dots at first, filled ones at last.

    paths: (steps, num_heads, 2) centers (row, column) on their way, or (num_heads, 2) where they are; alpha:
    (num_heads,): a pale disk around the last center, as wide as the standard deviation of its weights without an edge.
    """
    paths = plain(paths).astype(np.float64)
    paths = paths[None] if paths.ndim == 2 else paths
    if paths.ndim != 3 or paths.shape[-1] != 2 or paths.size == 0:
        raise ValueError(f"paths has shape {paths.shape}; centers on their way have shape (steps, num_heads, 2).")
    heads = paths.shape[1]
    wide = None if alpha is None else 1 / np.sqrt(2 * numbers(alpha, "alpha", ndim=1))
    if wide is not None and len(wide) != heads:
        raise ValueError(f"{count(len(wide), 'alpha')} but {count(heads, 'head')}: give one alpha per head.")
    kernel = kernel_size // 2
    reach = reach or max(kernel + 1, int(np.ceil(np.abs(paths).max() - 0.5)))
    unit = 3.6 / (2 * reach + 1)

    def draw(axes, _):
        axes.set_xlim(-reach - 0.5, reach + 0.5)
        axes.set_ylim(reach + 0.5, -reach - 0.5)
        for line in np.arange(-reach - 0.5, reach + 1):
            axes.plot([line, line], [-reach - 0.5, reach + 0.5], color=GRID, linewidth=1, zorder=0)
            axes.plot([-reach - 0.5, reach + 0.5], [line, line], color=GRID, linewidth=1, zorder=0)
        side = 2 * kernel + 1
        frame = {"fill": False, "edgecolor": FAINT, "linewidth": 1.6, "linestyle": (0, (4, 2)), "zorder": 1}
        cells.box(axes, -kernel - 0.5, -kernel - 0.5, side, side, **frame)
        cells.box(axes, -0.5, -0.5, fill=False, edgecolor=COLORS["query"], linewidth=2.2, zorder=1)
        for h in range(heads):
            row, column = paths[:, h].T
            if wide is not None:
                disk = {"facecolor": COLORS["weights"], "alpha": 0.22, "linewidth": 0, "zorder": 2}
                axes.add_patch(Circle((column[-1], row[-1]), wide[h], **disk))
            if len(paths) > 1:
                axes.plot(column, row, color=COLORS["key"], linewidth=1.6, zorder=3)
                axes.plot(column[0], row[0], "o", markersize=6, color="white", markeredgecolor=ink("key"), zorder=4)
            axes.plot(column[-1], row[-1], "o", markersize=8, color=COLORS["key"], markeredgecolor=ink("key"), zorder=5)
            last = {"va": "center_baseline", "size": SMALL, "path_effects": [HALO], "zorder": 6}
            write(axes, (column[-1], row[-1]), str(h + 1), (6, 0), **last)
        ticks = np.arange(-reach, reach + 1)
        axes.set_xticks(ticks, labels=[number(t) for t in ticks])
        axes.set_yticks(ticks, labels=[number(t) for t in ticks])
        axes.tick_params(labelsize=SMALL, length=0, labelcolor=FAINT)
        axes.spines[:].set_visible(False)
        axes.set_xlabel("columns from the query", fontsize=SMALL)
        axes.set_ylabel("rows from the query", fontsize=SMALL)

    ends = "; ".join(f"head {h + 1} at ({number(row)}, {number(column)})" for h, (row, column) in enumerate(paths[-1]))
    alt = f"Where {count(heads, 'head')} look, in rows and columns from the query: {ends}."
    if len(paths) > 1:
        moved = np.linalg.norm(paths[-1] - paths[0], axis=-1)
        alt += f" They have moved by {number(moved.min())} to {number(moved.max())} pixels."
    if wide is not None:
        alt += f" Their weights spread over {number(wide.min())} to {number(wide.max())} pixels."
    inside = np.all(np.abs(paths[-1]) <= kernel + 0.5, axis=-1).sum()
    alt += f" {inside} of them are inside the {kernel_size} by {kernel_size} kernel's square."
    side = (2 * reach + 1) * unit
    return CourseFigure((Panel(side, side, draw, alt, title),))


def _arrow(axes, start, end, color):
    style = {"arrowstyle": "-|>", "mutation_scale": 11, "shrinkA": 0, "shrinkB": 0, "linewidth": 1.5}
    axes.add_patch(FancyArrowPatch(start, end, color=color, clip_on=False, zorder=5, **style))


def _box(axes, x, y, width, text, role, below=""):
    color = COLORS[role]
    cells.box(axes, x, y - 0.2, width, 0.4, facecolor="white", edgecolor=color, linewidth=1.8)
    write(axes, (x + width / 2, y), text, ha="center", va="center_baseline", color=ink(role))
    write(axes, (x + width / 2, y + 0.2), below, (0, -3), ha="center", va="top", size=SMALL, color=FAINT)


def _pair(row, column):
    return f"({row}, {column})".replace("-", MINUS)


def _most(weights):
    row, column = np.unravel_index(weights.argmax(), weights.shape)
    return f"most on row {row}, column {column} ({number(weights[row, column])})"
