"""Sliders over a function that returns a sketch: what the page gets, and what stands beside it as a still picture."""

import inspect
import itertools
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from course_lib.controls import Control, in_page, still
from course_lib.plotting.sketch import SKETCHES, WIDTH, height_of, joined, picture
from course_lib.plotting.words import listing

AHEAD = 600  # combinations that are computed ahead; where there are more, Python is asked
CARD = 10  # the margin of a still picture, and the radius of its corners
VALUES = re.compile(r'="[^"]*"|>[^<]*<')  # of an SVG's attributes, and its texts


@dataclass(frozen=True)
class Knob:
    """One thing to move: its values, how each is shown, and the position where it starts."""

    name: str
    values: list
    shown: list
    start: int
    texts: bool


def explore(function: Callable[..., Any], /, **sliders) -> None:
    """Sliders that draw in the page what a function returns: `explore(draw, temperature=(0.1, 5.0, 0.1))`.

    function: returns a sketch (`bars`, `arrows`, `grid`, `curves`) or a tuple of them, beside each other. It should be
    quick and depend on nothing but its arguments: up to 600 combinations are computed before anybody moves anything.
    sliders: (low, high) or (low, high, step) is a range; a tuple or list of texts is a choice, `token=toy.TOKENS`; a
    list of numbers is a slider over these. Each starts at the function's default.

    The axes are the same for all values. A still picture at the defaults stands where nothing can be moved.
    """
    knobs = _knobs(function, sliders)
    sketches = _Sketches(function, knobs)
    start = tuple(knob.start for knob in knobs)
    total = math.prod(len(knob.values) for knob in knobs)
    chosen = _all(knobs) if total <= AHEAD else _spread(knobs)
    scenes = {at: sketches.at(at) for at in chosen}
    kinds = {tuple(map(type, scene)) for scene in scenes.values()}
    if len(kinds) > 1:
        raise TypeError("The function returns different kinds of sketches at different values; return one kind.")
    reaches = [joined([scene[k].reach for scene in scenes.values()]) for k in range(len(scenes[start]))]
    height = max(height_of(scene, reaches) for scene in scenes.values())

    def drawn(at):
        scene = sketches.at(at)
        return picture(scene, reaches, height, _words(scene))

    words = f"At {sketches.said(start)}: {_words(scenes[start])}"
    if not in_page():
        print(words)
        return
    drawing = {"knobs": [_described(knob) for knob in knobs]}
    if total <= AHEAD:
        drawing |= condensed([drawn(at) for at in chosen])
    else:
        drawing["answer"] = {"at": list(start), "svg": drawn(start)}

    def asked(at):
        try:
            control.redraw(answer={"at": at, "svg": drawn(tuple(at))})
        except Exception as problem:  # else nobody sees it: no cell is running
            control.redraw(answer={"at": at, "problem": f"{type(problem).__name__}: {problem}"})

    control = Control(drawing, asked, script="sketch")
    ranges = "; ".join(f"{knob.name} ({_values_in_words(knob)})" for knob in knobs)
    control.display(
        f"{words}\nTo move in JupyterLab: {ranges}.", _still(drawn(start), words, sketches.said(start), height)
    )


def condensed(pictures):
    """Return many pictures as {"frames", "rows"}: what stays, cut where something changes, and what stands there.

    Pictures with the same elements share a frame; each row is the number of its frame and one text for each cut.
    """
    groups = {}
    for index, markup in enumerate(pictures):
        groups.setdefault(VALUES.sub("", markup), []).append(index)
    frames, rows = [], [None] * len(pictures)
    for indices in groups.values():
        split = [re.split(r'([<>"])', pictures[index]) for index in indices]
        moving = [k for k, values in enumerate(zip(*split, strict=True)) if len(set(values)) > 1]
        cuts = [-1, *moving, len(split[0])]
        frames.append(["".join(split[0][before + 1 : after]) for before, after in itertools.pairwise(cuts)])
        for index, parts in zip(indices, split, strict=True):
            rows[index] = [len(frames) - 1, *(parts[k] for k in moving)]
    return {"frames": frames, "rows": rows}


class _Sketches:
    """What the function returns, as a tuple of sketches, asked for once for each combination."""

    def __init__(self, function, knobs):
        self._function, self._knobs, self._known = function, knobs, {}

    def at(self, at):
        if at not in self._known:
            values = {knob.name: knob.values[i] for knob, i in zip(self._knobs, at, strict=True)}
            try:
                returned = self._function(**values)
            except Exception as problem:
                problem.add_note(f"explore called the function with {self.said(at)}.")
                raise
            sketches = returned if isinstance(returned, tuple) else (returned,)
            if not sketches or not all(isinstance(sketch, SKETCHES) for sketch in sketches):
                raise TypeError(
                    f"explore draws sketches, but the function returned {_kind(returned)}. Return bars(...), "
                    "arrows(...), grid(...) or curves(...), or a tuple of them."
                )
            self._known[at] = sketches
        return self._known[at]

    def said(self, at):
        return ", ".join(f"{knob.name} = {knob.shown[i]}" for knob, i in zip(self._knobs, at, strict=True))


