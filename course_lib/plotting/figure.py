"""The figure that a notebook displays: panels, each of its own size, placed by what they measure."""

import html
import io
import math
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image, ImageDraw

from course_lib.plotting.style import CSS_DPI, PIXEL_RATIO, TITLE, course_style, text_width, write

MAX_WIDTH, GAP, MARGIN = 9.6, 0.35, 0.12  # inches; wider rows wrap
CLEAR = 255  # the last color of a picture
# Small and quiet in light and dark themes alike: it has no color of its own.
FOLDED = "style='font-size: 75%; line-height: 1; opacity: 0.7'"


@dataclass(frozen=True)
class Panel:
    """One picture inside a figure: a drawing area in inches, who draws it, and what it says in words.

    Without numbers in their cells, panels of one `kind` share a color scale, from the lowest to the highest of their
    `limits`.
    """

    width: float
    height: float
    draw: Callable[[Axes, tuple[float, float]], None]
    alt: str
    title: str | None = None
    kind: str = ""
    limits: tuple[float, float] = (0.0, 1.0)


@dataclass(frozen=True, repr=False)
class CourseFigure:
    """A finished figure. Notebooks display it; `alt` says it in words; `save(path)` writes it."""

    panels: tuple[Panel, ...]

    @property
    def alt(self) -> str:
        """What the figure shows, made from the data alone."""
        return " ".join(f"{panel.title}: {panel.alt}" if panel.title else panel.alt for panel in self.panels)

    @cached_property
    def figure(self) -> Figure:
        """The matplotlib figure. It belongs to no pyplot state and needs no closing."""
        with course_style():
            return _lay_out(self.panels)

    @cached_property
    def png(self) -> bytes:
        """The picture in 255 colors, none at its corners: as good to the eye, and a third of the size when stored."""
        full, small = io.BytesIO(), io.BytesIO()
        with course_style():
            self.figure.savefig(full, format="png", dpi=CSS_DPI * PIXEL_RATIO)
        picture = _rounded(Image.open(full).convert("RGB").quantize(255, dither=Image.Dither.NONE))
        picture.save(small, format="png", optimize=True, transparency=CLEAR)
        return small.getvalue()

    def save(self, path) -> None:
        """Write the figure to a file; the ending (.png, .svg, .pdf) says which format."""
        with course_style():
            self.figure.savefig(path, dpi=CSS_DPI * PIXEL_RATIO)

    def _ipython_display_(self):
        """Show the picture, and below it the words, folded: few pages hand a picture's alternative text on."""
        from IPython.display import display  # there is one: IPython is calling

        name = ", ".join(panel.title for panel in self.panels if panel.title) or "figure"
        picture = {"image/png": b64encode(self.png).decode("ascii"), "text/plain": name}
        about = {"alt": self.alt, "width": round(self.figure.get_figwidth() * CSS_DPI)}
        display(picture, raw=True, metadata={"image/png": about})
        folded = f"<details {FOLDED}><summary>In words</summary>{html.escape(self.alt)}</details>"
        display({"text/html": folded, "text/plain": self.alt}, raw=True)

    def __repr__(self):
        return self.alt


def side_by_side(*figures: CourseFigure) -> CourseFigure:
    """Figures beside each other, from left to right, as many in a row as fit.

    Same shade, same number: also where matrices of one kind are too large for numbers, which get one scale then.
    """
    return CourseFigure(tuple(panel for figure in figures for panel in figure.panels))


def _rounded(picture):
    """Return the picture with its corners cut off: on a dark page it is a white card."""
    corners = Image.new("1", picture.size, 1)
    box = (0, 0, picture.width - 1, picture.height - 1)
    ImageDraw.Draw(corners).rounded_rectangle(box, 0.1 * CSS_DPI * PIXEL_RATIO, fill=0)
    colors = (picture.getpalette() + [255] * 768)[:765]
    picture.putpalette([*colors, 255, 255, 255])
    picture.paste(CLEAR, mask=corners)
    return picture


def _lay_out(panels: Sequence[Panel]) -> Figure:
    """Draw every panel at its own size, measure the room its names take, then place the panels in rows."""
    figure = Figure(figsize=(MAX_WIDTH, MAX_WIDTH), dpi=CSS_DPI, facecolor="white")
    FigureCanvasAgg(figure)
    rows, used = [], math.inf
    for panel in panels:
        alike = [other.limits for other in panels if other.kind == panel.kind]
        axes = figure.add_axes((0, 0, panel.width / MAX_WIDTH, panel.height / MAX_WIDTH))
        panel.draw(axes, (min(low for low, _ in alike), max(high for _, high in alike)))
        left, right, *_ = reach = _reach(axes, panel)
        needed = left + panel.width + right
        if used + needed > MAX_WIDTH:
            rows.append([])
            used = 0.0
        used += needed + GAP
        rows[-1].append((axes, panel, reach))

    places, width, y = [], 0.0, MARGIN
    for row in rows:
        x = MARGIN
        above = max(reach[2] for *_, reach in row)
        y += above + (0.32 if any(panel.title for _, panel, _ in row) else 0.0)
        for axes, panel, (left, right, *_) in row:
            if panel.title:
                write(axes, (0, 1), panel.title, (0, above * 72 + 7), "axes fraction", size=TITLE, weight="bold")
            places.append((axes, panel, x + left, y))
            x += left + panel.width + right + GAP
        width = max(width, x - GAP + MARGIN)
        y += max(panel.height + reach[3] for _, panel, reach in row) + GAP
    height = y - GAP + MARGIN

    figure.set_size_inches(width, height)
    for axes, panel, left, top in places:
        bottom = height - top - panel.height
        axes.set_position((left / width, bottom / height, panel.width / width, panel.height / height))
    return figure


def _reach(axes, panel):
    """Return how far names and titles reach to the left, to the right, above and below a drawing area, in inches."""
    drawn, area = axes.get_tightbbox(), axes.get_window_extent()
    beyond = (area.x0 - drawn.x0, drawn.x1 - area.x1, drawn.y1 - area.y1, area.y0 - drawn.y0)
    left, right, above, below = (max(side / CSS_DPI, 0.0) for side in beyond)
    title = text_width(axes, panel.title, TITLE, "bold") if panel.title else 0.0
    return left, max(right, title - panel.width), above, below
