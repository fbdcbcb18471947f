"""Machines: boxes and arrows, from one description each, which every drawing of the machine shares.

A description is plain data in inches from the top left; `Machine.describe` gives it to a drawing outside of Python.
"""

from dataclasses import asdict, dataclass
from itertools import pairwise

from matplotlib.patches import FancyBboxPatch, PathPatch, Polygon
from matplotlib.path import Path

from course_lib.plotting import cells
from course_lib.plotting.figure import CourseFigure, Panel
from course_lib.plotting.style import COLORS, FAINT, INK, SMALL, readable, text_width, tint, write
from course_lib.plotting.words import listing

ROUND, HEAD = 0.09, 0.11  # inches: the radius of corners, the length of an arrow's head
WORD, FORMULA = 13, 12  # points, at most
FLAG, DASHED = "you are here", (0, (3, 2))


@dataclass(frozen=True)
class Box:
    """A thing or a step: a plain word, below it the formula or the name that books use.

    role: a key of COLORS; gives: what comes out of it, told below the box; flag: on which side "you are here" finds
    room, "above" or "below".
    """

    id: str
    word: str
    role: str
    left: float
    top: float
    width: float
    height: float
    formula: str = ""
    gives: str = ""
    flag: str = "above"

    @property
    def right(self):
        return self.left + self.width

    @property
    def bottom(self):
        return self.top + self.height

    @property
    def name(self):
        return self.word.replace("-\n", "-").replace("\n", " ")

    def edge(self, side, shift=0.0):
        """Return the middle of a side; of the upper and the lower one moved by a share of the width."""
        x, y = self.left + (0.5 + shift) * self.width, self.top + self.height / 2
        return {"left": (self.left, y), "right": (self.right, y), "top": (x, self.top), "bottom": (x, self.bottom)}[
            side
        ]


@dataclass(frozen=True)
class Arrow:
    """From a side of one box to a side of another; the label says what travels along it."""

    start: str
    end: str
    label: str = ""
    leaves: str = "right"
    enters: str = "left"


@dataclass(frozen=True)
class Group:
    """A frame with a title around some boxes; its id may stand for all of them."""

    id: str
    title: str
    boxes: tuple[str, ...]


@dataclass(frozen=True)
class Machine:
    """Boxes in the order in which things happen, arrows between them, and frames around them."""

    name: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]
    groups: tuple[Group, ...] = ()

    def box(self, name):
        return next(box for box in self.boxes if box.id == name)

    def ids_of(self, here):
        """Return the ids of the boxes that `here` names: None, an id of a box or a group, or several."""
        named = () if here is None else (here,) if isinstance(here, str) else tuple(here)
        groups = {group.id: group.boxes for group in self.groups}
        known = {box.id: (box.id,) for box in self.boxes} | groups
        for one in named:
            if one not in known:
                raise ValueError(f"here={one!r} is not in this machine. It has: {', '.join(known)}.")
        return tuple(box.id for box in self.boxes if any(box.id in known[one] for one in named))

    def route(self, arrow):
        """Return the corners of an arrow, from the edge of one box to the edge of the other."""
        # Where one arrow enters a side and another leaves it, each has its half.
        taken = {(other.end, other.enters) for other in self.arrows} & {(a.start, a.leaves) for a in self.arrows}
        start = self.box(arrow.start).edge(arrow.leaves, 0.22 if (arrow.start, arrow.leaves) in taken else 0.0)
        end = self.box(arrow.end).edge(arrow.enters, -0.22 if (arrow.end, arrow.enters) in taken else 0.0)
        (x, y), (to_x, to_y) = start, end
        if abs(x - to_x) < 1e-9 or (abs(y - to_y) < 1e-9 and arrow.leaves == "right"):
            return (start, end)
        if arrow.leaves == arrow.enters:  # around what lies between
            beyond = min(y, to_y) - 0.3 if arrow.leaves == "top" else max(y, to_y) + 0.3
            return (start, (x, beyond), (to_x, beyond), end)
        if arrow.enters == "left":
            middle = to_x - 0.6 * (to_x - x)
            return (start, (middle, y), (middle, to_y), end)
        return (start, (to_x, y), end)

    def outline(self, group):
        """Return the frame of a group: left, top, width, height."""
        inside = [self.box(name) for name in group.boxes]
        left, top = min(box.left for box in inside) - 0.14, min(box.top for box in inside) - 0.3
        right, bottom = max(box.right for box in inside) + 0.14, max(box.bottom for box in inside) + 0.12
        return left, top, right - left, bottom - top

    def describe(self):
        """Return all of it as plain data, colors and the corners of the arrows included."""
        return {
            "name": self.name,
            "boxes": [asdict(box) | {"color": COLORS[box.role]} for box in self.boxes],
            "arrows": [asdict(arrow) | {"corners": self.route(arrow)} for arrow in self.arrows],
            "groups": [asdict(group) | {"outline": self.outline(group)} for group in self.groups],
        }


