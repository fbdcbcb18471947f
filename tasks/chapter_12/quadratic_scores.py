"""12.quadratic_scores: a head that prefers one offset (Cordonnier, Loukas, Jaggi 2020, eq. 9 and Lemma 2)."""

import math

import numpy as np

from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Task
from tasks.probes import apart

known = Known()


def a_grid_of_offsets(rng, num_heads, q_len, k_len):
    return _inputs(rng, num_heads, q_len, k_len)


def a_list_of_offsets(rng, num_heads, k_len):
    return _inputs(rng, num_heads, k_len)


def three_leading_axes(rng, num_heads, batch, q_len, k_len):
    return _inputs(rng, num_heads, batch, q_len, k_len)


def a_single_offset(rng, num_heads):
    return _inputs(rng, num_heads)


def _inputs(rng, num_heads, *leading):
    """Offsets between pixels up to three apart, each with row and column that differ in size, and centers between the
    pixels, which lie on no line with each other."""
    row = rng.integers(-3, 4, size=leading)
    column = np.where(np.abs(row) == 3, 1, np.abs(row) + 1) * rng.choice([-1, 1], size=leading)
    centers = rng.uniform(0.3, 0.7, size=(num_heads, 2)) + rng.permutation(num_heads)[:, None] * [0.9, -0.6]
    return {
        "offsets": np.stack([row, column], axis=-1).astype(float),
        "centers": centers,
        "alpha": float(rng.uniform(0.3, 0.8)),
    }


def of_the_text(rng, num_heads, k_len):
    offsets = np.array([[0.0, 0.0], [0.0, 1.0], [2.0, 1.0]])
    return {"offsets": offsets, "centers": np.array([[0.0, 0.0], [0.0, 1.0]]), "alpha": 0.5}


def far_apart(rng, num_heads, k_len):
    """As on an image of hundreds of pixels; whole numbers, whose squares float32 holds."""
    inputs = _inputs(rng, num_heads, k_len)
    offsets = np.stack([rng.integers(150, 300, size=k_len), -rng.integers(20, 90, size=k_len)], axis=-1)
    centers = np.round(inputs["centers"]) + np.array([1.0, 2.0])
    return {"offsets": offsets.astype(float), "centers": centers, "alpha": 40.0}


def one_of_each(rng, num_heads, q_len, k_len):
    return _inputs(rng, num_heads, q_len, k_len)


def reference(offsets, centers, alpha):
    gaps = offsets - centers.reshape(len(centers), *[1] * (offsets.ndim - 1), 2)
    return -alpha * (gaps**2).sum(axis=-1)


def _centers_in_front(offsets, centers):
    return centers.reshape(len(centers), *[1] * (offsets.ndim - 1), 2)


@Stage
def gaps(offsets, centers):
    return offsets - _centers_in_front(offsets, centers)  # (num_heads, ..., 2)


@gaps.slip
def centers_added(offsets, centers):
    """The center is added to the offset, or the middle term of the square has a plus: each head looks on the opposite
    side. It is the distance between the two, and so a difference."""
    return offsets + _centers_in_front(offsets, centers)


@gaps.slip
def no_centers(offsets, centers):
    """The centers have no effect: all heads have the score of the offset's distance from (0, 0). Each has its own
    center."""
    return offsets - 0 * _centers_in_front(offsets, centers)


@gaps.slip
def rows_meet_columns(offsets, centers):
    """The row of the offset meets the column of the center, and the other way round. Row and row belong together."""
    return offsets - _centers_in_front(offsets, centers)[..., ::-1]


@gaps.slip
def row_of_the_center_twice(offsets, centers):
    """The row of the center is subtracted from row and column. From the column, it is the column of the center."""
    return offsets - _centers_in_front(offsets, centers)[..., :1]


@gaps.slip
def column_of_the_center_twice(offsets, centers):
    """The column of the center is subtracted from row and column. From the row, it is the row of the center."""
    return offsets - _centers_in_front(offsets, centers)[..., 1:]


@gaps.slip
def first_center_for_all(offsets, centers):
    """All heads have the center of the first. Each has its own row of centers."""
    return offsets - _centers_in_front(offsets, np.broadcast_to(centers[:1], centers.shape))


@gaps.slip
def last_center_for_all(offsets, centers):
    """All heads have the center of the last. Each has its own row of centers."""
    return offsets - _centers_in_front(offsets, np.broadcast_to(centers[-1:], centers.shape))


