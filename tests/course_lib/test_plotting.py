"""The figures say the truth in words and in numbers, teach when they cannot, and leave matplotlib as they found it."""

import base64
import io
import subprocess
import sys

import matplotlib
import numpy as np
import pytest
import torch
from matplotlib.colors import to_hex
from PIL import Image

from course_lib.data import toy
from course_lib.plotting import (
    COLORS,
    TRANSFORMER,
    CourseFigure,
    show_arrows,
    show_colors,
    show_combination,
    show_course_map,
    show_curves,
    show_distributions,
    show_machine,
    show_mask,
    show_padding,
    show_product,
    show_scores,
    show_vectors,
    show_weights,
    side_by_side,
)
from course_lib.plotting.style import ink_on, shades

MINUS = "\N{MINUS SIGN}"
# Two queries, three keys: a goes mostly to y, b to x and z alike.
WEIGHTS = np.array([[0.125, 0.75, 0.125], [0.5, 0.0, 0.5]])
MASK = np.array([[True, True, True], [True, False, True]])


def texts(figure):
    """Every piece of text that the figure draws."""
    return [text.get_text() for axes in figure.figure.axes for text in axes.texts if text.get_text()]


@pytest.fixture
def displayed(monkeypatch):
    """The function that displays a figure as IPython does and returns what is shown: (data, metadata) of each part."""
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw, metadata=None: shown.append((data, metadata)))
    return lambda figure: figure._ipython_display_() or shown


def one_of_each():
    return {
        "vectors": show_vectors(toy.V, toy.TOKENS, toy.VALUE_FEATURES, role="value", title="V"),
        "product": show_product(toy.Q, toy.K.T, toy.TOKENS, toy.TOKENS, toy.FEATURES, mark=(4, 1)),
        "scores": show_scores(toy.Q @ toy.K.T, toy.TOKENS),
        "weights": show_weights(WEIGHTS, "ab", "xyz", mask=MASK, row_sums=True),
        "mask": show_mask(MASK, "ab", "xyz"),
        "padding": show_padding(["5 мая", "5月5日", "5 مايو"], ["ru", "ja", "ar"]),
        "distributions": show_distributions({"cold": [0.9, 0.1], "hot": [0.6, 0.4]}, ["yes", "no"]),
        "curves": show_curves([1, 10, 100], {"up": [1, 2, 4], "down": [4, 2, 1]}, "n", "cost", log="xy"),
        "arrows": show_arrows([[3, 4], [4, 3], [0, 0]], ["q", "k", "zero"], roles=["query", "key", "key"]),
        "combination": show_combination([0.5, 0.25, 0.25], [[0, 0], [4, 0], [0, 8]], "abc", ["right", "up"]),
        "map": show_course_map(7),
        "machine": show_machine(TRANSFORMER, "decoder"),
        "colors": show_colors(),
    }


# What the figures say


def test_weights_say_who_attends_to_whom():
    alt = show_weights(WEIGHTS, "ab", "xyz", mask=MASK, row_sums=True).alt
    assert alt == (
        "Attention weights of 2 queries over 3 keys. Each attends most: a to y (0.75); b to x and z (0.50 each). "
        "1 of 6 cells are masked. Row sums: all 1."
    )


def test_weights_say_that_a_row_is_empty_that_weight_leaks_and_what_is_nan():
    weights = [[0.0, 0.0, 0.0], [0.5, 0.25, 0.25], [np.nan, np.nan, np.nan]]
    mask = [[False, False, False], [True, True, False], [True, True, True]]
    alt = show_weights(weights, ["none", "leaks", "nan"], "xyz", mask=np.array(mask)).alt
    assert "No weight at all: none." in alt
    assert "4 of 9 cells are masked. 1 masked cell has weight all the same." in alt
    assert "3 cells are NaN." in alt


def test_many_rows_are_told_by_their_extremes():
    weights = np.full((9, 4), 0.25)
    weights[5] = [0.0, 0.9, 0.1, 0.0]
    alt = show_weights(weights, "abcdefghi", "wxyz").alt
    assert "Sharpest: f to x (0.90). Flattest: " in alt


def test_scores_say_their_range_and_each_row_s_highest():
    alt = show_scores([[1, -2.5], [0, -np.inf], [3, 3]], "abc", "xy").alt
    assert alt == (
        f"Scores, 3 rows by 2 columns, from {MINUS}2.50 to 3. "
        f"Highest in each row: a with x (1); b with x (0); c with x and y (3 each). 1 cell is {MINUS}∞."
    )