def show_machine(machine: Machine, here=None, *, title=None) -> CourseFigure:
    """The machine as boxes and arrows: what comes before `here` is solid, what comes after it faint and dashed.

    here: the id of a box or a group, or several: they get the flag "you are here". None: all is solid.
    """
    marked = machine.ids_of(here)
    order = [box.id for box in machine.boxes]
    reached = max(map(order.index, marked), default=len(order))
    faint = {name for name in order[reached + 1 :] if name not in marked}
    points = [corner for arrow in machine.arrows for corner in machine.route(arrow)]
    frames = [machine.outline(group) for group in machine.groups]
    right = max([box.right for box in machine.boxes] + [left + width for left, _, width, _ in frames])
    bottom = max([box.bottom for box in machine.boxes] + [y for _, y in points] + [t + h for _, t, _, h in frames])

    def draw(axes, limits):
        cells.blank(axes, right, bottom)
        for group in machine.groups:
            _draw_group(axes, group, machine.outline(group), all(name in faint for name in group.boxes))
        for arrow in machine.arrows:
            _draw_arrow(axes, arrow, machine.route(arrow), not faint.isdisjoint((arrow.start, arrow.end)))
        word = min(_fitting(axes, box.word, box.width, WORD, "bold") for box in machine.boxes)
        formula = min(_fitting(axes, box.formula, box.width, FORMULA) for box in machine.boxes if box.formula)
        for box in machine.boxes:
            _draw_box(axes, box, word, formula, faint=box.id in faint, marked=box.id in marked)
        if marked:
            _draw_flag(axes, *_flagged(machine, here, marked))

    return CourseFigure((Panel(right, bottom, draw, _words(machine, marked, faint), title),))


def _words(machine, marked, faint):
    """Return what the picture shows: what goes where, box by box, and where the reader is."""
    known, said = set(), []

    def called(box):
        first = box.id not in known and box.formula
        known.add(box.id)
        return f"{box.name} ({box.formula})" if first else box.name

    def came(box, label):
        return f"its {box.gives}" if box.gives else called(box) + (f" ({label})" if label else "")

    for box in machine.boxes:
        into = [arrow for arrow in machine.arrows if arrow.end == box.id]
        if into:
            starts = [came(machine.box(arrow.start), arrow.label) for arrow in into]
            go = "" if said else "goes " if len(into) == 1 else "go "
            said.append(f"{' and '.join(starts)} {go}to {called(box)}")
    alt = f"{machine.name} as a machine: {', '.join(said)}"
    if marked:
        alt += f"; you are here: {listing([machine.box(name).name for name in marked], 9)}"
    later = [box.name for box in machine.boxes if box.id in faint]
    return alt + (f"; still to come: {listing(later, 9)}." if later else ".")


def _fitting(axes, text, width, size, weight="normal"):
    """Return the size, at most this one, in which a text fits into a box of this width."""
    widest = max(text_width(axes, line or "x", size, weight) for line in text.split("\n"))
    return min(size, size * (width - 0.18) / widest)


def _rounded(axes, left, top, width, height, **style):
    shape = f"round,pad=0,rounding_size={ROUND}"
    axes.add_patch(FancyBboxPatch((left, top), width, height, boxstyle=shape, clip_on=False, **style))


def _draw_box(axes, box, word, formula, *, faint, marked):
    color = COLORS[box.role]
    quiet = 0.75 if color == COLORS["scores"] else 1.0  # a gray as dark as the colors would outdo them
    fill = "white" if faint else tint(color, 0.3 * quiet if marked else 0.14 * quiet)
    edge = {"edgecolor": tint(color, (0.5 if faint else 1.0) * quiet), "linestyle": DASHED if faint else "-"}
    edge["linewidth"] = 3.2 if marked else 1.6
    _rounded(axes, box.left, box.top, box.width, box.height, facecolor=fill, zorder=3, **edge)
    ink = FAINT if faint else readable(color, fill)
    middle = (box.left + box.width / 2, box.top + box.height / 2)
    style = {"ha": "center", "va": "baseline", "zorder": 4}
    lines = 1 + box.word.count("\n")
    up = (0.28 if box.formula else -0.36 + 0.6 * (lines - 1)) * word  # of the baseline of the first line
    for line in box.word.split("\n"):
        write(axes, middle, line, (0, up), size=word, weight="bold", color=ink, **style)
        up -= 1.2 * word
    if box.formula:
        write(axes, middle, box.formula, (0, -1.0 * word), size=formula, color=FAINT if faint else INK, **style)
    if box.gives:
        below = {"ha": "center", "va": "top", "size": SMALL, "color": FAINT if faint else ink}
        write(axes, (middle[0], box.bottom), f"gives {box.gives}", (0, -5), **below)