@gaps.slip
def heads_backward(offsets, centers):
    """The heads stand in reverse order. Head h has row h of the centers."""
    return offsets - _centers_in_front(offsets, centers[::-1])


@gaps.slip
def centers_added_up(offsets, centers):
    """The centers of all heads are added up into one. Each head has its own."""
    return offsets - _centers_in_front(offsets, np.broadcast_to(centers.sum(axis=0), centers.shape))


@gaps.slip
def centers_rounded(offsets, centers):
    """The centers are rounded to whole pixels. A center may lie between the pixels."""
    return offsets - np.round(_centers_in_front(offsets, centers))


@gaps.slip
def centers_cut(offsets, centers):
    """The centers are cut to whole numbers, as integers are. A center may lie between the pixels."""
    return offsets - np.trunc(_centers_in_front(offsets, centers))


@gaps.slip
def no_axes_for_the_heads(offsets, centers):
    """The centers have shape (num_heads, 2) and meet the last axes of the offsets as they are. The heads need an axis
    of their own in front of all those of the offsets."""
    return offsets - centers


@gaps.slip
def one_leading_axis_expected(offsets, centers):
    """One axis of size 1 is put in for the offsets, which may have any number of leading axes: with two of them, the
    heads meet the queries. As many are needed as the offsets have in front of their last."""
    return offsets - centers[:, None, :]


@gaps.slip
def two_leading_axes_expected(offsets, centers):
    """Two axes of size 1 are put in for the offsets, which may have any number of leading axes. As many are needed as
    the offsets have in front of their last."""
    return offsets - centers[:, None, None, :]


@Stage
def distance(gaps):
    return (gaps**2).sum(axis=-1)  # (num_heads, ...)


@distance.slip
def not_squared(gaps):
    """The distance itself is taken. It is the squared one, without the root."""
    return np.sqrt((gaps**2).sum(axis=-1))


@distance.slip
def steps_along_both_axes(gaps):
    """Rows and columns are added without a square, each by its absolute value. It is the sum of the squares."""
    return np.abs(gaps).sum(axis=-1)


@distance.slip
def the_larger_of_the_two(gaps):
    """Of row and column, the larger square alone counts. It is the sum of both."""
    return (gaps**2).max(axis=-1)


@distance.slip
def signed_differences(gaps):
    """The differences of row and column are added as they are, with their signs. It is the sum of their squares."""
    return gaps.sum(axis=-1)


@distance.slip
def square_of_the_sum(gaps):
    """Row and column are added first and squared after that. Each is squared, and then they are added."""
    return gaps.sum(axis=-1) ** 2


@distance.slip
def square_of_the_steps(gaps):
    """The steps along row and column are added first, without their signs, and squared after that. Each is squared, and
    then they are added."""
    return np.abs(gaps).sum(axis=-1) ** 2


@distance.slip
def squared_twice(gaps):
    """The squared distance is squared once more. It is the sum of the two squares."""
    return (gaps**2).sum(axis=-1) ** 2


@distance.slip
def rows_alone(gaps):
    """The rows alone count. The square of the column belongs to the distance as well."""
    return gaps[..., 0] ** 2


@distance.slip
def columns_alone(gaps):
    """The columns alone count. The square of the row belongs to the distance as well."""
    return gaps[..., 1] ** 2


@distance.slip
def halved(gaps):
    """The scores are half as large as they should be: the mean of the two squares, or the ½ of a Gaussian bell. The
    formula has their sum, and no ½."""
    return (gaps**2).mean(axis=-1)


@distance.slip
def difference_of_the_squares(gaps):
    """The square of the column is subtracted from that of the row. The two are added."""
    return gaps[..., 0] ** 2 - gaps[..., 1] ** 2


@distance.slip
def row_and_column_kept_apart(gaps):
    """The squares of row and column are not added up: the last axis still has size 2."""
    return gaps**2


@distance.slip
def added_up_over_the_heads(gaps):
    """The squares are added up over the first axis, that of the heads. It is row and column that are added: the last
    axis."""
    return (gaps**2).sum(axis=0)


@distance.slip
def added_up_for_each_head(gaps):
    """All squares of a head are added up, over all offsets: (num_heads,). It is row and column that are added: the last
    axis alone."""
    return (gaps**2).reshape(len(gaps), -1).sum(axis=-1)


@distance.slip
def added_up_over_the_first_of_the_offsets(gaps):
    """The squares are added up over the first axis of the offsets. It is row and column that are added: the last
    axis."""
    return (gaps**2).sum(axis=1)


