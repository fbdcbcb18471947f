"""Sketches and the sliders that move them. The numbers are worked by hand."""

import json
import re
from urllib.parse import unquote
from xml.etree import ElementTree

import numpy as np
import pytest

from course_lib.plotting import arrows, bars, curves, explore, grid, show_weights, sliders

MINUS, MISSING = "\N{MINUS SIGN}", "\N{EN DASH}"
SVG = "{http://www.w3.org/2000/svg}"


class Page:
    """Stands in for the control: what it was sent, what was displayed, and what the browser makes of it."""

    def __init__(self, drawing, on_value, script):
        self.drawing, self.on_value, self.script = drawing, on_value, script
        Page.last = self

    def display(self, text, markup):
        self.text, self.markup = text, markup

    def redraw(self, **changes):
        self.drawing = {**self.drawing, **changes}

    def picture(self, *at):
        """The picture at these positions of the sliders, put together as sketch.js does it."""
        index = 0
        for knob, position in zip(self.drawing["knobs"], at, strict=True):
            index = index * len(knob["shown"]) + position
        frame, *values = self.drawing["rows"][index]
        first, *pieces = self.drawing["frames"][frame]
        return ElementTree.fromstring(first + "".join(v + p for v, p in zip(values, pieces, strict=True)))


@pytest.fixture
def page(monkeypatch):
    monkeypatch.setattr(sliders, "Control", Page)
    monkeypatch.setattr(sliders, "in_page", lambda: True)

    def shown(function, **knobs):
        explore(function, **knobs)
        return Page.last

    return shown


def texts(picture):
    return [text.text for text in picture.iter(f"{SVG}text")]


def widths(picture):
    return [float(rect.get("width")) for rect in picture.iter(f"{SVG}rect")]


def still(page):
    source = re.search(r'src="data:image/svg\+xml,([^"]*)"', page.markup)[1]
    return ElementTree.fromstring(unquote(source))


def test_every_position_has_its_numbers(page):
    shown = page(lambda n=2, who="b": bars({f"{who}{n}": [n / 4, 1 - n / 4]}, "xy"), n=(0, 4, 2), who=("a", "b", "c"))
    for i, n in enumerate((0, 2, 4)):
        for j, who in enumerate("abc"):
            there = texts(shown.picture(i, j))
            assert f"{who}{n}" in there
            assert {f"{n / 4:.2f}", f"{1 - n / 4:.2f}"} <= set(there)


def test_bars_are_as_long_as_their_numbers_on_a_fixed_axis(page):
    shown = page(lambda n=1: bars([n, 2 * n, 8], "xyz", role="scores"), n=(0, 4, 1))
    for n in range(5):
        first, second, third = widths(shown.picture(n))
        assert (first / third, second / third) == pytest.approx((n / 8, n / 4), abs=1e-3)
    lines = [[line.attrib for line in shown.picture(n).iter(f"{SVG}line")] for n in range(5)]
    assert all(line == lines[0] for line in lines)


def test_probabilities_have_an_axis_from_0_to_1_whatever_they_are(page):
    small = page(lambda n=1: bars([n / 100], "x"), n=(1, 2)).picture(0)
    assert {"0", "0.5", "1"} <= set(texts(small))


def test_negative_bars_go_to_the_other_side_in_a_color_of_their_own(page):
    below, above = page(lambda n=1: bars([-n, n], "xy", role="scores"), n=(1, 2)).picture(1).iter(f"{SVG}rect")
    zero = float(above.get("x"))
    assert float(below.get("x")) + float(below.get("width")) == pytest.approx(zero, abs=0.11)
    assert below.get("fill") != above.get("fill")


def test_arrows_keep_axes_and_angles(page):
    shown = page(
        lambda length=1: arrows([[3, 4], [0, length]], ["asks", "answers"], roles=["query", "key"]), length=(1, 5)
    )
    origins, units = set(), set()
    for position, length in enumerate(range(1, 6)):
        picture = shown.picture(position)
        tips = [polygon.get("points").split()[0] for polygon in picture.iter(f"{SVG}polygon")]
        tips = sorted(tuple(map(float, tip.split(","))) for tip in tips)  # the upright one is on the left
        (x0, y0), (x1, y1) = tips
        start = next(line for line in picture.iter(f"{SVG}line") if line.get("stroke-width"))
        origin = (float(start.get("x1")), float(start.get("y1")))
        origins.add(origin)
        units.add(round((x1 - origin[0]) / 3))
        assert (origin[1] - y1) / (x1 - origin[0]) == pytest.approx(4 / 3, abs=0.01)
        assert x0 == pytest.approx(origin[0], abs=0.11)
        assert (origin[1] - y0) / (origin[1] - y1) == pytest.approx(length / 4, abs=0.01)
        assert {"5", str(length), "37°", str(4 * length)} <= set(texts(picture))
    assert len(origins) == len(units) == 1


