"""Machines as boxes and arrows: who is solid, who is faint, where arrows end, and what is said."""

import itertools
import json

import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import FancyBboxPatch, PathPatch, Polygon

from course_lib.plotting import ATTENTION, ENCODER_BLOCK, MASKED_ATTENTION, TRANSFORMER, show_machine
from course_lib.plotting.machine import Arrow, Box, Group, Machine

MACHINES = {"attention": ATTENTION, "masked": MASKED_ATTENTION, "transformer": TRANSFORMER, "block": ENCODER_BLOCK}
IDS = ("query", "key", "compare", "scale", "softmax", "value", "mix", "output")

# Two inches wide, one high, half an inch apart; c lies below b.
TINY = Machine(
    "A toy",
    (
        Box("a", "first", "query", 0, 0, 2, 1, "A"),
        Box("b", "second", "key", 2.5, 0, 2, 1, gives="numbers"),
        Box("c", "third-\nborn", "value", 5, 2, 2, 1),
    ),
    (Arrow("a", "b"), Arrow("b", "c"), Arrow("a", "c", "a shortcut", "bottom")),
    (Group("pair", "the pair", ("a", "b")),),
)


def look(figure, machine):
    """How each box is drawn, by id: (solid, wide edge)."""
    drawn = {}
    for patch in figure.figure.axes[0].patches:
        if isinstance(patch, FancyBboxPatch):
            box = patch.get_bbox()
            drawn[round(box.x0, 4), round(box.y0, 4)] = (
                patch.get_linestyle() in ("-", "solid"),
                patch.get_linewidth() > 2,
            )
    return {box.id: drawn[round(box.left, 4), round(box.top, 4)] for box in machine.boxes}


def texts(figure):
    return [text.get_text() for text in figure.figure.axes[0].texts]


SOLID, HERE, FAINT = (True, False), (True, True), (False, False)


def test_what_comes_before_is_solid_and_what_comes_later_is_faint():
    states = look(show_machine(ATTENTION, "scale"), ATTENTION)
    assert states == dict(zip(IDS, [SOLID] * 3 + [HERE] + [FAINT] * 4, strict=True))


def test_here_may_be_several():
    states = look(show_machine(ATTENTION, ("softmax", "mix")), ATTENTION)
    assert states == dict(zip(IDS, [SOLID] * 4 + [HERE, SOLID, HERE, FAINT], strict=True))
    assert look(show_machine(ATTENTION, ("mix", "softmax")), ATTENTION) == states


def test_nowhere_all_is_solid():
    figure = show_machine(ATTENTION)
    assert set(look(figure, ATTENTION).values()) == {SOLID}
    assert "you are here" not in texts(figure)
    assert "here" not in figure.alt


def test_a_group_stands_for_its_boxes():
    assert look(show_machine(TINY, "pair"), TINY) == {"a": HERE, "b": HERE, "c": FAINT}
    states = look(show_machine(TRANSFORMER, "decoder"), TRANSFORMER)
    assert [name for name, state in states.items() if state == HERE] == [
        *("masked_attention", "cross_attention", "feed_forward"),
    ]


def test_an_arrow_is_solid_where_both_its_ends_are():
    lines = [patch for patch in show_machine(TINY, "b").figure.axes[0].patches if isinstance(patch, PathPatch)]
    assert [line.get_linestyle() in ("-", "solid") for line in lines] == [True, False, False]


@pytest.mark.parametrize("name", MACHINES)
def test_the_flag_stands_once(name):
    for box in MACHINES[name].boxes:
        assert texts(show_machine(MACHINES[name], box.id)).count("you are here") == 1


def test_a_wrong_id_names_all_ids():
    message = (
        r"here='atention' is not in this machine. It has: query, key, compare, scale, softmax, value, mix, output\."
    )
    with pytest.raises(ValueError, match=message):
        show_machine(ATTENTION, "atention")
    with pytest.raises(ValueError, match=r"here='d' is not in this machine\. It has: a, b, c, pair"):
        show_machine(TINY, ("a", "d"))


def test_arrows_go_from_edge_to_edge():
    straight, bent, shortcut = (TINY.route(arrow) for arrow in TINY.arrows)
    assert straight == ((2, 0.5), (2.5, 0.5))
    assert bent[0] == (4.5, 0.5)
    assert bent[-1] == (5, 2.5)
    assert shortcut[0] == (1, 1)
    assert shortcut[-1] == (5, 2.5)