@distance.slip
def minus_alpha_for_the_row_alone(gaps, alpha):
    """Minus alpha multiplies the square of the row alone, and the square of the column is added as it is. Brackets
    around the sum bring it to both."""
    return gaps[..., 0] ** 2 - gaps[..., 1] ** 2 / alpha


@distance.slip
def added_up_altogether(gaps):
    """All squares are added up into one number. It is row and column that are added: the last axis alone."""
    return (gaps**2).sum()


@distance.slip
def without_the_square_of_the_center(gaps, offsets, centers):
    """The square of the center is missing, as if the score were -alpha (||offset||² - 2 offset · center). That is what
    the paper's product gives, and softmax sees no difference; the formula here has it all."""
    return (gaps**2).sum(axis=-1) - (_centers_in_front(offsets, centers) ** 2).sum(axis=-1)


@distance.slip
def without_the_square_of_the_offset(gaps, offsets):
    """The square of the offset is missing, as if the score were -alpha (-2 offset · center + ||center||²). It differs
    from key to key, and softmax does see it."""
    return (gaps**2).sum(axis=-1) - (offsets**2).sum(axis=-1)


@distance.slip
def middle_term_once(offsets, centers):
    """The product of offset and center counts once. When the square is written out, it counts twice: -2 offset ·
    center."""
    centers = _centers_in_front(offsets, centers)
    return (offsets**2).sum(axis=-1) - (offsets * centers).sum(axis=-1) + (centers**2).sum(axis=-1)


@distance.slip
def center_alone_squared(offsets, centers):
    """The square is that of the center alone, and the offset is as it was: `**` binds more tightly than the minus. The
    difference stands in brackets, and then it is squared."""
    return (offsets - _centers_in_front(offsets, centers) ** 2).sum(axis=-1)


@distance.slip
def no_middle_term(offsets, centers):
    """The squares of offset and center are added, and their product is missing: every head prefers the offset (0, 0).
    The difference is squared."""
    centers = _centers_in_front(offsets, centers)
    return (offsets**2).sum(axis=-1) + (centers**2).sum(axis=-1)


@distance.slip
def difference_of_the_lengths(offsets, centers):
    """The square of the center is subtracted from that of the offset. The difference comes first, then the square."""
    centers = _centers_in_front(offsets, centers)
    return (offsets**2).sum(axis=-1) - (centers**2).sum(axis=-1)


@distance.slip
def dot_products(offsets, centers):
    """These are dot products of offset and center, times minus alpha. It is the squared distance between them."""
    return (offsets * _centers_in_front(offsets, centers)).sum(axis=-1)


@Stage
def scores(distance, alpha):
    return -alpha * distance


@scores.slip
def no_minus(distance, alpha):
    """The minus is missing: the farther an offset lies from the center, the higher its score. The nearest should have
    the highest."""
    return alpha * distance


@scores.slip
def no_alpha(distance):
    """alpha has no effect. It says how sharply a head falls off around its center."""
    return -distance


@scores.slip
def distance_alone(distance):
    """These are the squared distances, without the minus and without alpha."""
    return distance


@scores.slip
def divided_by_alpha(distance, alpha):
    """The distances are divided by alpha. They are multiplied by it: the larger alpha, the sharper the head."""
    return -distance / alpha


@scores.slip
def alpha_as_a_width(distance, alpha):
    """alpha is taken for the width of a Gaussian bell: divided by 2 alpha². It is a factor: the larger, the sharper."""
    return -distance / (2 * alpha**2)


@scores.slip
def alpha_squared(distance, alpha):
    """alpha is squared along with the distance. It stands in front of the square."""
    return -(alpha**2) * distance


@scores.slip
def alpha_and_the_minus_squared(distance, alpha):
    """The minus is squared along with alpha and the difference, and so the scores are above 0. Both stand in front of
    the square."""
    return alpha**2 * distance


@scores.slip
def alpha_of_the_example(distance):
    """alpha is 0.5, as in the example, whatever it is. It is an argument."""
    return -0.5 * distance


@scores.slip
def alpha_subtracted(distance, alpha):
    """alpha is added or subtracted. It is a factor: minus alpha, times the squared distance."""
    return -alpha - distance


@scores.slip
def scaled_by_a_root(distance, alpha):
    """The scores are divided by the square root of 2, as dot products of vectors with two components would be. Here is
    nothing to scale: alpha does that."""
    return -alpha * distance / math.sqrt(2)


