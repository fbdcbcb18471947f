"""What is kept of the past: a cache of keys and values beside a state that never grows."""

from matplotlib.patches import FancyArrowPatch

from course_lib.plotting import cells
from course_lib.plotting.figure import CourseFigure, Panel
from course_lib.plotting.inputs import visible
from course_lib.plotting.style import COLORS, FAINT, INK, SMALL, darker, write
from course_lib.plotting.words import count

CELL, SPACE = 0.15, 0.36  # inches: a number; between what is kept after two tokens
LONGEST = 8  # tokens: more would not fit beside each other


def show_memory(tokens, d_k, d_v, *, title=None) -> CourseFigure:
    """What attention keeps after each token, one little square a number.

    Above, the cache of softmax attention: one row for each token so far, its key and its value. Below, the state of
    linear attention: S, which has d_k rows and d_v columns, and beside it z with d_k numbers.

    tokens: their names, up to eight.
    """
    tokens = [visible(token) for token in tokens]
    n = len(tokens)
    if not 1 <= n <= LONGEST:
        raise ValueError(f"{count(n, 'token')}: this figure has room for 1 to {LONGEST}.")
    gap = CELL / 2  # between a key and its value, and between S and z
    step = (d_k + d_v) * CELL + gap + SPACE
    cache, between = n * CELL, 0.62
    state = cache + between
    width, height = n * step - SPACE, state + d_k * CELL + 0.3

    def squares(axes, x, y, rows, columns, role):
        color = COLORS[role]
        for i in range(rows):
            for j in range(columns):
                place = (x + j * CELL, y + i * CELL, CELL, CELL)
                cells.box(axes, *place, facecolor=color, edgecolor=darker(color, 0.55), linewidth=0.6)

    def draw(axes, limits):
        cells.blank(axes, width, height)
        below = {"ha": "center", "va": "top", "size": SMALL, "color": FAINT}
        for t, token in enumerate(tokens):
            x = t * step
            middle = x + (step - SPACE) / 2
            write(axes, (middle, 0), token, (0, 6), ha="center", va="bottom", weight="bold")
            for row in range(t + 1):
                squares(axes, x, row * CELL, 1, d_k, "key")
                squares(axes, x + d_k * CELL + gap, row * CELL, 1, d_v, "value")
            write(axes, (middle, (t + 1) * CELL), str((t + 1) * (d_k + d_v)), (0, -4), **below)
            left = middle - ((d_v + 1) * CELL + gap) / 2
            squares(axes, left, state, d_k, d_v, "value")
            squares(axes, left + d_v * CELL + gap, state, d_k, 1, "key")
            write(axes, (middle, state + d_k * CELL), str(d_k * (d_v + 1)), (0, -4), **below)
            if t + 1 < n:
                y, half = state + d_k * CELL / 2, ((d_v + 1) * CELL + gap) / 2
                ends = (middle + half + 0.05, y), (middle + step - half - 0.05, y)
                style = {"arrowstyle": "-|>", "mutation_scale": 11, "color": INK, "linewidth": 1.3}
                axes.add_patch(FancyArrowPatch(*ends, shrinkA=0, shrinkB=0, clip_on=False, **style))
                write(axes, (middle + step / 2, y), "+", (0, 5), ha="center", va="bottom")
        beside = {"offset": (-12, 0), "ha": "right", "va": "center"}
        write(axes, (0, cache / 2), "softmax:\ncache", **beside)
        write(axes, (0, state + d_k * CELL / 2), "linear:\nstate S, z", **beside)

    sizes = ", ".join(str((t + 1) * (d_k + d_v)) for t in range(n))
    alt = (
        f"What is kept after each of {count(n, 'token')}. Softmax attention keeps the key ({count(d_k, 'number')}) "
        f"and the value ({count(d_v, 'number')}) of every token: {sizes} numbers. Linear attention keeps "
        f"S ({d_k} by {d_v}) and z ({d_k}): {d_k * (d_v + 1)} numbers after every token; an arrow with a plus leads "
        "from each state to the next."
    )
    return CourseFigure((Panel(width, height, draw, alt, title),))