def _knobs(function, sliders):
    parameters = inspect.signature(function).parameters
    if not sliders:
        raise ValueError("explore needs at least one slider, such as temperature=(0.1, 5.0, 0.1).")
    for name in sliders:
        if name not in parameters:
            raise ValueError(f"The slider {name!r} moves nothing: the function takes {listing(list(parameters), 9)}.")
    for name, parameter in parameters.items():
        if name not in sliders and parameter.default is parameter.empty:
            raise ValueError(f"The function needs {name!r}: give it a default, or a slider such as {name}=(0, 10, 1).")
    return [_knob(name, given, parameters[name].default) for name, given in sliders.items()]


def _knob(name, given, default):
    values, decimals = _values(name, given)
    texts = any(isinstance(value, str) for value in values)
    shown = [str(value) if texts or decimals is None else f"{value:.{decimals}f}" for value in values]
    shown = [text.replace("-", "\N{MINUS SIGN}") if not texts else text for text in shown]
    if default is inspect.Parameter.empty:
        return Knob(name, values, shown, 0 if texts else len(values) // 2, texts)
    near = [i for i, value in enumerate(values) if value == default or (not texts and abs(value - default) < 1e-9)]
    if not near:
        raise ValueError(f"{name} starts at {default!r}, which its slider never reaches: {listing(shown, 5)}.")
    return Knob(name, values, shown, near[0], texts)


def _values(name, given):
    """Return the values of one slider, and how many decimals they are shown with (None: as they are)."""
    is_texts = isinstance(given, (tuple, list)) and given and all(isinstance(value, str) for value in given)
    if is_texts or (isinstance(given, list) and given):
        return list(given), None
    is_range = isinstance(given, tuple) and all(isinstance(value, (int, float)) for value in given)
    if not is_range or len(given) not in (2, 3):
        wanted = f"{name}=(low, high, step), or texts to choose from, {name}=('the', 'cat')"
        raise ValueError(f"{name}={given!r} is neither a range nor a choice. Give {wanted}.")
    low, high, *step = given
    whole = all(isinstance(value, int) for value in given)
    step = step[0] if step else 1 if whole else 0.1
    if step <= 0 or high <= low:
        raise ValueError(f"{name}={given!r}: a range goes up from low to high by a step above 0.")
    many = math.floor((high - low) / step + 1e-9) + 1
    values = [low + i * step if whole else round(float(low + i * step), 10) for i in range(many)]
    return values, max(len(f"{value:.10f}".rstrip("0").partition(".")[2]) for value in (low, step))


def _all(knobs):
    return list(itertools.product(*(range(len(knob.values)) for knob in knobs)))


def _spread(knobs):
    """Some combinations that tell how far the axes must reach: the ends of every slider, its start, some between."""
    each = max(2, math.floor(AHEAD ** (1 / len(knobs))) - 1)
    chosen = []
    for knob in knobs:
        last = len(knob.values) - 1
        chosen.append(sorted({knob.start, *(round(i * last / (each - 1)) for i in range(each))}))
    return list(itertools.product(*chosen))


def _described(knob):
    return {"name": knob.name, "shown": knob.shown, "start": knob.start, "texts": knob.texts}


def _values_in_words(knob):
    return ", ".join(knob.shown) if knob.texts else f"{knob.shown[0]} to {knob.shown[-1]}"


def _words(scene):
    return " ".join(sketch.words for sketch in scene)


def _still(svg, words, said, height):
    """The picture for pages where nothing moves: ink on a white card, like every figure."""
    left, top, width, height = -CARD, -CARD, WIDTH + 2 * CARD, round(height) + 2 * CARD
    card = f'<rect x="{left}" y="{top}" width="{width}" height="{height}" rx="{CARD}" fill="white"/>'
    head, body = svg.split(">", 1)
    head = re.sub(r'viewBox="[^"]*"', f'viewBox="{left} {top} {width} {height}"', head)
    size = f'width="{width}" height="{height}" color="#222222"'
    shown = f"{head} {size}>{card}{body}"
    return still(shown, words, width, f"Here {said}. In JupyterLab, run this cell to move it.")


def _kind(value):
    return "nothing" if value is None else f"a {type(value).__name__}"
