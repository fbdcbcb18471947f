"""Rows and columns of cells, with their numbers and the names on their sides: what every matrix is drawn with."""

import numpy as np
from matplotlib.colors import to_hex, to_rgb
from matplotlib.patches import Rectangle

from course_lib.plotting.figure import Panel
from course_lib.plotting.style import CSS_DPI, FAINT, INK, SMALL, TEXT, ink, ink_on, shades, text_width, write
from course_lib.plotting.words import cell_writer, number

CELL, NARROW, ROW = 0.54, 0.47, 0.42  # inches: the width of a cell for decimals and for whole numbers, its height
MASKED = "#ECECEC"
ASKS_ANSWERS = ("query (who asks)", "key (who answers)")


def cell_size(columns, rows, widest=CELL):
    """Return the width and the height of one of so many cells, and whether there is room for a number in it."""
    width, height = min(widest, max(7.4 / columns, 0.16)), min(ROW, max(4.6 / rows, 0.16))
    return width, height, width >= 0.42 and height >= 0.25


def widest_cell(values):
    """Return how wide cells should be at most: whole numbers of one or two characters need less room."""
    written = cell_writer(values)
    return NARROW if all(len(written(value)) <= 2 for value in values.flat) else CELL


def range_of(values):
    """Return the ends of a color scale for the values; zero is always on it."""
    finite = values[np.isfinite(values)]
    return finite.min(initial=0.0), finite.max(initial=0.0)


def matrix_panel(values, rows, columns, role, alt, title, *, kind="", widest=CELL, sides=None, hidden=None, sums=None):
    """The panel of one matrix with names on both sides, and on the right the sums of the rows if there are some."""
    n_rows, n_columns = values.shape
    cell, height, numbers = cell_size(n_columns, n_rows, widest)
    shade = shades(role)

    def draw(axes, limits):
        blank(axes, n_columns, n_rows)
        draw_cells(axes, values, shade, None if numbers else limits, hidden)
        label_sides(axes, rows, columns, sides, cell, height)
        if not numbers:
            draw_scale(axes, shade, limits, n_rows, n_columns, height)
        if sums is not None:
            _draw_sums(axes, sums, n_columns)

    # Without numbers the shades alone must tell, so they spread over what there is, in all panels of a kind alike.
    scale = () if numbers else (kind or role, range_of(values))
    return Panel(n_columns * cell, n_rows * height, draw, alt, title, *scale)


def blank(axes, columns, rows):
    """Coordinates in cells, from the top left, as matrices are indexed."""
    axes.set_xlim(0, columns)
    axes.set_ylim(rows, 0)
    axes.axis("off")


def box(axes, x, y, width=1, height=1, **style):
    axes.add_patch(Rectangle((x, y), width, height, clip_on=False, **style))


def frame(axes, columns, rows, at=(0, 0)):
    box(axes, *at, columns, rows, fill=False, edgecolor=FAINT, linewidth=0.8, zorder=3)


def hatched(axes, x, y):
    box(axes, x, y, facecolor=MASKED, edgecolor="#BDBDBD", hatch="////", linewidth=0)


def draw_cells(axes, values, shade, limits=None, hidden=None, at=(0, 0)):
    """The cells of one matrix, with their numbers unless limits spread their shades.

    Hidden cells are hatched and carry no number, unless there is something in them.
    """
    numbers = limits is None
    left, top = at
    written = cell_writer(values)
    cell = axes.get_window_extent().width / CSS_DPI / axes.get_xlim()[1]
    for (i, j), value in np.ndenumerate(values):
        gone = (hidden is not None and hidden[i, j]) or value == -np.inf
        color = to_hex(shade(value, limits)) if np.isfinite(value) and not gone else MASKED
        if gone:
            hatched(axes, left + j, top + i)
        else:
            box(axes, left + j, top + i, facecolor=color, edgecolor="white", linewidth=1.5 if numbers else 0.5)
        if numbers and not (gone and value == 0):
            text = written(value)
            style = {"ha": "center", "va": "center_baseline", "color": ink_on(color)}
            style["size"] = min(TEXT, 0.82 * cell * 72 / (0.62 * len(text)))
            if gone:
                style["bbox"] = {"facecolor": MASKED, "edgecolor": "none", "pad": 1}
            write(axes, (left + j + 0.5, top + i + 0.5), text, **style)
    frame(axes, *values.shape[::-1], at)


def draw_scale(axes, shade, limits, rows, columns, height):
    """The key to the shades, below a matrix too large for numbers."""
    low, high = limits
    top, bottom, length = rows + 0.14 / height, rows + 0.28 / height, columns / 2
    colors = [[to_rgb(shade(value, limits)) for value in np.linspace(low, high, 64)]]
    axes.imshow(colors, extent=(0, length, bottom, top), aspect="auto", clip_on=False)
    box(axes, 0, top, length, bottom - top, fill=False, edgecolor=FAINT, linewidth=0.8)
    for x, value in ((0, low), (length, high)):
        write(axes, (x, bottom), number(value), (0, -4), ha="center", va="top", size=SMALL)


def _draw_sums(axes, sums, columns):
    write(axes, (columns, 0), "sum", (8, 5), va="bottom", size=SMALL, color=FAINT)
    for i, total in enumerate(sums):
        write(axes, (columns, i + 0.5), f"= {number(total)}", (8, 0), va="center_baseline")


def label_rows(axes, names, at=(0, 0), color=INK, size=TEXT):
    """Names left of the rows; returns how far they reach, in points."""
    left, top = at
    style = {"ha": "right", "va": "center_baseline", "size": size, "color": color}
    texts = [write(axes, (left, top + i + 0.5), _shortened(name), (-6, 0), **style) for i, name in enumerate(names)]
    return 6 + max(text.get_window_extent().width for text in texts) * 72 / CSS_DPI


def label_columns(axes, names, cell, at=(0, 0), color=INK, size=TEXT):
    """Names above the columns, upright where all of them fit and otherwise slanted; returns how far they reach."""
    left, top = at
    names = [_shortened(name) for name in names]
    shift, style = 0.5, {"ha": "center", "va": "bottom", "size": size, "color": color}
    if max(text_width(axes, name, size) for name in names) > 0.86 * cell:
        shift, style = 0.42, style | {"ha": "left", "rotation": 45, "rotation_mode": "anchor"}
    texts = [write(axes, (left + j + shift, top), name, (0, 5), **style) for j, name in enumerate(names)]
    edge = axes.transData.transform((left, top))[1]
    return max(text.get_window_extent().y1 - edge for text in texts) * 72 / CSS_DPI


def label_sides(axes, rows, columns, sides, cell, height):
    """The names of both sides and what the sides are; a matrix of tokens by features needs no telling."""
    reach_left = label_rows(axes, rows, size=min(TEXT, 58 * height))
    reach_up = label_columns(axes, columns, cell, size=min(TEXT, 58 * cell), color=INK if sides else FAINT)
    if sides:
        left, up = (ink("query"), ink("key")) if sides == ASKS_ANSWERS else (FAINT, FAINT)
        style = {"ha": "right", "va": "center", "rotation": 90, "size": SMALL, "color": left}
        write(axes, (0, len(rows) / 2), sides[0], (-6 - reach_left, 0), **style)
        style = {"ha": "center", "va": "bottom", "size": SMALL, "color": up}
        write(axes, (len(columns) / 2, 0), sides[1], (0, reach_up + 5), **style)


def _shortened(name, limit=16):
    return name if len(name) <= limit else f"{name[: limit - 6]}…{name[-5:]}"
