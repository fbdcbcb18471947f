"""Names, letter by letter: the machine that pools their states, and the weights that each hop gives them."""

import numpy as np
from matplotlib.colors import to_hex

from course_lib.plotting import cells
from course_lib.plotting.figure import CourseFigure, Panel
from course_lib.plotting.inputs import names_of, numbers
from course_lib.plotting.style import COLORS, FAINT, LINE, SMALL, darker, ink_on, shades, write
from course_lib.plotting.words import count, listing, two_decimals

LETTER, LINE_HEIGHT = 0.175, 0.31  # inches, of a letter's cell
GAP = 2  # letters, between two hops
ROWS = 4.2  # of the machine: letters, states, lines, hops
ALL = (0.0, 1.0)  # a shade means one weight, in every figure


def show_letters(texts, weights, *, hops=(), languages=(), title=None) -> CourseFigure:
    """Texts, once for each hop: the more weight a hop gives a letter, the darker it is.

    texts: a list of texts; weights: for each an array (hops, letters), without padding; hops: what stands above them,
    "hop 1", "hop 2", ... unless given; languages: what stands on the left, one for each text.
    """
    texts = list(texts)
    if not texts:
        raise ValueError("texts is empty: there is nothing to show.")
    if len(texts) != len(weights := list(weights)):
        raise ValueError(f"{count(len(texts), 'text')} but {len(weights)} arrays of weights: give one for each text.")
    weights = [numbers(rows, f"weights[{number}]") for number, rows in enumerate(weights)]
    for text, rows in zip(texts, weights, strict=True):
        if rows.shape[1] != len(text):
            raise ValueError(
                f"{text!r} has {count(len(text), 'letter')} but {count(rows.shape[1], 'weight')} in each row: cut the "
                f"padding off, weights[i, :, :length]."
            )
    how_many = len(weights[0])
    if {len(rows) for rows in weights} != {how_many}:
        raise ValueError(f"every text has the same hops, but they number {[len(rows) for rows in weights]}.")
    hops = names_of(hops or [f"hop {n}" for n in range(1, how_many + 1)], how_many, "name", "hop", "weights")
    languages = names_of(languages, len(texts), "language", "text", "texts") if languages else []
    longest = max(map(len, texts))
    apart = longest + GAP  # from one hop to the next, in letters
    columns = how_many * apart - GAP
    shade = shades("weights")

    def draw(axes, limits):
        cells.blank(axes, columns, len(texts))
        for hop, name in enumerate(hops):
            write(axes, (hop * apart, 0), name, (0, 5), va="bottom", weight="bold")
            for row, (text, given) in enumerate(zip(texts, weights, strict=True)):
                _draw_text(axes, text, given[hop], (hop * apart, row), shade)
        if languages:
            cells.label_rows(axes, languages, color=FAINT, size=SMALL)
        cells.draw_scale(axes, shade, ALL, len(texts), min(columns, 16), LINE_HEIGHT)
        write(axes, (min(columns, 16) / 2, len(texts)), "weight", (14, -16), va="center", size=SMALL, color=FAINT)

    alt = (
        f"{count(len(texts), 'text')}, each once for every hop ({', '.join(hops)}), darker where its weight is larger."
    )
    for number, (text, given) in enumerate(zip(texts, weights, strict=True)):
        said = "; ".join(f"{hop} {_heaviest(text, row)}" for hop, row in zip(hops, given, strict=True))
        alt += f" {text}{f' ({languages[number]})' if languages else ''}: {said}."
    return CourseFigure((Panel(columns * LETTER, len(texts) * LINE_HEIGHT, draw, alt, title),))


def show_pooling(text, weights, *, hops=(), title=None) -> CourseFigure:
    """The machine: letters, a state for each from a network that reads both ways, and the hops that gather from them.

    text: what is read; weights: (hops, letters): the more a hop takes from a state, the thicker the line between them;
    hops: their names, "hop 1", "hop 2", ... unless given.
    """
    weights = numbers(weights, "weights")
    if weights.shape[1] != len(text):
        raise ValueError(
            f"{text!r} has {count(len(text), 'letter')} but {count(weights.shape[1], 'weight')} in each row."
        )
    hops = names_of(hops or [f"hop {n}" for n in range(1, len(weights) + 1)], len(weights), "name", "hop", "weights")
    columns, side = len(text), 0.56
    places = (np.arange(len(weights)) + 0.5) * columns / len(weights)  # of the hops, above the letters

    def draw(axes, limits):
        cells.blank(axes, columns, ROWS)
        for row, name in ((ROWS - 0.3, "letters"), (ROWS - 1.5, "states H"), (0.3, "embedding M")):
            write(axes, (0, row), name, (-8, 0), ha="right", va="center", size=SMALL, color=FAINT)
        axes.plot([0.5, columns - 0.5], [ROWS - 1.5] * 2, color=LINE, linewidth=5, zorder=0)  # the network, both ways
        for letter in range(columns):
            middle = letter + 0.5
            axes.plot([middle] * 2, [ROWS - 0.55, ROWS - 1.22], color=LINE, linewidth=1.2, zorder=0)
            write(axes, (middle, ROWS - 0.3), text[letter], ha="center", va="center_baseline", size=15)
            box = {"facecolor": COLORS["value"], "edgecolor": darker(COLORS["value"], 0.6), "zorder": 3}
            cells.box(axes, middle - side / 2, ROWS - 1.75, side, 0.5, **box)
            for place, row in zip(places, weights, strict=True):
                line = {"color": COLORS["weights"], "linewidth": 11 * max(row[letter], 0.0), "solid_capstyle": "butt"}
                axes.plot([middle, place], [ROWS - 1.5, 0.3], zorder=1, **line)
        for place, name in zip(places, hops, strict=True):
            box = {"facecolor": COLORS["output"], "edgecolor": darker(COLORS["output"], 0.6), "zorder": 3}
            cells.box(axes, place - side / 2, 0.05, side, 0.5, **box)
            write(axes, (place, 0.05), name, (0, 4), ha="center", va="bottom")

    said = "; ".join(f"{hop} {_heaviest(text, row)}" for hop, row in zip(hops, weights, strict=True))
    alt = f"The letters {' '.join(text)}, above each its state, above them {listing(hops, 8)}: lines as thick as the "
    alt += f"weights lead from every state there. {said}."
    return CourseFigure((Panel(columns * 0.48, ROWS * 0.62, draw, alt, title),))


def _draw_text(axes, text, row, at, shade):
    left, top = at
    for place, (letter, weight) in enumerate(zip(text, row, strict=True)):
        color = to_hex(shade(weight, ALL)) if np.isfinite(weight) else cells.MASKED
        cells.box(axes, left + place, top + 0.06, 1, 0.88, facecolor=color, edgecolor="none")
        style = {"ha": "center", "va": "baseline", "color": ink_on(color)}
        write(axes, (left + place + 0.5, top + 0.68), letter, **style)
    cells.box(axes, left, top + 0.06, len(text), 0.88, fill=False, edgecolor="#D0D0D0", linewidth=0.6, zorder=3)


def _heaviest(text, row):
    """Return the letters of a hop that together hold at least half of its weight, as few as can be, in their order."""
    if not np.isfinite(row).all():
        return "NaN"
    order = np.argsort(-row, kind="stable")
    needed = 1 + int(np.searchsorted(np.cumsum(row[order]), row.sum() / 2 - 1e-6))
    chosen = sorted(order[:needed])
    runs = [text[place] if place - 1 in chosen else f" {text[place]}" for place in chosen]
    return f"{two_decimals(row[chosen].sum())} on{''.join(runs)}"