@pytest.mark.parametrize("name", MACHINES)
def test_every_arrow_begins_and_ends_on_an_edge_upright_or_level_and_crosses_no_box(name):
    machine = MACHINES[name]
    for arrow in machine.arrows:
        corners = machine.route(arrow)
        for end, box in ((corners[0], machine.box(arrow.start)), (corners[-1], machine.box(arrow.end))):
            x, y = end
            on_side = x in (box.left, box.right) and box.top < y < box.bottom
            on_top = y in (box.top, box.bottom) and box.left < x < box.right
            assert on_side or on_top, arrow
        for (x, y), (to_x, to_y) in itertools.pairwise(corners):
            assert abs(x - to_x) < 1e-9 or abs(y - to_y) < 1e-9, arrow
            for box in machine.boxes:
                left, right, top, bottom = min(x, to_x), max(x, to_x), min(y, to_y), max(y, to_y)
                apart = right <= box.left or left >= box.right or bottom <= box.top or top >= box.bottom
                assert apart, (arrow, box.id)


@pytest.mark.parametrize("name", MACHINES)
def test_heads_touch_the_boxes_they_point_to(name):
    machine = MACHINES[name]
    heads = [patch for patch in show_machine(machine).figure.axes[0].patches if isinstance(patch, Polygon)]
    tips = [tuple(head.get_xy()[0]) for head in heads]
    assert tips == [machine.route(arrow)[-1] for arrow in machine.arrows]


@pytest.mark.parametrize("name", MACHINES)
@pytest.mark.parametrize("flagged", [False, True])
def test_it_fits_the_page_and_its_texts_fit_their_boxes(name, flagged):
    machine = MACHINES[name]
    figure = show_machine(machine, machine.boxes[-1].id if flagged else None).figure
    assert figure.get_figwidth() <= 9.85
    [axes] = figure.axes
    boxes = [
        patch.get_window_extent()
        for patch in axes.patches
        if isinstance(patch, FancyBboxPatch) and patch.get_zorder() == 3
    ]
    inside = 0
    for text in axes.texts:
        extent = text.get_window_extent()
        middle = ((extent.x0 + extent.x1) / 2, (extent.y0 + extent.y1) / 2)
        for box in boxes:
            if box.contains(*middle):
                inside += 1
                assert box.x0 + 4 < extent.x0
                assert extent.x1 < box.x1 - 4, text.get_text()
                assert box.y0 < extent.y0
                assert extent.y1 < box.y1, text.get_text()
    assert inside >= len(boxes)


def test_boxes_do_not_touch_each_other():
    for machine in MACHINES.values():
        for a, b in itertools.combinations(machine.boxes, 2):
            assert a.right < b.left or b.right < a.left or a.bottom < b.top or b.bottom < a.top, (a.id, b.id)


def test_boxes_have_the_colors_of_their_roles():
    edges = [
        to_hex(patch.get_edgecolor()) for patch in show_machine(TINY).figure.axes[0].patches if patch.get_zorder() == 3
    ]
    assert edges == ["#0072b2", "#e69f00", "#009e73"]


def test_the_words_follow_the_arrows():
    assert show_machine(TINY).alt == (
        "A toy as a machine: first (A) goes to second, its numbers and first (a shortcut) to third-born."
    )
    assert show_machine(ATTENTION, "compare").alt == (
        "Attention as a machine: queries (Q) and keys (K) go to compare (Q Kᵀ), its scores to scale (÷ √dₖ), "
        "scale to share out (softmax), its weights and values (V) to mix (weights · V), mix to output; "
        "you are here: compare; still to come: scale, share out, values, mix and output."
    )
    assert show_machine(TINY, "c").alt.endswith("to third-born; you are here: third-born.")


def test_masking_adds_one_box():
    assert [box.id for box in ATTENTION.boxes] == list(IDS)
    assert [box.id for box in MASKED_ATTENTION.boxes] == [*IDS[:4], "mask", *IDS[4:]]
    pairs = {(arrow.start, arrow.end) for arrow in MASKED_ATTENTION.arrows}
    assert pairs - {(arrow.start, arrow.end) for arrow in ATTENTION.arrows} == {("scale", "mask"), ("mask", "softmax")}


@pytest.mark.parametrize("name", MACHINES)
def test_a_description_is_plain_data(name):
    machine = MACHINES[name]
    described = json.loads(json.dumps(machine.describe()))
    assert [box["id"] for box in described["boxes"]] == [box.id for box in machine.boxes]
    assert described["boxes"][0]["color"].startswith("#")
    assert [tuple(map(tuple, arrow["corners"])) for arrow in described["arrows"]] == list(
        map(machine.route, machine.arrows)
    )
    assert all(len(group["outline"]) == 4 for group in described["groups"])
