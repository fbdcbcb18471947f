"""Letters in the shades of their weights: what is drawn where, what is said of it, and what cannot be drawn."""

import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle

from course_lib.plotting import show_letters, show_pooling, side_by_side

TEXTS = ["mai", "maggio"]
WEIGHTS = [
    np.array([[0.0, 0.25, 0.75], [1.0, 0.0, 0.0]]),
    np.array([[0.0, 0.0, 0.3, 0.3, 0.2, 0.2], [0.1, 0.0, 0.0, 0.0, 0.3, 0.6]]),
]


def drawn(figure):
    """Return the text of all cells by column, with the shade beneath: one is white, zero black."""
    [axes] = figure.figure.axes[:1]
    letters = {
        (text.xy[0] - 0.5, int(text.xy[1])): text.get_text()
        for text in axes.texts
        if text.xy[0] % 1 == pytest.approx(0.5)
    }
    filled = [patch for patch in axes.patches if isinstance(patch, Rectangle) and patch.get_fill()]
    shades = {(patch.get_x(), int(patch.get_y())): sum(to_rgb(patch.get_facecolor())) / 3 for patch in filled}
    return {place: (letter, shades[place]) for place, letter in letters.items() if place in shades}


def test_every_letter_stands_once_for_each_hop_darker_where_it_weighs_more():
    found = drawn(show_letters(TEXTS, WEIGHTS))
    places = sorted(found)
    assert len(found) == 2 * (3 + 6)
    first_row = [found[place] for place in places if place[1] == 0]
    assert "".join(letter for letter, _ in first_row) == "maimai"
    (_, m), (_, a), (_, i), (_, second_m), *_ = first_row
    assert m > a > i > second_m
    assert m == 1


def test_a_shade_means_one_weight_in_every_figure():
    alone, beside = (drawn(show_letters(["ab"], [[weights]]))[0, 0] for weights in ([0.3, 0.7], [0.3, 0.0]))
    assert alone == beside


def test_hops_are_told_by_the_letters_that_hold_half_of_their_weight():
    alt = show_letters(TEXTS, WEIGHTS, languages=["German", "Italian"]).alt
    assert "2 texts, each once for every hop (hop 1, hop 2)" in alt
    assert "mai (German): hop 1 0.75 on i; hop 2 1.00 on m." in alt
    assert "maggio (Italian): hop 1 0.60 on gg; hop 2 0.60 on o." in alt
    assert "0.70 on m o." in show_letters(["mano"], [[[0.4, 0.2, 0.1, 0.3]]]).alt


def test_hops_have_the_names_they_are_given_and_may_stand_beside_another_figure():
    figure = side_by_side(*(show_letters(["mai"], [WEIGHTS[0][:1]], hops=[name]) for name in ("mean", "last")))
    written = {text.get_text() for axes in figure.figure.axes for text in axes.texts}
    assert {"mean", "last", "weight"} <= written
    assert "mean 0.75 on i" in figure.alt


def test_tensors_of_any_kind_are_shown():
    weights = [torch.tensor(rows, dtype=torch.bfloat16, requires_grad=True) for rows in WEIGHTS]
    assert "hop 2 1.00 on m" in show_letters(TEXTS, weights).alt


def test_blanks_and_dollar_signs_are_letters_and_nan_is_told():
    figure = show_letters(["a $b$"], [[[0.2, 0.2, 0.2, 0.2, np.nan]]])
    assert "hop 1 NaN" in figure.alt
    assert figure.png


def test_the_machine_draws_lines_as_thick_as_the_weights():
    [axes] = show_pooling("mai", WEIGHTS[0]).figure.axes
    lines = [line for line in axes.lines if line.get_color() == "#CC79A7"]
    widths = np.reshape([line.get_linewidth() for line in lines], (3, 2)).T  # letter by letter
    np.testing.assert_allclose(widths / widths.max(), WEIGHTS[0])
    starts, ends = ([line.get_xdata()[end] for line in lines] for end in (0, 1))
    assert starts == [0.5, 0.5, 1.5, 1.5, 2.5, 2.5]
    assert ends == [0.75, 2.25] * 3


def test_the_machine_says_what_each_hop_gathers():
    figure = show_pooling("mai", WEIGHTS[0], hops=["mine", "yours"])
    assert "The letters m a i" in figure.alt
    assert "mine 0.75 on i; yours 1.00 on m." in figure.alt
    assert {"letters", "states H", "embedding M", "mine"} <= {text.get_text() for text in figure.figure.axes[0].texts}


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: show_letters([], []), "texts is empty"),
        (lambda: show_letters(TEXTS, WEIGHTS[:1]), "2 texts but 1 arrays of weights"),
        (
            lambda: show_letters(["mai"], [np.ones((2, 5))]),
            "'mai' has 3 letters but 5 weights in each row: cut the padding",
        ),
        (lambda: show_letters(TEXTS, [WEIGHTS[0], WEIGHTS[1][:1]]), r"the same hops, but they number \[2, 1\]"),
        (lambda: show_letters(TEXTS, WEIGHTS, hops=["one"]), "1 name but 2 hops"),
        (lambda: show_letters(TEXTS, WEIGHTS, languages=["German"]), "1 language but 2 texts"),
        (lambda: show_letters(["mai"], [np.ones(3)]), "weights.0. has shape"),
        (lambda: show_pooling("mai", np.ones((2, 5))), "'mai' has 3 letters but 5 weights"),
        (lambda: show_pooling("mai", WEIGHTS[0], hops=["one"]), "1 name but 2 hops"),
    ],
)
def test_what_does_not_fit_is_told(call, said):
    with pytest.raises(ValueError, match=said):
        call()
