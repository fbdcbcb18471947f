"""The colors of the course and what they mean."""

from matplotlib.patches import FancyBboxPatch

from course_lib.plotting import cells
from course_lib.plotting.figure import CourseFigure, Panel
from course_lib.plotting.style import BELOW_ZERO, COLORS, FAINT, GRID, INK, SMALL, darker, readable, write

MEANINGS = (  # color, its name, role, what it shows
    (COLORS["query"], "blue", "query", "a word's question: what it asks for"),
    (COLORS["key"], "orange", "key", "a word's name plate: what it answers to"),
    (COLORS["weights"], "pink", "weights", "a word's attention: how much it takes from each word"),
    (COLORS["value"], "green", "value", "a word's message: what it passes on"),
    (COLORS["output"], "vermilion", "output", "a word's result: what it holds afterward"),
    (COLORS["scores"], "gray", "none yet", "numbers without a role yet: what comes in, and scores"),
    (BELOW_ZERO, "yellow", "negative", "numbers below zero, whatever their role"),
)
ROW, WIDTH, SWATCH = 0.36, 7.9, (0.62, 0.25)  # inches
NAME, ROLE, MEANING = 0.8, 1.8, 3.1  # inches from the left


def show_colors(*, title=None) -> CourseFigure:
    """A swatch of every color, its role, and what it shows."""
    height = ROW * (len(MEANINGS) + 0.9)

    def draw(axes, limits):
        cells.blank(axes, WIDTH, height)
        for x, head in ((0, "color"), (ROLE, "role"), (MEANING, "what it shows")):
            write(axes, (x, 0.4 * ROW), head, va="center_baseline", size=SMALL, color=FAINT)
        for row, (color, name, role, meaning) in enumerate(MEANINGS):
            top = ROW * (row + 0.9)
            axes.plot([0, WIDTH], [top, top], color=GRID, linewidth=0.8, zorder=0)
            style = {"boxstyle": "round,pad=0,rounding_size=0.06", "facecolor": color, "edgecolor": darker(color, 0.8)}
            axes.add_patch(FancyBboxPatch((0, top + (ROW - SWATCH[1]) / 2), *SWATCH, clip_on=False, **style))
            ink = INK if color == BELOW_ZERO else readable(color)
            for x, text, look in (
                (NAME, name, {}),
                (ROLE, role, {"weight": "bold", "color": ink}),
                (MEANING, meaning, {}),
            ):
                write(axes, (x, top + ROW / 2), text, va="center_baseline", **look)

    said = "; ".join(f"{name} is {role}, {meaning}" for _, name, role, meaning in MEANINGS)
    return CourseFigure((Panel(WIDTH, height, draw, f"The colors of the course: {said}.", title),))