@scores.slip
def doubled(distance, alpha):
    """The scores are twice as large as they should be. The formula has no 2."""
    return -2 * alpha * distance


@scores.slip
def exponentials_taken(distance, alpha):
    """The exponential is taken already. The scores are what softmax takes the exponentials of."""
    return np.exp(-alpha * distance)


@scores.slip
def softmax_taken(distance, alpha):
    """These are weights: the softmax is taken already, over the last axis. The scores are one step before."""
    exponentials = np.exp(-alpha * (distance - distance.min(axis=-1, keepdims=True)))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


@scores.slip
def one_over_the_distance(distance, alpha):
    """The scores fall off as 1 / (1 + alpha times the squared distance). The formula is minus alpha times the squared
    distance, and softmax does the rest."""
    return 1 / (1 + alpha * distance)


@Stage
def arranged(scores):
    return scores


@arranged.slip
def heads_last(scores):
    """The heads are the last axis. They come first: (num_heads, ...)."""
    return np.moveaxis(scores, 0, -1)


@arranged.slip
def heads_behind_the_first_axis(scores):
    """The heads come behind the first axis of the offsets. They come in front of all others: (num_heads, ...)."""
    return np.moveaxis(scores, 0, min(1, scores.ndim - 1))


@arranged.slip
def axes_turned_around(scores):
    """The heads are in front, but the leading axes of the offsets come in reverse order, as `.T` turns all axes around.
    np.moveaxis(..., -1, 0) brings one axis to the front and leaves the others in their order."""
    return np.moveaxis(scores, 0, -1).T


@arranged.slip
def heads_exchanged_with_the_first_axis(scores):
    """The heads are in front, but the first axis of the offsets has gone to the end for it, as swapaxes does. The
    leading axes keep their order: np.moveaxis(..., -1, 0)."""
    return np.moveaxis(scores, 0, -1).swapaxes(0, -1)


@arranged.slip
def heads_cut_in_front(scores):
    """The scores stand in the order (..., num_heads) and are cut into (num_heads, ...) by a reshape, which moves no
    axis and mixes the heads. np.moveaxis moves one."""
    return np.ascontiguousarray(np.moveaxis(scores, 0, -1)).reshape(scores.shape)


@arranged.slip
def leading_axes_joined(scores):
    """The leading axes of the offsets are joined into one. The result has all of them, behind that of the heads."""
    return scores.reshape(len(scores), -1)


@arranged.slip
def largest_score_subtracted(scores):
    """From each row, its largest score is subtracted, as is done inside a softmax. The scores are asked for as they
    are."""
    return scores - scores.max(axis=-1, keepdims=True)


@arranged.slip
def added_over_the_heads(scores):
    """The scores of all heads are added up. Each head keeps its own: (num_heads, ...)."""
    return scores.sum(axis=0)


@known.mistake
def centers_as_a_matrix(offsets, centers, alpha):
    """The offsets are multiplied with the centers by @, without a transpose: (..., 2) times (num_heads, 2) does not
    fit."""
    return -alpha * (offsets @ centers)


@known.mistake
def a_norm_over_the_wrong_arrays(offsets, centers, alpha):
    """np.linalg.norm has `axis`, as all of NumPy; `dim` is PyTorch's word."""
    return -alpha * np.linalg.norm(offsets[None] - _centers_in_front(offsets, centers), dim=-1) ** 2


@known.mistake
def a_sum_with_dim(offsets, centers, alpha):
    """NumPy's sum takes `axis`; `dim` is PyTorch's word."""
    return -alpha * ((offsets[None] - _centers_in_front(offsets, centers)) ** 2).sum(dim=-1)


@known.mistake
def a_method_of_tensors(offsets, centers, alpha):
    """`unsqueeze` is PyTorch's. NumPy puts in an axis by an index, as in a[:, None]."""
    return -alpha * ((offsets.unsqueeze(0) - centers) ** 2).sum(axis=-1)


@known.mistake
def three_axes_expected(offsets, centers, alpha):
    """Three axes are expected, q_len, k_len and 2. The offsets may have any number of leading axes; offsets.shape[:-1]
    is all but the last."""
    q_len, k_len, _ = offsets.shape
    return reference(offsets.reshape(q_len, k_len, 2), centers, alpha)


@known.mistake
def two_axes_expected(offsets, centers, alpha):
    """Two axes are expected, a number of offsets and 2. There may be any number of leading axes; offsets.shape[:-1] is
    all but the last."""
    number, _ = offsets.shape
    return reference(offsets.reshape(number, 2), centers, alpha)


