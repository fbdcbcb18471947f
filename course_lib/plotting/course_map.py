"""The way through the course, drawn at the top of every lesson."""

from matplotlib.patches import FancyBboxPatch

from course_lib.plotting import cells
from course_lib.plotting.figure import CourseFigure, Panel
from course_lib.plotting.style import FAINT, INK, LINE, SMALL, text_width, write
from course_lib.plotting.words import count

COURSE = {
    "I  The mechanism": ("Start here", "Dot-product scores", "Scaling", "Softmax and values", "Masking"),
    "II  The layer": ("Self-attention", "Multi-head attention", "Positional encoding", "Transformer block", "Decoder"),
    "III  At work": ("Teacher forcing", "Speech to characters"),
    "IV  Relatives": ("Convolution", "Recurrence", "Pooling"),
}
LEFTS = dict(zip(COURSE, (0.0, 2.35, 4.75, 7.1), strict=True))  # inches
WIDTH, TOP, STEP = 8.6, 0.36, 0.27


def show_course_map(current: int) -> CourseFigure:
    """The way through the course: chapters behind (filled), this one (on black), those ahead (open)."""
    stops = [(part, title) for part, titles in COURSE.items() for title in titles]
    if not 0 <= current < len(stops):
        raise ValueError(f"chapter {current} is not on the map, which goes from 0 to {len(stops) - 1}.")
    here, chapter = stops[current]
    height = TOP + STEP * max(map(len, COURSE.values()))

    def draw(axes, limits):
        cells.blank(axes, WIDTH, height)
        for part, titles in COURSE.items():
            color = INK if part == here else FAINT
            write(axes, (LEFTS[part], 0.14), part, va="center_baseline", size=SMALL, weight="bold", color=color)
            ends = [TOP + STEP * 0.5, TOP + STEP * (len(titles) - 0.5)]
            axes.plot([LEFTS[part] + 0.1] * 2, ends, color=LINE, linewidth=2.5, zorder=1)
        for stop, (part, title) in enumerate(stops):
            x, y = LEFTS[part], TOP + STEP * (COURSE[part].index(title) + 0.5)
            text = f"{stop:02d}  {title}"
            edge, fill, color = FAINT, FAINT if stop < current else "white", INK if stop < current else FAINT
            if stop == current:
                edge = fill = color = "white"
                length = 0.4 + text_width(axes, text, SMALL)
                pill = {"boxstyle": "round,pad=0,rounding_size=0.13", "facecolor": INK, "edgecolor": "none"}
                axes.add_patch(FancyBboxPatch((x - 0.02, y - 0.13), length, 0.26, zorder=2, clip_on=False, **pill))
            dot = {"markersize": 7, "markerfacecolor": fill, "markeredgecolor": edge, "markeredgewidth": 1.5}
            axes.plot(x + 0.1, y, "o", zorder=3, clip_on=False, **dot)
            write(axes, (x + 0.26, y), text, va="center_baseline", size=SMALL, color=color, zorder=4)

    alt = (
        f"Course map: chapter {current:02d}, {chapter}, in part {here.replace('  ', ', ')}; "
        f"{count(current, 'chapter')} behind, {len(stops) - 1 - current} ahead."
    )
    return CourseFigure((Panel(WIDTH, height, draw, alt),))