def _draw_arrow(axes, arrow, corners, faint):
    color = "#B5B5B5" if faint else "#5A5A5A"
    *way, (x, y) = corners
    before = way[-1]
    length = max(abs(x - before[0]), abs(y - before[1]))
    toward = ((x - before[0]) / length, (y - before[1]) / length)
    neck = (x - HEAD * toward[0], y - HEAD * toward[1])
    across = (0.45 * HEAD * toward[1], 0.45 * HEAD * toward[0])
    head = [(x, y), (neck[0] + across[0], neck[1] + across[1]), (neck[0] - across[0], neck[1] - across[1])]
    line = {"edgecolor": color, "linewidth": 1.6, "facecolor": "none", "linestyle": DASHED if faint else "-"}
    axes.add_patch(PathPatch(_bent([*way, neck]), clip_on=False, zorder=2, capstyle="butt", **line))
    axes.add_patch(Polygon(head, facecolor=color, edgecolor="none", clip_on=False, zorder=2))
    if arrow.label:
        (from_x, from_y), (to_x, to_y) = corners[-2:]
        upright = abs(from_x - to_x) < 1e-9
        place = {"offset": (6, 0), "va": "center"} if upright else {"offset": (0, 4), "ha": "center", "va": "bottom"}
        write(axes, ((from_x + to_x) / 2, (from_y + to_y) / 2), arrow.label, size=SMALL, color=FAINT, **place)


def _bent(corners):
    """Return the path through the corners, each of them rounded."""
    points, codes = [corners[0]], [Path.MOVETO]
    for before, corner, after in zip(corners, corners[1:], corners[2:], strict=False):
        for end in (before, after):
            length = max(abs(end[0] - corner[0]), abs(end[1] - corner[1]))
            reach = min(ROUND, length / 2) / length
            points.append((corner[0] + reach * (end[0] - corner[0]), corner[1] + reach * (end[1] - corner[1])))
        points.insert(-1, corner)
        codes += [Path.LINETO, Path.CURVE3, Path.CURVE3]
    return Path([*points, corners[-1]], [*codes, Path.LINETO])


def _draw_group(axes, group, outline, faint):
    left, top, *_ = outline
    style = {"facecolor": "#F7F7F7", "edgecolor": "#C8C8C8", "linewidth": 1.2, "zorder": 0}
    _rounded(axes, *outline, linestyle=DASHED if faint else "-", **style)
    write(axes, (left + 0.12, top + 0.17), group.title, va="center", size=SMALL, color=FAINT)


def _flagged(machine, here, marked):
    """Return where the flag points to, the middle of a box or a frame's edge, and whether it stands above."""
    box = machine.box(marked[0])
    left, top, width, height = box.left, box.top, box.width, box.height
    for group in machine.groups:
        if here in (group.id, (group.id,)):
            left, top, width, height = machine.outline(group)
    return left + width / 2, top if box.flag == "above" else top + height, box.flag == "above"


def _draw_flag(axes, x, edge, above):
    width, height, point, away = text_width(axes, FLAG, SMALL, "bold") + 0.2, 0.22, 0.06, 0.035
    tip = edge - away if above else edge + away
    base = tip - point if above else tip + point
    top = base - height if above else base
    _rounded(axes, x - width / 2, top, width, height, facecolor=INK, edgecolor="none", zorder=5)
    axes.add_patch(Polygon([(x, tip), (x - 0.07, base), (x + 0.07, base)], color=INK, clip_on=False, zorder=5))
    style = {"size": SMALL, "weight": "bold", "color": "white", "ha": "center", "va": "center_baseline", "zorder": 6}
    write(axes, (x, top + height / 2), FLAG, **style)