@known.mistake
def pairs_unpacked(offsets, centers, alpha):
    """The offsets are unpacked into two, rows and columns, but that takes them apart along the first axis. It is the
    last: offsets[..., 0] and offsets[..., 1]."""
    rows, columns = offsets
    return np.array([-alpha * ((rows - row) ** 2 + (columns - column) ** 2) for row, column in centers])


@known.mistake
def second_axis_taken_apart(offsets, centers, alpha):
    """offsets[:, 0] and offsets[:, 1] are row and column in a list of offsets alone. There may be any number of leading
    axes, and the two stand on the last: offsets[..., 0]."""
    rows, columns = offsets[:, 0], offsets[:, 1]
    return np.stack([-alpha * ((rows - row) ** 2 + (columns - column) ** 2) for row, column in centers])


@known.mistake
def two_leading_axes_written_out(offsets, centers, alpha):
    """The index writes out two leading axes. The offsets may have any number of them; `...` in an index stands for all
    that are not written out."""
    return -alpha * ((offsets[None, :, :, :] - centers[:, None, None, :]) ** 2).sum(axis=-1)


@known.mistake
def heads_concatenated(offsets, centers, alpha):
    """The heads are laid end to end along the first axis of the offsets, as np.concatenate does. They have an axis of
    their own, in front: np.stack makes one."""
    return np.concatenate([-alpha * ((offsets - center) ** 2).sum(axis=-1) for center in centers])


@known.mistake
def one_axis_for_the_heads_in_front(offsets, centers, alpha):
    """One axis of size 1 is put in for each of the two, which fits a list of offsets. They may have any number of
    leading axes, and then the heads meet one of those."""
    return -alpha * ((offsets[None] - centers[:, None]) ** 2).sum(axis=-1)


@known.mistake
def two_axes_for_the_heads_in_front(offsets, centers, alpha):
    """The axes of size 1 are those that offsets of shape (q_len, k_len, 2) need. They may have any number of leading
    axes: as many are put in as the offsets have in front of their last."""
    return -alpha * ((offsets[None] - centers[:, None, None]) ** 2).sum(axis=-1)


@known.mistake
def a_caret_for_the_power(offsets, centers, alpha):
    """`^` is no power in Python: it compares bits, and floating-point numbers have none for it. A square is `** 2`."""
    return np.stack([-alpha * ((offsets - center) ^ 2).sum(axis=-1) for center in centers])


@known.probe
def at_its_center(rng):
    yours = yield {"offsets": np.array([[1.0, -2.0]]), "centers": np.array([[1.0, -2.0]]), "alpha": 3.0}
    if abs(yours[0, 0]) < 1e-9:
        return None
    return f"An offset that is the head's center itself, (1, -2), has score 0; yours is {yours[0, 0]:.4g}."


@known.probe
def one_step_away(rng):
    yours = yield {
        "offsets": np.array([[1.0, 0.0], [0.0, 1.0], [2.0, 0.0], [1.0, 1.0]]),
        "centers": np.zeros((1, 2)),
        "alpha": 3.0,
    }
    for place, (offset, right) in enumerate({"(1, 0)": -3, "(0, 1)": -3, "(2, 0)": -12, "(1, 1)": -6}.items()):
        if abs(yours[0, place] - right) > 1e-9:
            return (
                f"With its center at (0, 0) and alpha 3, a head gives the offset {offset} the score {right}; yours is "
                f"{yours[0, place]:.4g}."
            )
    return None


@known.probe
def moved_together(rng):
    offsets, centers = rng.integers(-2, 3, size=(4, 2)).astype(float), rng.normal(size=(3, 2))
    once = yield {"offsets": offsets, "centers": centers, "alpha": 0.5}
    step = np.array([3.0, 1.0])
    moved = yield {"offsets": offsets + step, "centers": centers + step, "alpha": 0.5}
    if np.allclose(once, moved):
        return None
    place = tuple(np.argwhere(~np.isclose(once, moved))[0])
    return (
        "When all offsets and all centers are moved by (3, 1), their distances stay, and so should the scores: the one "
        "at [{}, {}] goes from {} to {}.".format(*place, *apart(once[place], moved[place]))
    )