def test_product_spells_out_the_marked_sum():
    alt = show_product([[1, -2], [3, 4], [0, 1]], [[5], [6]], "abc", ["col"], mark=(0, 0)).alt
    assert "Q (3 by 2) times Kᵀ (2 by 1)" in alt
    assert f"Row a meets column col: 1·5 + ({MINUS}2)·6 = {MINUS}7." in alt


def test_the_sides_of_a_matrix_have_the_names_they_are_given():
    for show in (show_scores, show_weights, show_mask):
        figure = show(MASK, "ab", "xyz", sides=("output", "input"))
        assert {"output", "input"} <= set(texts(figure)), show


def test_distributions_say_their_peaks():
    alt = show_distributions({"T = 1": [0.7, 0.2, 0.1], "T = 9": [0.4, 0.4, 0.2]}, ["a", "b", "c"]).alt
    assert "T = 1: highest a (0.70), lowest 0.10." in alt
    assert "T = 9: highest a and b (0.40 each), lowest 0.20." in alt


@pytest.mark.parametrize(
    ("y", "said"),
    [
        ([1, 5, 40, 1024], "rises from 1 to 1000"),
        ([8, 4, 2, 0.00123], "falls from 8 to 0.0012"),
        ([0.98, 1.03, 0.99, 1.0], "stays near 1"),
        ([1, 9, 9, 2], "goes from 1 up to 9 and ends at 2"),
        ([5, -1, 0, 6], f"goes from 5 down to {MINUS}1 and ends at 6"),
        ([np.nan, 2, 3, np.inf], "rises from 2 to 3"),
    ],
)
def test_curves_say_their_trend(y, said):
    assert f"curve {said}" in show_curves([1, 2, 3, 4], {"curve": y}, "x", "y").alt


def test_a_curve_of_several_runs_shows_their_mean_and_spread():
    figure = show_curves([1, 2, 4], {"up": [[1, 2, 3], [1, 4, 9]], "once": [1, 1, 1]}, "n", "share")
    assert "up rises from 1 to 6 (mean of 2 runs, which end between 3 and 9); once stays near 1." in figure.alt
    (axes,) = figure.figure.axes
    (band,) = axes.collections
    assert axes.lines[0].get_ydata().tolist() == [1, 3, 6]
    assert {tuple(corner) for corner in band.get_paths()[0].vertices} >= {(4.0, 3.0), (4.0, 9.0), (1.0, 1.0)}


def test_a_marked_place_is_named_where_it_lies():
    figure = show_curves([1, 10, 100], {"up": [1, 2, 4]}, "n", "cost", log="x", mark={"crossing": 10})
    assert figure.alt.endswith(" Marked: crossing, at 10.")
    [axes] = figure.figure.axes
    assert "crossing: 10" in texts(figure)
    assert [list(line.get_xdata()) for line in axes.lines if line.get_linestyle() == "--"] == [[10, 10]]
    assert "Marked" not in show_curves([1, 10], {"up": [1, 2]}, "n", "cost").alt


def test_arrows_say_norm_angle_and_dot_product():
    alt = show_arrows([[3, 4], [8, -6], [6, 8]], ["q", "across", "along"], roles=["query", "key", "key"]).alt
    assert "query q has norm 5; key across has norm 10, angle 90°, dot product 0;" in alt
    assert "key along has norm 10, angle 0°, dot product 50." in alt


def test_combination_says_where_the_output_lies():
    alt = show_combination([0.5, 0.25, 0.25], [[0, 0], [4, 0], [0, 8]], "abc").alt
    assert alt == "The output (1, 2) lies among the values, mixed from 0.50 of a, 0.25 of b, 0.25 of c."


def test_padding_and_mask_count_their_cells():
    assert "Their own lengths: a 2, b 5. 3 of 10 cells are padding." in show_padding(["no", "never"], "ab").alt
    alt = show_mask(MASK & [[True], [False]], "ab", "xyz").alt
    assert "3 of 6 cells may attend. a to all; b to nothing." in alt


def test_the_map_says_where_the_reader_is():
    assert show_course_map(4).alt == (
        "Course map: chapter 04, Masking, in part I, The mechanism; 4 chapters behind, 10 ahead."
    )


def test_side_by_side_tells_the_panels_with_their_titles():
    alt = side_by_side(show_mask(MASK, "ab", "xyz", title="left"), show_mask(~MASK, "ab", "xyz", title="right")).alt
    assert alt.startswith("left: Mask, 2 rows by 3 columns: 5 of 6")
    assert " right: Mask, 2 rows by 3 columns: 1 of 6" in alt


