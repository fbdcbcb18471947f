"""The figure of what attention keeps: its words and its squares count the same numbers."""

import pytest
from matplotlib.patches import FancyArrowPatch, Rectangle

from course_lib.plotting import show_memory, side_by_side


def test_cache_and_state_are_counted():
    # A token costs 2 + 3 numbers in the cache; the state has 2 * 3 + 2 of them.
    assert show_memory(["a", "b", "c"], 2, 3).alt == (
        "What is kept after each of 3 tokens. Softmax attention keeps the key (2 numbers) and the value (3 numbers) of "
        "every token: 5, 10, 15 numbers. Linear attention keeps S (2 by 3) and z (2): 8 numbers after every token; an "
        "arrow with a plus leads from each state to the next."
    )


def test_there_is_a_square_for_each_number_and_an_arrow_between_two_states():
    [axes] = show_memory(["a", "b", "c"], 2, 3).figure.axes
    patches = axes.patches
    assert sum(isinstance(patch, Rectangle) for patch in patches) == 5 + 10 + 15 + 3 * 8
    assert sum(isinstance(patch, FancyArrowPatch) for patch in patches) == 2
    written = [text.get_text() for text in axes.texts]
    assert [written.count(number) for number in ("5", "10", "15", "8")] == [1, 1, 1, 3]


def test_it_is_a_picture_and_stands_beside_others():
    assert show_memory(["only"], 1, 1).png.startswith(b"\x89PNG")
    both = side_by_side(show_memory(["a"], 1, 2, title="left"), show_memory(["b"], 1, 2, title="right"))
    assert both.alt.startswith("left: What is kept after each of 1 token.")


@pytest.mark.parametrize("how_many", [0, 9])
def test_too_few_and_too_many_tokens_are_explained(how_many):
    with pytest.raises(ValueError, match=f"{how_many} tokens: this figure has room for 1 to 8"):
        show_memory(["x"] * how_many, 2, 3)