def test_numbers_beside_arrows_may_be_ones_own(page):
    picture = page(
        lambda n=1: arrows([[1, 0], [0, 1]], "ab", ["cats", "food"], beside={"score": [None, 12 * n]}), n=(1, 2)
    ).picture(1)
    assert {"score", "24", MISSING, "cats", "food"} <= set(texts(picture))
    assert "norm" not in texts(picture)


def grid_shades(page, **style):
    """How deep the four cells of a grid are, for each place of its slider."""
    shown = page(lambda n=1: grid([[n, 0], [0, -2 * n]], ["a", "b"], ["c", "d"], "scores", **style), n=(1, 4))
    for n in range(1, 5):
        cells = list(shown.picture(n - 1).iter(f"{SVG}rect"))
        yield n, [float(cell.get("fill-opacity", 1)) for cell in cells[:4]]
    assert {"a", "b", "c", "d"} <= set(texts(shown.picture(3)))
    assert ({"4", f"{MINUS}8"} <= set(texts(shown.picture(3)))) == style.get("written", True)


def test_in_a_grid_of_numbers_a_number_has_one_shade(page):
    for n, deep in grid_shades(page):
        assert deep == pytest.approx([0.6 * 0.75 * n / (n + 2.5), 0, 0, 0.45 * 2 * n / (2 * n + 2.5)], abs=0.006)


def test_a_grid_without_numbers_shades_by_the_largest_of_all_values(page):
    for n, deep in grid_shades(page, written=False):
        assert deep == pytest.approx([0.6 * n / 8, 0, 0, 2 * n / 8], abs=0.006)


def test_slanted_names_stay_on_the_page(page):
    names = ["because", "purred", "everything"]
    picture = page(lambda n=1: grid({"a": np.eye(3), "b": np.eye(3), "c": np.eye(3)}, names, names), n=(1, 2)).picture(
        0
    )
    slanted = [text.get("transform") for text in picture.iter(f"{SVG}text") if text.get("transform")]
    assert len(slanted) == 9
    x, y = map(float, re.match(r"translate\((\S+) (\S+)\)", slanted[-1]).groups())
    longest = 10 * 0.6 * 16  # letters, each about so wide
    assert x + longest * 0.71 <= 720
    assert y - longest * 0.71 >= 0


def test_curves_go_through_their_points(page):
    picture = page(lambda n=1: curves([0, 1, 2], {"line": [0, n, 2 * n]}, "x", "y"), n=(1, 2)).picture(0)
    line = next(picture.iter(f"{SVG}polyline")).get("points").split()
    (x0, y0), (x1, y1), (x2, y2) = (tuple(map(float, point.split(","))) for point in line)
    assert (x1 - x0, y1 - y0) == pytest.approx((x2 - x1, y2 - y1), abs=0.2)


def test_sketches_stand_beside_each_other(page):
    picture = page(lambda n=1: (bars([n / 4], "x"), grid([[n]])), n=(1, 4)).picture(3)
    assert [group.get("transform") for group in picture.findall(f"{SVG}g")] == ["translate(0 0)", "translate(374 0)"]


def test_pictures_of_different_shapes_share_the_page(page):
    shown = page(lambda n=1: bars({f"head {i}": [0.25, 0.75] for i in range(n)}, "xy"), n=(1, 4))
    assert [len(widths(shown.picture(n))) for n in range(4)] == [2, 4, 6, 8]
    assert len({shown.picture(n).get("viewBox") for n in range(4)}) == 1  # and so the page never jumps


def test_what_the_page_gets_is_small(page):
    shown = page(lambda t=1.0, who=0: bars(np.ones(6) / (6 + t + who), "abcdef"), t=(0.1, 5.0, 0.1), who=(0, 11))
    assert len(shown.drawing["rows"]) == 600
    assert len(json.dumps(shown.drawing)) < 250_000


def test_the_still_picture_is_the_one_at_the_defaults(page):
    shown = page(lambda n=3, who="b": bars({who: [n / 4]}, ["<x> & y"]), n=(0, 4), who=("a", "b"))
    picture = still(shown)
    assert picture.tag == f"{SVG}svg"
    assert {"b", "0.75", "<x> & y"} <= set(texts(picture))
    assert picture.get("role") == "img"
    assert "0.75" in picture.get("aria-label")
    assert (picture.get("color"), next(iter(picture)).get("fill")) == ("#222222", "white")  # on any page
    assert 'alt="At n = 3, who = b: Bars over 1 name' in shown.markup
    assert shown.text.startswith("At n = 3, who = b: Bars over 1 name (<x> & y). b: highest")
    assert shown.text.endswith("To move in JupyterLab: n (0 to 4); who (a, b).")