@known.probe
def alpha_twice_as_large(rng):
    inputs = _inputs(rng, 3, 4)
    once = yield inputs
    twice = yield {**inputs, "alpha": 2 * inputs["alpha"]}
    if np.allclose(twice, 2 * once):
        return None
    place = tuple(np.argwhere(~np.isclose(twice, 2 * once))[0])
    return (
        "With alpha twice as large, every score should be twice as large: the one at [{}, {}] goes from {:.4g} to "
        "{:.4g}.".format(*place, once[place], twice[place])
    )


@known.always
def never_positive(inputs, output):
    """A score is never positive: 0 at the head's center, less everywhere else."""
    return bool((output <= 1e-9).all())


@known.legal
def with_loops(offsets, centers, alpha):
    scores = np.empty((len(centers), *offsets.shape[:-1]), dtype=offsets.dtype)
    for head, (row, column) in enumerate(centers):
        for place in np.ndindex(offsets.shape[:-1]):
            scores[(head, *place)] = -alpha * ((offsets[place][0] - row) ** 2 + (offsets[place][1] - column) ** 2)
    return scores


@known.legal
def head_by_head(offsets, centers, alpha):
    return np.stack([-alpha * np.square(offsets - center).sum(-1) for center in centers])


@known.legal
def as_a_list(offsets, centers, alpha):
    flat = offsets.reshape(-1, 2)
    scores = -alpha * ((flat[None, :, :] - centers[:, None, :]) ** 2).sum(axis=-1)
    return scores.reshape(len(centers), *offsets.shape[:-1])


@known.legal
def heads_to_the_front_at_the_end(offsets, centers, alpha):
    gaps = offsets[..., None, :] - centers
    return np.moveaxis(-alpha * np.einsum("...i,...i->...", gaps, gaps), -1, 0)


@known.legal
def with_complex_numbers(offsets, centers, alpha):
    points = np.ascontiguousarray(offsets, dtype=np.float64) @ np.array([1, 1j])
    gaps = np.subtract.outer(centers[:, 0].astype(np.float64) + 1j * centers[:, 1], points)
    return (-alpha * np.abs(gaps) ** 2).astype(offsets.dtype)


@known.legal
def with_torch(offsets, centers, alpha):
    import torch

    offsets, centers = torch.from_numpy(offsets), torch.from_numpy(centers)
    lined_up = centers.reshape(-1, *[1] * (offsets.ndim - 1), 2)
    return (-alpha * (offsets - lined_up).square().sum(dim=-1)).numpy()


TASK = Task(
    id="12.quadratic_scores",
    title="A head that prefers one offset",
    difficulty=2,
    minutes=12,
    reference=reference,
    draw=a_grid_of_offsets,
    cases=(
        Case("the example of the text", dict(num_heads=2, k_len=3), draw=of_the_text),
        Case("3 heads, 4 queries, 5 keys", dict(num_heads=3, q_len=4, k_len=5), points=2),
        Case("4 heads, a list of 7 offsets", dict(num_heads=4, k_len=7), draw=a_list_of_offsets),
        Case("5 heads, 3 queries, 4 keys, float32", dict(num_heads=5, q_len=3, k_len=4), dtype="float32"),
        Case("three leading axes", dict(num_heads=3, batch=4, q_len=6, k_len=5), points=2, draw=three_leading_axes),
        Case("one head, one query, one key", dict(num_heads=1, q_len=1, k_len=1), draw=one_of_each),
        Case("3 heads, a single offset", dict(num_heads=3), draw=a_single_offset),
        Case("4 heads, hundreds of pixels apart, float32", dict(num_heads=4, k_len=3), dtype="float32", draw=far_apart),
    ),
    finished=("course_lib.relatives.convolution.quadratic_scores",),
    hints=(
        "Take one head and one offset: (0, 1), with the center at (2, 1). How far are they apart, squared?",
        (
            "offsets have shape (..., 2), one center (2,). What is offsets - centers[0], and over which axis do you "
            "add up its squares?"
        ),
        "For every head the same, so: minus alpha times that sum, head by head, stacked on a new first axis.",
        (
            "A list with one entry for each center does it: `np.stack([... for center in centers])`. Each entry is "
            "made of `((offsets - center) ** 2).sum(axis=-1)`."
        ),
    ),
    stages=(gaps, distance, scores, arranged),
    coincidences={
        "halved + no_alpha": "alpha_of_the_example",
        "no_centers + without_the_square_of_the_center": "difference_of_the_lengths",
        "row_and_column_kept_apart + added_over_the_heads": "added_up_over_the_heads",
        "added_up_for_each_head + added_over_the_heads": "added_up_altogether",
    },
    cancelling=("halved + doubled",),
    **known.ways,
)
