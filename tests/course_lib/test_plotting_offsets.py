"""Figures of pictures and of where heads look: what they say in words, and what lies where."""

import numpy as np
import pytest
import torch

from course_lib.plotting import show_kernel_heads, show_offsets, show_pictures
from course_lib.plotting.words import MINUS


def axes_of(figure):
    [axes] = figure.figure.axes
    return axes


def texts(figure):
    return [text.get_text() for text in axes_of(figure).texts]


def test_pictures_say_what_they_are():
    figure = show_pictures(np.zeros((2, 3, 4)), ["a 3", "a 7"])
    assert figure.alt == "Pictures of 3 by 4 pixels: a 3 and a 7."
    assert texts(figure) == ["a 3", "a 7"]


def test_weights_over_pictures_say_where_they_lie():
    weights = torch.zeros(2, 3, 4)
    weights[0, 1, 3], weights[1, 2, 0] = 0.75, 1.0
    figure = show_pictures(weights, ["left", "right"], role="weights", query=(1, 2))
    assert figure.alt == (
        "Attention weights over pictures of 3 by 4 pixels: left and right. The query is the pixel in row 1, column 2. "
        "left: most on row 1, column 3 (0.75). right: most on row 2, column 0 (1)."
    )


def test_a_query_is_framed_where_it_is():
    figure = show_pictures(np.zeros((1, 4, 4)), ["one"], query=(1, 3))
    frame = next(patch for patch in axes_of(figure).patches if patch.get_linewidth() > 2)
    unit = frame.get_width()
    assert (round(frame.get_x() / unit), round(frame.get_y() / unit)) == (3, 1)


def test_a_ring_is_told_and_framed():
    figure = show_pictures(np.zeros((1, 5, 6)), ["one"], role="weights", ring=1)
    assert "A ring of 1 pixel around the inner 3 by 4 is padding." in figure.alt
    outer, inner = axes_of(figure).patches
    np.testing.assert_allclose(inner.get_width() / outer.get_width(), 4 / 6)
    np.testing.assert_allclose(inner.get_height() / outer.get_height(), 3 / 5)


def test_more_ink_is_darker_on_one_scale():
    figure = show_pictures(np.array([[[0.0, 0.5]], [[1.0, 0.5]]]), ["a", "b"])
    first, second = (np.asarray(image.get_array()).sum(axis=-1) for image in axes_of(figure).images)
    assert first[0, 0] > first[0, 1] > second[0, 0]
    assert first[0, 1] == second[0, 1]


def test_many_pictures_wrap():
    assert (
        show_pictures(np.zeros((30, 8, 8)), range(30)).panels[0].height
        > show_pictures(np.zeros((5, 8, 8)), range(5)).panels[0].height
    )


@pytest.mark.parametrize("shape", [(8, 8), (1, 8, 8, 1), (0, 8, 8)], ids=str)
def test_what_is_no_row_of_pictures(shape):
    with pytest.raises(ValueError, match=r"this figure shows \(n, height, width\)"):
        show_pictures(np.zeros(shape), [])


def test_every_picture_has_a_name():
    with pytest.raises(ValueError, match="1 name but 2 pictures"):
        show_pictures(np.zeros((2, 3, 3)), ["a"])


@pytest.mark.parametrize(("kernel_size", "heads", "first"), [(1, 1, "(0, 0)"), (3, 9, "(-1, -1)"), (5, 25, "(-2, -2)")])
def test_a_kernel_is_as_many_heads_as_it_has_pixels(kernel_size, heads, first):
    figure, first = show_kernel_heads(kernel_size), first.replace("-", MINUS)
    assert f"as {heads} head" in figure.alt
    assert f"from {first}" in figure.alt
    assert first in texts(figure)
    assert f"head {heads}" in texts(figure)


def test_centers_say_where_they_are_and_how_far_they_went():
    paths = np.array([[[0.0, 0.0], [0.0, 0.0]], [[0.0, 3.0], [-1.0, 0.0]]])  # two steps of two heads
    figure = show_offsets(paths, alpha=[0.5, 2.0])
    assert figure.alt == (
        f"Where 2 heads look, in rows and columns from the query: head 1 at (0, 3); head 2 at ({MINUS}1, 0). "
        "They have moved by 1 to 3 pixels. Their weights spread over 0.50 to 1 pixels. "
        "1 of them are inside the 3 by 3 kernel's square."
    )


def test_rows_go_down_and_columns_to_the_right():
    figure = show_offsets(torch.tensor([[1.0, -2.0]]))
    axes = axes_of(figure)
    [dot] = [line for line in axes.lines if line.get_marker() == "o"]
    assert (dot.get_xdata()[0], dot.get_ydata()[0]) == (-2, 1)
    assert axes.yaxis_inverted()
    assert "moved" not in figure.alt


def test_centers_far_away_are_still_drawn():
    low, high = axes_of(show_offsets([[6.2, 0.0]])).get_xlim()
    assert (low, high) == (-6.5, 6.5)


def test_what_is_no_path_of_centers():
    with pytest.raises(ValueError, match=r"shape \(steps, num_heads, 2\)"):
        show_offsets(np.zeros((4, 3)))
    with pytest.raises(ValueError, match="3 alphas but 2 heads"):
        show_offsets(np.zeros((2, 2)), alpha=[1.0, 1.0, 1.0])