def _attention(name, *steps):
    """Attention with these steps between comparing and mixing, from left to right over the width of a page."""
    columns = len(steps) + 4
    gap = 0.36 if columns == 6 else 0.3
    width, height, row = (9.4 - gap * (columns - 1)) / columns, 0.62, 0.94
    left = [column * (width + gap) for column in range(columns)]
    size, chain = (width, height), row / 2
    things = [
        Box("query", "queries", "query", left[0], 0, *size, "Q"),
        Box("key", "keys", "key", left[0], row, *size, "K"),
        Box("compare", "compare", "scores", left[1], chain, *size, "Q Kᵀ", "scores"),
        *(Box(*step[:3], x, chain, *size, *step[3:]) for step, x in zip(steps, left[2:], strict=False)),
        Box("value", "values", "value", left[0], 2 * row, *size, "V", flag="below"),
        Box("mix", "mix", "output", left[-2], chain, *size, "weights · V"),
        Box("output", "output", "output", left[-1], chain, *size),
    ]
    chain = ["compare", *(step[0] for step in steps), "mix", "output"]
    along = [Arrow(a, b) for a, b in pairwise(chain)]
    arrows = [Arrow("query", "compare"), Arrow("key", "compare"), *along, Arrow("value", "mix", enters="bottom")]
    return Machine(name, tuple(things), tuple(arrows))


_SCALE = ("scale", "scale", "scores", "÷ √dₖ")
_MASK = ("mask", "mask", "scores", "hide keys")
_SOFTMAX = ("softmax", "share out", "weights", "softmax", "weights")
ATTENTION = _attention("Attention", _SCALE, _SOFTMAX)
MASKED_ATTENTION = _attention("Masked attention", _SCALE, _MASK, _SOFTMAX)


def _transformer():
    gap, width, height = 0.31, 1.05, 0.62
    left = [column * (width + gap) + (0.12 if column > 1 else 0) + (0.12 if column > 4 else 0) for column in range(7)]
    size, encoder, decoder = (width, height), 0.3, 1.72
    names = [
        Box("source", "source", "input", left[0], encoder, *size, "characters"),
        Box("source_embedding", "embed", "input", left[1], encoder, *size, "+ positions"),
        Box("self_attention", "self-\nattention", "weights", left[2], encoder, *size, flag="below"),
        Box("encoder_feed_forward", "feed-\nforward", "input", left[3], encoder, *size),
        Box("target", "answer", "input", left[0], decoder, *size, "so far"),
        Box("target_embedding", "embed", "input", left[1], decoder, *size, "+ positions"),
        Box("masked_attention", "masked\nattention", "weights", left[2], decoder, *size, flag="below"),
        Box("cross_attention", "cross-\nattention", "weights", left[3], decoder, *size, flag="below"),
        Box("feed_forward", "feed-\nforward", "input", left[4], decoder, *size, flag="below"),
        Box("linear", "linear", "scores", left[5], decoder, *size, "+ softmax"),
        Box("next", "next", "output", left[6], decoder, *size, "character"),
    ]
    rows = (
        ("source", "source_embedding", "self_attention", "encoder_feed_forward"),
        ("target", "target_embedding", "masked_attention", "cross_attention", "feed_forward", "linear", "next"),
    )
    arrows = [Arrow(a, b) for row in rows for a, b in pairwise(row)]
    arrows.append(Arrow("encoder_feed_forward", "cross_attention", "keys and values", "bottom", "top"))
    groups = (Group("encoder", "N encoder blocks", rows[0][2:]), Group("decoder", "N decoder blocks", rows[1][2:5]))
    return Machine("A Transformer", tuple(names), tuple(arrows), groups)


TRANSFORMER = _transformer()


def _encoder_block():
    gap, width, height, top = 0.42, 1.22, 0.66, 0.3
    names = (
        ("tokens", "tokens", "input", "X"),
        ("attention", "self-\nattention", "weights", ""),
        ("add_norm_1", "add & norm", "input", "LayerNorm"),
        ("feed_forward", "feed-\nforward", "input", ""),
        ("add_norm_2", "add & norm", "input", "LayerNorm"),
        ("output", "output", "output", "same shape"),
    )
    boxes = [
        Box(name, word, role, column * (width + gap), top, width, height, formula, flag="below")
        for column, (name, word, role, formula) in enumerate(names)
    ]
    ids = [box.id for box in boxes]
    arrows = [Arrow(a, b) for a, b in pairwise(ids)]
    skips = [Arrow("tokens", "add_norm_1", "", "top", "top"), Arrow("add_norm_1", "add_norm_2", "", "top", "top")]
    return Machine("A post-norm encoder block", tuple(boxes), (*arrows, *skips))


ENCODER_BLOCK = _encoder_block()
