"""Colors, fonts and sizes, and text that is set in them."""

import warnings
from contextlib import contextmanager

import matplotlib
from matplotlib import font_manager
from matplotlib.colors import LinearSegmentedColormap, to_hex, to_rgb
from matplotlib.patheffects import withStroke

# One color per role through the whole course (Okabe and Ito's palette, made for color-blind readers).
COLORS = {
    "query": "#0072B2",
    "key": "#E69F00",
    "value": "#009E73",
    "weights": "#CC79A7",
    "output": "#D55E00",
    "scores": "#4A5560",
    "input": "#4A5560",
}
INK, FAINT, LINE, GRID = "#222222", "#707070", "#C8C8C8", "#EAEAEA"
BELOW_ZERO = "#F0E442"  # a negative number, whatever its role; lighter than the color of every role

# Fonts that carry the scripts of the course's data on Linux, macOS and Windows: DejaVu, which comes with matplotlib and
# has most of them, then those for Japanese, Chinese, Korean and Devanagari.
FONTS = (
    *("DejaVu Sans", "Noto Sans CJK JP", "Noto Sans CJK SC", "Hiragino Sans", "Hiragino Sans GB", "PingFang SC"),
    *("Yu Gothic", "Meiryo", "MS Gothic", "Microsoft YaHei", "SimHei", "WenQuanYi Zen Hei", "IPAGothic"),
    *("Noto Sans CJK KR", "Apple SD Gothic Neo", "Malgun Gothic"),
    *("Noto Sans Devanagari", "Kohinoor Devanagari", "Nirmala UI", "Arial Unicode MS"),
)

CSS_DPI, PIXEL_RATIO = 96, 2  # an inch on a web page; pixels per CSS pixel, for projectors and dense screens
TEXT, SMALL, TITLE = 12, 10.5, 13  # points
HALFWAY = 2.5  # the number whose shade is halfway from zero to the deepest
HALO = withStroke(linewidth=3, foreground="white")  # keeps words readable where they cross a line


@contextmanager
def course_style():
    """Matplotlib's settings while a figure is drawn; outside they are the reader's own."""
    installed = {font.name for font in font_manager.fontManager.ttflist}
    settings = {
        **{"font.family": [name for name in FONTS if name in installed], "font.size": TEXT, "axes.labelsize": TEXT},
        **{"axes.labelcolor": INK, "xtick.labelcolor": INK, "ytick.labelcolor": INK, "hatch.linewidth": 0.8},
    }
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        # Where this machine has no font for a script the placeholder box stands; the reader cannot help it here.
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        yield


def color_of(role):
    """Return the color of a role, or say which roles there are."""
    if role not in COLORS:
        raise ValueError(f"role={role!r} is none of the course's roles: {', '.join(COLORS)}.")
    return COLORS[role]


def ink(role):
    """Return the role's color for text."""
    return readable(color_of(role))


def readable(color, on="white"):
    """Return the color, dark enough to be read as text on white or on a light color (contrast at least 4.5)."""
    while (luminance(on) + 0.05) / (luminance(color) + 0.05) < 4.5:
        color = darker(color, 0.95)
    return color


def tint(color, share):
    """Return so much of the color with white."""
    return to_hex([1 - share * (1 - channel) for channel in to_rgb(color)])


def ink_on(color):
    """Return the color of numbers on a cell: the page's ink, black or white, with a contrast of at least 4.5."""
    ground = luminance(color) + 0.05
    if ground / (luminance(INK) + 0.05) >= 4.5:
        return INK
    return "black" if ground / 0.05 > 1.05 / ground else "white"


def darker(color, factor):
    return to_hex([factor * channel for channel in to_rgb(color)])


def luminance(color):
    """Return the relative luminance, as the web's rules for contrast define it."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def depth(role, value, limits=None):
    """Return how far the shade of a value is from white, from 0 to 1.

    Without limits, which cells with numbers do without, a value has one shade in all figures. Limits spread the shades
    over the values of one figure.
    """
    if limits is not None:
        return min(abs(value) / (max(abs(limits[0]), abs(limits[1])) or 1.0), 1.0)
    return min(abs(value), 1.0) if role == "weights" else abs(value) / (abs(value) + HALFWAY)


def shades(role):
    """Return the function (value, limits) -> color of a role: white is zero, and farther from zero is darker.

    Below zero the color is another one, and paler: on a gray print too, the darkest cells are the highest.
    """
    color = color_of(role)
    faintest, deepest = (0.0, 0.9) if role == "weights" else (0.06, 0.92)  # a small number differs from zero, too
    bend, end = (0.5, darker(color, 0.45)) if role == "weights" else (0.7, darker(color, 0.6))
    positive = LinearSegmentedColormap.from_list(role, [(0, "#FFFFFF"), (bend, color), (1, end)])
    negative = LinearSegmentedColormap.from_list("below zero", ["#FFFFFF", BELOW_ZERO])

    def shade(value, limits=None):
        far = faintest + (deepest - faintest) * depth(role, value, limits)
        return (positive if value > 0 else negative)(far if value else 0.0)

    return shade


def write(axes, point, text, offset=(0, 0), coordinates="data", *, size=TEXT, color=INK, ha="left", **style):
    """Write at a point, moved by an offset in points of type. A token may be a dollar sign: nothing is a formula."""
    place = {"xycoords": coordinates, "xytext": offset, "textcoords": "offset points", "annotation_clip": False}
    return axes.annotate(text, point, **place, fontsize=size, color=color, ha=ha, parse_math=False, **style)


def text_width(axes, text, size=TEXT, weight="normal"):
    """Return the width that a text would have, in inches."""
    probe = write(axes, (0, 0), text, size=size, weight=weight)
    width = probe.get_window_extent().width / CSS_DPI
    probe.remove()
    return width


def drawable(text) -> bool:
    """Return whether figures on this machine have a font for every character of a text."""
    installed = {font.name for font in font_manager.fontManager.ttflist}
    fonts = [font_manager.get_font(font_manager.findfont(name)) for name in FONTS if name in installed]
    drawn = set().union(*(font.get_charmap() for font in fonts))
    return {ord(character) for character in text} <= drawn