def test_the_last_bits_of_a_number_change_no_word():
    noise = 1e-9 * np.array([[1, -1, 1], [-1, 0, 1]])  # 0.125 lies between 0.12 and 0.13, 0.5 and 0.5 are a tie
    expected = show_weights(WEIGHTS, "ab", "xyz").alt
    assert show_weights(WEIGHTS + noise, "ab", "xyz").alt == expected
    assert show_weights(WEIGHTS - noise, "ab", "xyz").alt == expected


# What the figures draw


def test_cells_carry_their_numbers_and_masked_cells_carry_none():
    drawn = texts(show_weights(WEIGHTS, "ab", "xyz", mask=MASK))
    assert [text for text in drawn if text[0].isdigit()] == ["0.12", "0.75", "0.12", "0.50", "0.50"]
    assert "0" in texts(show_weights(WEIGHTS, "ab", "xyz"))  # the same zero, not masked


def test_weight_that_leaks_into_a_masked_cell_is_shown():
    leaking = np.array([[0.25, 0.75]])
    assert "0.75" in texts(show_weights(leaking, "a", "xy", mask=np.array([[True, False]])))


def test_minus_infinity_is_written():
    assert f"{MINUS}∞" in texts(show_scores([[0.0, -np.inf]], "a", "xy"))


def test_a_large_matrix_has_shades_and_a_key_to_them_instead_of_numbers():
    weights = np.zeros((3, 40))
    weights[:, 7] = 0.25
    weights[:, 20] = 0.75
    drawn = texts(show_weights(weights, "abc", range(1, 41)))
    assert "0.25" not in drawn
    assert drawn[-2:] == ["0", "0.75"]  # the ends of the key


def test_side_by_side_shares_one_color_scale_where_there_are_no_numbers():
    def shade_of_one(*figures):
        return to_hex(side_by_side(*figures).figure.axes[0].patches[1].get_facecolor())

    small = show_scores([[0.0, 1.0, *[0.0] * 38]], "a", range(40))
    large = show_scores([[0.0, 4.0, *[0.0] * 38]], "a", range(40))
    both = show_scores([[0.0, 1.0, 4.0, *[0.0] * 37]], "a", range(40))
    assert shade_of_one(small) != shade_of_one(small, large) == shade_of_one(both)
    assert shade_of_one(small, show_scores([[9.0]], "a", "x")) == shade_of_one(small)  # whose number says it


def test_panels_too_wide_for_one_row_wrap_and_nothing_is_cut_off():
    wide = side_by_side(*(show_weights(np.full((2, 9), 1 / 9), "ab", "abcdefghi") for _ in range(3)))
    figure = wide.figure
    tops = {round(axes.get_position().y1, 3) for axes in figure.axes}
    assert len(tops) == 3
    page = figure.bbox
    for axes in figure.axes:
        drawn = axes.get_tightbbox(figure.canvas.get_renderer())
        assert drawn.x0 >= page.x0
        assert drawn.x1 <= page.x1
        assert drawn.y0 >= page.y0
        assert drawn.y1 <= page.y1


def test_tokens_are_shown_as_they_are_and_blanks_with_a_sign():
    drawn = texts(show_scores(np.eye(4), ["$x$", "日", " ", "internationalization"]))
    assert {"$x$", "日", "␣", "internatio…ation"} <= set(drawn)


@pytest.mark.parametrize("name", list(one_of_each()))
def test_every_figure_is_a_picture_with_its_text(name, displayed):
    figure = one_of_each()[name]
    (shown, metadata), (folded, _) = displayed(figure)
    about = metadata["image/png"]
    picture = Image.open(io.BytesIO(base64.b64decode(shown["image/png"])))
    assert folded["text/plain"] == repr(figure) == about["alt"] == figure.alt
    assert abs(picture.width - 2 * about["width"]) <= 2
    assert about["width"] <= 960
    assert figure.png == one_of_each()[name].png