def test_more_combinations_than_that_are_asked_of_python_once_each(page):
    seen = []

    def draw(a=0, b=0):
        seen.append((a, b))
        return bars([a, b], "xy", role="scores")

    shown = page(draw, a=(0, 99), b=(0, 99))
    assert "rows" not in shown.drawing
    assert len(seen) <= 600
    assert {(0, 0), (0, 99), (99, 0), (99, 99)} <= set(seen)  # so that the axes reach everywhere
    before = len(seen)
    for _ in range(2):
        shown.on_value([41, 43])
    assert seen[before:] == [(41, 43)]
    answer = shown.drawing["answer"]
    assert answer["at"] == [41, 43]
    first, second = widths(ElementTree.fromstring(answer["svg"]))
    assert first / second == pytest.approx(41 / 43, abs=1e-3)


def test_a_mistake_at_one_place_is_told_in_the_page(page):
    shown = page(lambda a=0, b=0: bars([1 / (a - 41)], "x"), a=(0, 99), b=(0, 99))
    shown.on_value([41, 0])
    assert shown.drawing["answer"] == {"at": [41, 0], "problem": "ZeroDivisionError: division by zero"}


def test_a_mistake_says_at_which_values():
    with pytest.raises(ZeroDivisionError) as raised:
        explore(lambda n=0.5: bars([1 / (n - 1)], "x"), n=(0.5, 1.5, 0.5))
    assert raised.value.__notes__ == ["explore called the function with n = 1.0."]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ((0.1, 0.5, 0.1), ["0.1", "0.2", "0.3", "0.4", "0.5"]),
        ((-1, 1), [f"{MINUS}1", "0", "1"]),
        ((0.5, 0.8), ["0.5", "0.6", "0.7", "0.8"]),
        ((-0.25, 0.25, 0.25), [f"{MINUS}0.25", "0.00", "0.25"]),
        (("it", "cat"), ["it", "cat"]),
        ([4, 16, 256], ["4", "16", "256"]),
        ((0, 10, 4), ["0", "4", "8"]),
    ],
)
def test_sliders_stop_where_they_say(page, given, shown):
    assert page(lambda x: bars([1], "y"), x=given).drawing["knobs"][0]["shown"] == shown


def test_values_are_what_they_are_shown_as():
    seen = []
    explore(lambda x=0.3: seen.append(x) or bars([x], "y"), x=(0.1, 0.5, 0.1))
    assert seen == [0.1, 0.2, 0.3, 0.4, 0.5]


@pytest.mark.parametrize(
    ("function", "knobs", "says"),
    [
        (lambda x=1: bars([1], "y"), {}, "at least one slider"),
        (lambda x=1: bars([1], "y"), {"y": (0, 1)}, "'y' moves nothing: the function takes x"),
        (lambda x, y: bars([1], "y"), {"y": (0, 1)}, "needs 'x'"),
        (lambda x=7: bars([1], "y"), {"x": (0, 5)}, "starts at 7, which its slider never reaches"),
        (lambda x=1: bars([1], "y"), {"x": (5, 0)}, "goes up from low to high"),
        (lambda x=1: bars([1], "y"), {"x": 5}, "neither a range nor a choice"),
        (lambda x=1: bars([1], "y"), {"x": (1, "a")}, "neither a range nor a choice"),
        (lambda x=1: show_weights([[1.0]], "y"), {"x": (0, 1)}, "the function returned a CourseFigure. Return bars"),
        (lambda x=1: None, {"x": (0, 1)}, "the function returned nothing"),
        (lambda x=1: bars([1], "y") if x else grid([[1]]), {"x": (0, 1)}, "different kinds"),
        (lambda x=1: bars([1], "yz"), {"x": (0, 1)}, "2 names but 1 bar"),
        (lambda x=1: bars([1], "y", role="colour"), {"x": (0, 1)}, "none of the course's roles"),
        (lambda x=1: arrows([[1, 2, 3]], "y"), {"x": (0, 1)}, "arrows need two numbers each"),
        (lambda x=1: arrows([[1, 2]], "y", beside={"score": [1, 2]}), {"x": (0, 1)}, "2 entries for 1 arrow"),
        (lambda x=1: grid({"a": [[1]], "b": [[1, 2]]}), {"x": (0, 1)}, "need one shape"),
        (lambda x=1: curves([1, 2], {"y": [1]}), {"x": (0, 1)}, "has 1 point, but x has 2"),
    ],
)
def test_mistakes_are_explained(function, knobs, says):
    with pytest.raises((ValueError, TypeError), match=re.escape(says)):
        explore(function, **knobs)


def test_outside_of_a_page_the_words_are_printed(capsys):
    explore(lambda n=1: bars([n / 4], "x"), n=(0, 4))
    assert capsys.readouterr().out == "At n = 1: Bars over 1 name (x). Highest x (0.25), lowest 0.25.\n"