def test_on_a_dark_page_a_figure_is_a_card_with_round_corners():
    picture = Image.open(io.BytesIO(show_course_map(0).png)).convert("RGBA")
    width, height = picture.size
    assert [picture.getpixel(at)[3] for at in ((0, 0), (width - 1, 0), (0, height - 1), (width - 1, height - 1))] == [
        0
    ] * 4
    assert picture.getpixel((0, height // 2)) == picture.getpixel((width // 2, 0)) == (255, 255, 255, 255)
    assert picture.getpixel((8, 8)) == (255, 255, 255, 255)


def test_the_words_below_the_picture_are_text_not_markup(displayed):
    (shown, _), (folded, _) = displayed(show_scores([[1.0, 2.0]], ["<b>"], ["&", "y"], title="a < b"))
    assert shown["text/plain"] == "a < b"
    assert folded["text/html"].startswith("<details")
    assert "</summary>a &lt; b: Scores" in folded["text/html"]
    assert "&lt;b&gt; with y (2)." in folded["text/html"]


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_save_writes_what_the_ending_says(tmp_path, ending):
    path = tmp_path / f"figure.{ending}"
    show_course_map(0).save(path)
    assert path.read_bytes()[:5] in (b"\x89PNG\r", b"<?xml", b"%PDF-")


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_tensors_say_what_arrays_say(dtype):
    tensor = torch.tensor(WEIGHTS, dtype=dtype, requires_grad=True)
    mask = torch.tensor(MASK)
    expected = show_weights(WEIGHTS, "ab", "xyz", mask=MASK)
    assert show_weights(tensor, "ab", "xyz", mask=mask).alt == expected.alt
    assert tensor.requires_grad


def test_a_script_without_a_font_neither_warns_nor_fails():
    assert show_padding(["\U00012000\U0010fffd"], ["cuneiform"]).png


# Colors


def lightness(color):
    """CIE L*, from 0 (black) to 100 (white)."""
    channels = np.array([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return 116 * (linear @ [0.2126, 0.7152, 0.0722]) ** (1 / 3) - 16


def test_roles_differ_in_lightness_too():
    roles = ("query", "output", "value", "weights", "key")  # from dark to light
    steps = np.diff([lightness(COLORS[role]) for role in roles])
    assert np.all(steps > 3)


def test_shades_of_weights_darken_as_the_weight_grows():
    cells = show_weights(np.linspace(0, 1, 11)[None, :], "a", range(11)).figure.axes[0].patches[:11]
    shades = [lightness(to_hex(cell.get_facecolor())) for cell in cells]
    assert np.all(np.diff(shades) < -3)


def cell_color(show, values, place=0, **style):
    values = np.atleast_2d(values)
    patches = show(values, range(len(values)), range(values.shape[1]), **style).figure.axes[0].patches
    return to_hex(patches[place].get_facecolor())


def test_scores_are_white_at_zero_and_differ_below_it():
    colors = [cell_color(show_scores, [-4, -2, 0, 2, 4], place) for place in range(5)]
    shades = [lightness(color) for color in colors]
    assert colors[2] == "#ffffff"
    assert shades[0] < shades[1] < shades[2] > shades[3] > shades[4]
    assert shades[0] > shades[4] + 20  # on a gray print, too
    red_less_blue = [int(color[1:3], 16) - int(color[5:], 16) for color in colors]
    assert min(red_less_blue[:2]) > 0 >= max(red_less_blue[3:])


@pytest.mark.parametrize("role", [role for role in COLORS if role != "weights"])
def test_a_value_has_one_shade_in_all_figures(role):
    two = cell_color(show_vectors, [2, 1], role=role)
    assert two == cell_color(show_vectors, [2, -100], role=role) == cell_color(show_vectors, [[2], [0.1]], role=role)
    product = show_product([[2.0]], [[7.0]], "a", "b", roles=(role, "key", "scores"))
    assert two == to_hex(product.figure.axes[0].patches[0].get_facecolor())
    assert to_hex(
        side_by_side(show_vectors([[2]], "a"), show_vectors([[8]], "a")).figure.axes[0].patches[0].get_facecolor()
    ) == cell_color(show_vectors, 2)


def test_gray_is_one_scale_for_what_comes_in_and_for_scores():
    assert cell_color(show_vectors, 3, role="input") == cell_color(show_scores, 3)


def test_a_negative_number_has_one_color_whatever_its_role():
    colors = {cell_color(show_vectors, [-2, 5], role=role) for role in COLORS if role != "weights"}
    colors.add(cell_color(show_scores, [-2, 0]))
    assert len(colors) == 1
    [color] = colors
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    assert min(red, green) > blue + 60  # yellow


@pytest.mark.parametrize("role", COLORS)
def test_on_a_gray_print_the_darkest_cells_are_the_highest(role):
    values = [0.1, 0.5, 1, 2, 4, 8, 30] if role != "weights" else [0.1, 0.3, 0.5, 0.7, 1.0]
    above = [lightness(to_hex(shades(role)(value))) for value in values]
    assert np.all(np.diff(above) < -2)
    if role != "weights":
        below = [lightness(to_hex(shades(role)(-value))) for value in values]
        assert np.all(np.diff(below) < 0)
        assert min(below) > 74 > 66 > above[-1]
        assert np.all(np.array(below) > above)


def luminance(color):
    channels = np.array([int(to_hex(color)[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4) @ [
        0.2126,
        0.7152,
        0.0722,
    ]


@pytest.mark.parametrize("role", COLORS)
def test_numbers_can_be_read_on_their_cells(role):
    values = np.linspace(0, 1, 41) if role == "weights" else np.linspace(-6, 6, 49) ** 3
    for value in values:
        cell = shades(role)(value)
        dark, light = sorted([luminance(cell), luminance(ink_on(to_hex(cell)))])
        assert (light + 0.05) / (dark + 0.05) >= 4.5, value


def test_the_colors_say_what_they_mean():
    figure = show_colors()
    assert figure.alt.startswith(
        "The colors of the course: blue is query, a word's question: what it asks for; orange is key"
    )
    assert "yellow is negative" in figure.alt
    swatches = [to_hex(patch.get_facecolor()) for patch in figure.figure.axes[0].patches]
    assert swatches[:5] == [COLORS[role].lower() for role in ("query", "key", "weights", "value", "output")]
    assert len(set(swatches)) == len(swatches) == 7


# What teaches


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: show_weights(WEIGHTS, "abcdef", "xyz"), "6 query tokens but 2 rows: give one query token per row"),
        (lambda: show_weights(WEIGHTS, "ab"), "2 key tokens but 3 columns: give one key token per column of weights"),
        (lambda: show_vectors(toy.Q, toy.TOKENS, toy.VALUE_FEATURES), "3 features but 4 columns"),
        (lambda: show_scores(np.zeros((5, 2, 3)), "ab", "xyz"), r"shape \(5, 2, 3\).*for example scores\[0\]"),
        (lambda: show_scores(np.zeros((0, 3)), "", "xyz"), "nothing to show"),
        (
            lambda: show_weights(WEIGHTS, "ab", "xyz", mask=np.ones((4, 3), dtype=bool)),
            r"\(4, 3\); it does not broadcast",
        ),
        (lambda: show_product(toy.Q, toy.K, toy.TOKENS, toy.TOKENS), "inner sizes 4 and 6 differ. Is a transpose"),
        (lambda: show_product([[1]], [[1]], "a", "b", mark=(0, 1)), "no .row, column. of the result"),
        (lambda: show_vectors(toy.Q, toy.TOKENS, role="quary"), "'quary' is none of the course's roles: query, key"),
        (lambda: show_arrows(toy.Q, toy.TOKENS), "two numbers each"),
        (lambda: show_combination([0.5, 0.5], [[1, 2]], "ab"), r"2 weights need shape \(2, 2\)"),
        (lambda: show_distributions({"p": [0.5, 0.5]}, "abc"), "3 tokens but 2 bars"),
        (lambda: show_curves([1, 2, 3], {"loss": [1, 2]}, "x", "y"), "'loss' has 2 points, but x has 3"),
        (lambda: show_curves([1], {name: [1] for name in "abcdef"}, "x", "y"), "show at most 5"),
        (lambda: show_padding([], []), "sequences is empty"),
        (lambda: show_course_map(15), "not on the map, which goes from 0 to 14"),
    ],
)
def test_what_cannot_be_drawn_is_explained(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_mask_of_numbers_is_a_type_error():
    with pytest.raises(TypeError, match="boolean, True = may attend; this one has dtype int64"):
        show_mask(np.ones((2, 2), dtype=np.int64), "ab")


# No traces


def test_matplotlib_s_settings_stay_as_they_were():
    before = dict(matplotlib.rcParams)
    for figure in one_of_each().values():
        assert figure.png
    assert dict(matplotlib.rcParams) == before


def test_pyplot_is_never_imported():
    code = (
        "import sys, course_lib; assert 'matplotlib' not in sys.modules\n"
        "from course_lib.plotting import show_course_map; show_course_map(3).png\n"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_figures_do_not_share_state():
    first, second = show_course_map(1), show_course_map(2)
    assert isinstance(first, CourseFigure)
    assert first.figure is first.figure
    assert first.figure is not second.figure
