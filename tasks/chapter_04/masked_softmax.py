"""04.masked_softmax: softmax over the allowed keys; a row with none is zero (Vaswani et al. 2017, section 3.2.3)."""

import math

import numpy as np

from course_lib import masked_softmax as reference
from course_lib import softmax
from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Task
from tasks.rules import informative

known = Known()

VERY_LOW = np.array([[-3e9], [-3e30]])  # a row each: below the -1e9 that masks are often made of, below any of them


def two_keys_or_more(rng, q_len, k_len):
    """Every row allows two keys or more and forbids at least one."""
    mask = rng.random((q_len, k_len)) < 0.6
    for row in mask:
        row[rng.permutation(k_len)[:3]] = [True, True, False]
    return {"scores": 1.2 * rng.normal(size=(q_len, k_len)), "mask": mask}


def padded_batch(rng, batch, q_len, k_len):
    """One row of mask for all queries of a sequence: (batch, 1, k_len)."""
    lengths = rng.permutation(np.arange(batch) + k_len - batch)
    return {
        "scores": 1.2 * rng.normal(size=(batch, q_len, k_len)),
        "mask": np.arange(k_len) < lengths[:, None, None],
    }


def with_an_empty_row(rng, q_len, k_len):
    inputs = two_keys_or_more(rng, q_len, k_len)
    inputs["mask"][1:3] = [[False], [True]]  # and a row in which everything is allowed
    return inputs


def with_loud_forbidden_keys(rng, q_len, k_len):
    """The loudest key of each row is forbidden. In the first row every exponential is finite, in the second none is."""
    allowed, loudest = np.array([[-100], [2000]]), np.array([700, 10_000])
    scores = rng.normal(size=(q_len, k_len)) + allowed
    mask = ~np.eye(q_len, k_len, dtype=bool)
    scores[~mask] = loudest
    return {"scores": scores, "mask": mask}


def with_very_low_scores(rng, q_len, k_len):
    """Allowed scores far below any number one might fill in, forbidden ones near 0. So far down, the scores of the
    second row are all the same number."""
    inputs = two_keys_or_more(rng, q_len, k_len)
    inputs["scores"] += np.where(inputs["mask"], VERY_LOW, 0)
    return inputs


def of_the_text(rng, q_len, k_len):
    scores = np.array([math.log(2), 5.0, math.log(6)])
    return {"scores": np.stack([scores, scores]), "mask": np.array([[True, False, True], [False, False, False]])}


def far_apart(rng, q_len, k_len):
    """Allowed scores that lie thousands apart, far below 0 in the second row, and a forbidden one between them."""
    scores = np.linspace(-2000, 0, k_len) - 3000 * np.arange(q_len)[:, None] + rng.normal(size=(q_len, k_len))
    return {"scores": scores, "mask": np.arange(k_len) != np.arange(1, q_len + 1)[:, None]}


def loud_for_float32(rng, q_len, k_len):
    """Rows around 100, -150, 1,000 and 0; in whole eighths, which float32 subtracts exactly."""
    inputs = two_keys_or_more(rng, q_len, k_len)
    center = np.array([100.0, -150.0, 1000.0, 0.0])[:q_len, None]
    return {**inputs, "scores": center + np.round(8 * inputs["scores"]) / 8}


def one_mask_for_all(rng, batch, num_heads, q_len, k_len):
    mask = two_keys_or_more(rng, q_len, k_len)["mask"]
    return {"scores": 1.2 * rng.normal(size=(batch, num_heads, q_len, k_len)), "mask": mask}


@Stage
def axis():
    return -1


@axis.slip
def columns_sum_to_one():
    """Here each column sums to one instead of each row. A row belongs to a query, and it is the query that shares out
    its attention: the softmax runs along the last axis."""
    return -2


@axis.slip
def along_axis_one():
    """The softmax runs along axis 1, which is that of the keys only where no axes stand before the queries. Count from
    the back: axis -1."""
    return 1


@axis.slip
def along_the_first_axis():
    """The softmax runs along the first axis. It is the keys that share the weight, the last axis."""
    return 0


@axis.slip
def everything_sums_to_one():
    """All weights together sum to one. Each row has a softmax of its own: along axis -1, with keepdims=True."""
    return None


@Stage
def allowed(mask):
    return mask


@allowed.slip
def mask_inverted(mask):
    """The mask is used the wrong way round: the allowed keys are hidden. True means may attend."""
    return ~mask


@allowed.slip
def no_mask(mask):
    """The mask has no effect: the softmax runs over all keys."""
    return np.ones_like(mask)


@allowed.slip
def first_row_of_the_mask(mask):
    """The first row of the mask serves for all queries. A mask may have one row for each query, and each counts for its
    own."""
    return mask[..., :1, :]


@allowed.slip
def mask_transposed(mask):
    """The mask is transposed, so that its rows are keys. Its rows are queries and its columns keys, as in the
    scores."""
    return mask.T


@Stage
def filled(scores, allowed):
    return np.where(allowed, scores, -np.inf)


@filled.slip
def hidden_scores_zero(scores, allowed):
    """Forbidden scores are set to 0, and 0 is an ordinary score: its exponential is 1. Which score has the exponential
    0?"""
    return np.where(allowed, scores, 0)


@filled.slip
def hidden_scores_almost_zero(scores, allowed):
    """Forbidden scores become a number close to 0, such as 1e-9, and the exponential of that is 1. Which score has the
    exponential 0?"""
    return np.where(allowed, scores, -1e-6)


@filled.slip
def filled_with_a_hundred(scores, allowed):
    """Forbidden scores become a number such as -100, and that is an ordinary score: allowed scores may be lower, and a
    row with nothing allowed is averaged. Use minus infinity, and give the empty row zeros."""
    return np.where(allowed, scores, -100)


@filled.slip
def filled_with_a_thousand(scores, allowed):
    """Forbidden scores become a number such as -1,000, and that is an ordinary score: allowed scores may be lower. Use
    minus infinity, and give the empty row zeros."""
    return np.where(allowed, scores, -1e3)


@filled.slip
def filled_with_a_large_number(scores, allowed):
    """Forbidden scores become a large negative number, such as -1e9, which is an ordinary score: allowed scores may be
    lower. Use minus infinity, and give the empty row zeros."""
    return np.where(allowed, scores, -1e9)


@filled.slip
def filled_with_a_larger_number(scores, allowed):
    """Forbidden scores become a very large negative number, such as -1e20, and still an ordinary score: allowed scores
    may be lower. Use minus infinity, and give the empty row zeros."""
    return np.where(allowed, scores, -1e20)


@filled.slip
def mask_added(scores, allowed):
    """The mask is added to the scores as ones and zeros, which raises the allowed ones by 1 and forbids nothing. Where
    the mask is False, the score itself has to become minus infinity."""
    return scores + allowed.astype(scores.dtype)


@filled.slip
def large_number_added(scores, allowed):
    """A large negative number is added to forbidden scores. Where allowed scores are lower still, the forbidden keys
    win, and a row with nothing allowed is no different from one without a mask. Use minus infinity, and give the empty
    row zeros."""
    return scores + np.where(allowed, 0, -1e9).astype(scores.dtype)


@filled.slip
def cut_off(scores, allowed):
    """Scores beyond a limit such as 50 are cut off there, so that large scores become equal and share their weight.
    Subtract the largest allowed score of the row instead: that changes no weight."""
    return np.where(allowed, np.clip(scores, -50, 50), -np.inf)


@filled.rare
def cut_off_far_out(scores, allowed):
    """Scores beyond a limit such as 700 are cut off there, so that large scores become equal and share their weight.
    Subtract the largest allowed score of the row instead: that changes no weight."""
    return np.where(allowed, np.clip(scores, -700, 700), -np.inf)


@filled.slip
def indexed_by_the_mask(scores, allowed):
    """An index by a mask wants one of the same shape as the scores: it does not broadcast. A mask may have one row for
    all queries, and np.where(mask, scores, -np.inf) repeats it."""
    filled = scores.copy()
    filled[~allowed] = -np.inf
    return filled


@Stage
def shifted(filled, axis):
    largest = filled.max(axis=axis, keepdims=True)
    return filled - np.where(largest == -np.inf, 0, largest)


@shifted.slip
def nothing_subtracted(filled):
    """Nothing is subtracted from the scores. The exponential of a large score is infinite, and those of very low scores
    are 0 for the whole row: subtract the row's largest allowed score first (chapter 03)."""
    return filled


@shifted.slip
def maximum_of_all_keys(filled, scores, axis):
    """The largest score of each row is subtracted, forbidden ones included. If a forbidden score is far above the
    others, all allowed exponentials become 0. Subtract the largest allowed one."""
    return filled - scores.max(axis=axis, keepdims=True)


@shifted.slip
def one_maximum_for_all_rows(filled):
    """One maximum is subtracted from all rows, and a row far below it is left with exponentials of 0 alone. Subtract
    from each row its own maximum (axis=-1, keepdims=True)."""
    return filled - filled.max()


@shifted.slip
def smallest_subtracted(filled, axis):
    """The smallest allowed score of the row is subtracted, so the exponents are 0 or more, and overflow where scores
    lie far apart. Subtract the largest allowed one."""
    smallest = np.where(filled == -np.inf, np.inf, filled).min(axis=axis, keepdims=True)
    return filled - np.where(smallest == np.inf, 0, smallest)


@Stage
def exponentials(shifted):
    return np.exp(shifted)


@exponentials.slip
def base_two(shifted):
    """The weights are made of powers of 2. Softmax takes powers of e, as np.exp does."""
    return np.exp2(shifted)


@exponentials.slip
def the_best_key_alone(shifted):
    """The highest allowed score takes all the weight of its row. Softmax gives every allowed key its share."""
    best = np.arange(shifted.shape[-1]) == shifted.argmax(axis=-1)[..., None]
    return (best & (shifted > -np.inf)).astype(shifted.dtype)


@exponentials.slip
def no_exponential(scores, allowed):
    """The scores themselves are divided by their sum. They may be negative: the exponential comes first."""
    return np.where(allowed, scores, 0)


@Stage
def total(exponentials, axis):
    return exponentials.sum(axis=axis, keepdims=True)


@total.slip
def multiplied_after(exponentials, shifted, scores, filled, axis):
    """The forbidden weights are set to 0 after the softmax, so what they had is missing: rows no longer sum to one. The
    mask belongs on the scores, before the softmax."""
    largest = filled.max(axis=axis, keepdims=True)
    return np.exp(scores - np.where(largest == -np.inf, 0, largest)).sum(axis=axis, keepdims=True)


@total.slip
def sum_of_everything(exponentials):
    """The exponentials are divided by the sum of the whole array. Each row has a sum of its own."""
    return exponentials.sum()


@total.slip
def a_hundredth_added(exponentials, axis):
    """A hundredth is added to the sum, and the rows sum to less than one. Against division by zero in an empty row a
    number other than the sum has to be put there in that row alone."""
    return exponentials.sum(axis=axis, keepdims=True) + exponentials.dtype.type(1e-2)


@total.rare
def a_thousandth_added(exponentials, axis):
    """A thousandth is added to the sum, and the rows sum to less than one. Against division by zero in an empty row,
    that row alone needs another number."""
    return exponentials.sum(axis=axis, keepdims=True) + exponentials.dtype.type(1e-3)


@total.rare
def about_1e5_added(exponentials, axis):
    """A small number, about 1e-5, is added to the sum, and the rows sum to less than one. Against division by zero in
    an empty row, that row alone needs another number."""
    return exponentials.sum(axis=axis, keepdims=True) + exponentials.dtype.type(1e-5)


@total.rare
def about_1e6_added(exponentials, axis):
    """A small number, about 1e-6, is added to the sum, and the rows sum to less than one. Against division by zero in
    an empty row, that row alone needs another number."""
    return exponentials.sum(axis=axis, keepdims=True) + exponentials.dtype.type(1e-6)


@total.slip
def about_1e8_added(exponentials, axis):
    """A small number, about 1e-8, is added to the sum, and the rows sum to less than one. Against division by zero in
    an empty row, that row alone needs another number."""
    return exponentials.sum(axis=axis, keepdims=True) + exponentials.dtype.type(1e-8)


@Stage
def weights(exponentials, total):
    return exponentials / np.where(total == 0, 1, total)


@weights.slip
def nothing_for_the_empty_row(exponentials, total):
    """A row with nothing allowed comes out as NaN: minus infinity alone has no softmax. Such a row should have weights
    0."""
    return exponentials / total


@weights.slip
def one_for_the_empty_row(exponentials, total):
    """A row with nothing allowed shares its weight evenly among the forbidden keys. It should have weights 0: nothing
    was read."""
    return np.where(total == 0, exponentials.dtype.type(1 / exponentials.shape[-1]), exponentials / total)


@weights.slip
def first_key_for_the_empty_row(exponentials, total):
    """In a row with nothing allowed the first key gets all the weight. It should have weights 0: nothing was read."""
    first = np.arange(exponentials.shape[-1]) == 0
    return np.where(total == 0, first.astype(exponentials.dtype), exponentials / total)


@weights.rare
def zero_unless_all_is_allowed(exponentials, total, allowed):
    """Every row with a forbidden key has weights 0, whatever else is allowed in it. Only a row with nothing allowed
    should: mask.any(axis=-1) says where something is allowed, mask.all(axis=-1) where everything is."""
    everything = allowed.all(axis=-1, keepdims=True)
    return np.where(everything, exponentials / np.where(total == 0, 1, total), exponentials.dtype.type(0))


@weights.slip
def not_divided(exponentials):
    """The exponentials are not divided by their sum. The weights of a row have to sum to one."""
    return exponentials


@weights.slip
def logarithm(shifted, total):
    """This is the logarithm of the weights, and minus infinity where nothing is allowed. The weights themselves are
    asked for."""
    return shifted - np.log(np.where(total == 0, 1, total))


@known.mistake
def equal_weights(scores, mask):
    """All allowed keys of a row get the same weight; the scores have no part in it."""
    allowed = np.broadcast_to(mask, scores.shape).astype(scores.dtype)
    return allowed / np.maximum(allowed.sum(axis=-1, keepdims=True), 1)


@known.mistake
def multiplied_and_renormalized(scores, mask):
    """The softmax runs over all keys, and what remains under the mask is divided by its sum: right on paper. But a loud
    forbidden key pushes all others to 0 in the first softmax, an empty row has nothing to begin with, and 0/0 is NaN.
    Mask the scores before the softmax."""
    weights = softmax(scores) * mask
    return weights / weights.sum(axis=-1, keepdims=True)


@known.mistake
def multiplied_after_and_nan(scores, mask):
    """The forbidden weights are set to 0 after the softmax, so what they had is missing, and a row with nothing allowed
    comes out as NaN. The mask belongs on the scores, before the softmax, and such a row should have weights 0."""
    return np.where(mask.any(axis=-1, keepdims=True), softmax(scores) * mask, scores.dtype.type(np.nan))


@known.mistake
def large_number_then_zero(scores, mask):
    """Forbidden scores become a large negative number, and what weight they still get is set to 0. Where the allowed
    scores are lower than that number, the forbidden keys take all the weight, and nothing is left. Minus infinity is
    lower than any score."""
    return softmax(np.where(mask, scores, -1e9)) * mask


@known.mistake
def larger_number_then_zero(scores, mask):
    """Forbidden scores become a very large negative number, and what weight they still get is set to 0. But scores may
    be lower than any number, and then nothing is left for the allowed keys. Minus infinity is lower than any score."""
    return softmax(np.where(mask, scores, -1e20)) * mask


@known.mistake
def infinity_multiplied(scores, mask):
    """Every number is NaN. 0 times infinity is NaN, and so is infinity minus infinity. Leave the allowed scores as they
    are and put minus infinity in the place of the others: np.where(mask, scores, -np.inf) chooses, where a product
    such as (1 - mask) * -np.inf multiplies 0 by infinity."""
    return softmax(scores + (1 - mask.astype(scores.dtype)) * -np.inf)


@known.mistake
def filled_with_the_lowest_score(scores, mask):
    """Forbidden scores become the lowest score of the array, and still take weight. Minus infinity takes none."""
    return softmax(np.where(mask, scores, scores.min()))


@known.mistake
def multiplied_by_a_large_number(scores, mask):
    """Forbidden scores are multiplied by a large negative number, which turns negative ones into the loudest of all.
    They should become minus infinity, whatever they were."""
    return softmax(scores * np.where(mask, 1, -1e9).astype(scores.dtype))


@known.mistake
def large_number_for_the_allowed(scores, mask):
    """A large number is added to the allowed scores. Their digits get lost in it, and a row with nothing allowed is no
    different from one without a mask. Leave them as they are, and put minus infinity on the others."""
    return softmax(scores + mask * scores.dtype.type(1e9))


@known.mistake
def minus_infinity_after(scores, mask):
    """The softmax runs over all keys, and forbidden weights become minus infinity at the end. It is their scores that
    should be minus infinity, before the softmax; then their weights are 0."""
    return np.where(mask, softmax(scores), -np.inf)


@known.mistake
def all_keys_for_the_empty_row(scores, mask):
    """A row with nothing allowed gets the softmax of all its scores, as if there were no mask. It should have weights
    0: nothing was read."""
    empty = ~mask.any(axis=-1, keepdims=True)
    return softmax(np.where(mask | empty, scores, -np.inf))


@known.mistake
def nan_set_to_zero(scores, mask):
    """Nothing is subtracted from the scores, and where weights come out as NaN they are set to 0: very low rows, and
    loud hidden scores, leave a row without weights. Subtract the row's largest allowed score first (chapter 03)."""
    exponentials = np.exp(np.where(mask, scores, -np.inf))
    return np.nan_to_num(exponentials / exponentials.sum(axis=-1, keepdims=True))


@known.mistake
def not_of_a_mask(scores, mask):
    """`not` asks for one True or False of a whole mask. ~mask turns each of its values around."""
    return np.where(not mask, -np.inf, scores)


@known.mistake
def large_number_by_an_index(scores, mask):
    """An index by a mask wants one of the same shape as the scores, and there may be one row for all queries: np.where
    repeats it. Besides, a large negative number is an ordinary score; it takes minus infinity."""
    filled = scores.copy()
    filled[~mask] = -1e9
    return softmax(filled)


@known.mistake
def indexed_and_nan(scores, mask):
    """An index by a mask, as in scores[~mask], wants one of the same shape as the scores, and there may be one row for
    all queries. np.where repeats it. Besides, a row with nothing allowed comes out as NaN."""
    filled = scores.copy()
    filled[~mask] = -np.inf
    return softmax(filled)


@known.mistake
def hidden_scores_zero_but_for_empty_rows(scores, mask):
    """Forbidden scores are set to 0, and 0 is an ordinary score: its exponential is 1. It takes minus infinity. Rows
    with nothing allowed are right."""
    return softmax(np.where(mask, scores, 0)) * mask.any(axis=-1, keepdims=True)


@known.mistake
def large_number_but_for_empty_rows(scores, mask):
    """Forbidden scores become a large negative number, such as -1e9, and rows with nothing allowed are right. But
    allowed scores may be lower still, and then the forbidden keys take all the weight. Use minus infinity."""
    return softmax(np.where(mask, scores, -1e9)) * mask.any(axis=-1, keepdims=True)


@known.mistake
def scores_times_mask_times_mask(scores, mask):
    """Forbidden scores are set to 0, whose exponential is 1, and their weights to 0 at the end: what they took is
    missing, and rows no longer sum to one. Before the softmax, they have to be minus infinity."""
    return softmax(np.where(mask, scores, 0)) * mask


@known.mistake
def allowed_scores_alone(scores, mask):
    """The allowed scores are picked out, which leaves one long row of all of them: which row and which key a score
    belongs to is lost. Let every score keep its place, and put minus infinity on the forbidden ones."""
    exponentials = np.exp(scores[mask] - scores[mask].max())
    return exponentials / exponentials.sum()


@known.mistake
def exponentials_times_mask(scores, mask):
    """The exponentials are multiplied by the mask, and no maximum is subtracted. The exponential of a large score is
    infinite, 0 times infinity is NaN, and those of very low scores are 0 for the whole row: subtract the row's largest
    allowed score first (chapter 03)."""
    exponentials = np.exp(scores) * mask
    sums = exponentials.sum(axis=-1, keepdims=True)
    return exponentials / np.where(sums > 0, sums, 1)


@known.mistake
def plain_formula(scores, mask):
    """The exponentials are multiplied by the mask and divided by their sum. The exponential of a large score is
    infinite (and 0 times infinity is NaN), that of very low scores is 0 for the whole row, and so is the sum where
    nothing is allowed: 0/0. Subtract the row's largest allowed score first (chapter 03), and treat the row with nothing
    allowed by itself."""
    exponentials = np.exp(scores) * mask
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


@known.mistake
def plain_formula_and_a_tiny_number(scores, mask):
    """The exponentials are multiplied by the mask, and a tiny number keeps an empty row from 0/0. But the exponential
    of a large score is infinite (and 0 times infinity is NaN), and that of very low scores is 0 for the whole row.
    Subtract the row's largest allowed score first (chapter 03)."""
    exponentials = np.exp(scores) * mask
    return exponentials / (exponentials.sum(axis=-1, keepdims=True) + 1e-12)


@known.mistake
def no_keepdims(scores, mask):
    """A maximum or a sum over the last axis loses that axis, so it does not fit the scores any more. keepdims=True
    keeps it, with size 1."""
    filled = np.where(mask, scores, -np.inf)
    return np.exp(filled - filled.max(axis=-1))


@known.mistake
def minus_a_mask(scores, mask):
    """Booleans have no minus. ~mask turns True and False around."""
    return np.where(-mask, -np.inf, scores)


@known.mistake
def a_method_of_tensors(scores, mask):
    """`masked_fill` is PyTorch's. np.where(mask, a, b) takes a where the mask is True, and b elsewhere."""
    return scores.masked_fill(~mask, -np.inf)


@known.mistake
def dim_for_axis(scores, mask):
    """The axis of course_lib.softmax is called axis, as in NumPy; dim is PyTorch's word. The last one is taken
    anyway."""
    return softmax(np.where(mask, scores, -np.inf), dim=-1)


@known.mistake
def dim_for_axis_of_filled_scores(scores, mask):
    """PyTorch says dim where NumPy and course_lib.softmax say axis; the last axis is taken if none is named."""
    filled = np.where(mask, scores, -np.inf)
    return softmax(filled, dim=-1)


@known.mistake
def row_by_row_of_the_mask(scores, mask):
    """The rows of the mask are taken one by one, and there may be fewer of them than of the scores: a mask broadcasts.
    np.broadcast_to(mask, scores.shape) repeats its rows."""
    weights = np.zeros_like(scores)
    for index in np.ndindex(scores.shape[:-1]):
        allowed = mask[index]
        if allowed.any():
            exponentials = np.exp(scores[index][allowed] - scores[index][allowed].max())
            weights[index][allowed] = exponentials / exponentials.sum()
    return weights


@known.mistake
def two_axes_expected(scores, mask):
    """Two axes are expected, and there may be batch and heads before them. Work along the last axis, whatever stands
    before it."""
    q_len, k_len = scores.shape
    return harmless_scores_first(scores.reshape(q_len, k_len), mask)


@known.probe
def equal_scores(rng):
    mask = np.array([[True, True, False, False], [False, True, False, False], [True, True, True, True]])
    yours = yield {"scores": np.full((3, 4), 1.5), "mask": mask}
    right = mask / mask.sum(axis=-1, keepdims=True)
    for row, expected, allowed in zip(yours, right, mask, strict=True):
        if not np.allclose(row, expected):
            return (
                f"With four equal scores and {np.count_nonzero(allowed)} of them allowed, {allowed.tolist()}, your row "
                f"is {_row(row)}; it should be {_row(expected)}."
            )
    return None


@known.probe
def forbidden_score_changed(rng):
    inputs = two_keys_or_more(rng, 2, 4)
    before = yield inputs
    after = yield {**inputs, "scores": np.where(inputs["mask"], inputs["scores"], 30.0)}
    if not np.allclose(before, after):
        return "When the forbidden scores rise to 30 and nothing else changes, your weights change; they should not."
    return None


@known.probe
def everything_higher(rng):
    inputs = two_keys_or_more(rng, 2, 4)
    before = yield inputs
    after = yield {**inputs, "scores": inputs["scores"] + 3}
    if not np.allclose(before, after):
        return "When 3 is added to all scores, your weights change; they should not."
    return None


@known.probe
def nothing_allowed(rng):
    yours = yield {"scores": np.array([[1.0, 2.0, 3.0]]), "mask": np.zeros((1, 3), dtype=bool)}
    if yours.any():
        return f"With scores 1, 2, 3 and nothing allowed, your row is {_row(yours[0])}; it should be [0, 0, 0]."
    return None


def _row(numbers):
    return f"[{', '.join(f'{number:.6g}' for number in numbers)}]"


@known.always
def forbidden_weights_are_zero(inputs, output):
    """A forbidden key should have weight 0."""
    forbidden = output[~np.broadcast_to(inputs["mask"], output.shape)]
    return bool((np.nan_to_num(forbidden) == 0).all())  # NaN is told otherwise


@known.always
def rows_sum_to_one_or_zero(inputs, output):
    """Each row should sum to 1, or to 0 where its mask allows nothing."""
    allowed = np.broadcast_to(inputs["mask"], output.shape).any(axis=-1)
    return np.allclose(output.sum(axis=-1), allowed, atol=1e-5)


@known.legal
def nan_overwritten(scores, mask):
    filled = np.where(mask, scores, -np.inf)
    exponentials = np.exp(filled - filled.max(axis=-1, keepdims=True))
    return np.nan_to_num(exponentials / exponentials.sum(axis=-1, keepdims=True))


@known.legal
def harmless_scores_first(scores, mask):
    some = mask.any(axis=-1, keepdims=True)
    return softmax(np.where(mask | ~some, scores, -np.inf)) * some


@known.legal
def largest_allowed_score(scores, mask):
    largest = np.max(scores, axis=-1, keepdims=True, where=mask, initial=np.finfo(scores.dtype).min)
    exponentials = np.where(mask, np.exp(np.minimum(scores - largest, 0)), 0)
    sums = exponentials.sum(axis=-1, keepdims=True)
    return np.divide(exponentials, sums, out=np.zeros_like(exponentials), where=sums > 0)


@known.legal
def with_loops(scores, mask):
    mask = np.broadcast_to(mask, scores.shape)
    weights = np.zeros_like(scores)
    for row in np.ndindex(scores.shape[:-1]):
        allowed = mask[row]
        if allowed.any():
            exponentials = np.exp(scores[row][allowed] - scores[row][allowed].max())
            weights[row][allowed] = exponentials / exponentials.sum()
    return weights


@known.legal
def with_torch(scores, mask):
    import torch

    filled = torch.from_numpy(scores).masked_fill(~torch.from_numpy(mask), -torch.inf)
    return torch.softmax(filled, dim=-1).nan_to_num(0.0).numpy()


@known.borrowed
def by_course_lib(scores, mask):
    import course_lib

    return course_lib.masked_softmax(scores, mask)


TASK = Task(
    id="04.masked_softmax",
    title="Softmax over the allowed keys",
    difficulty=3,
    minutes=15,
    reference=reference,
    draw=two_keys_or_more,
    cases=(
        Case("the example of the text", dict(q_len=2, k_len=3), draw=of_the_text),
        Case("3 queries, 4 keys", dict(q_len=3, k_len=4), points=2),
        Case("6 queries, 7 keys, float32", dict(q_len=6, k_len=7), dtype="float32"),
        Case("a padded batch, one mask row each", dict(batch=2, q_len=3, k_len=5), draw=padded_batch),
        Case("a row with nothing to attend to", dict(q_len=3, k_len=5), points=2, draw=with_an_empty_row),
        Case("forbidden scores far above the others", dict(q_len=2, k_len=4), draw=with_loud_forbidden_keys),
        Case("allowed scores of minus three billion and less", dict(q_len=2, k_len=5), draw=with_very_low_scores),
        Case("allowed scores far apart", dict(q_len=2, k_len=4), draw=far_apart),
        Case(
            "scores around 100, -150, 1,000 and 0, float32",
            dict(q_len=4, k_len=5),
            dtype="float32",
            draw=loud_for_float32,
        ),
        Case(
            "one mask for a batch and its heads",
            dict(batch=1, num_heads=3, q_len=2, k_len=4),
            draw=one_mask_for_all,
        ),
    ),
    finished=("course_lib.masked_softmax",),
    hints=(
        (
            "Which score must a forbidden key have, so that its exponential is exactly 0? When do you have to put it "
            "there: before or after the softmax?"
        ),
        (
            "`np.where(mask, scores, -np.inf)` keeps the allowed scores and blocks the rest; it broadcasts the mask by "
            "itself. Then take a softmax along the last axis."
        ),
        (
            "A row of minus infinity alone has no largest score to subtract: its softmax is NaN. Find such rows with "
            "`mask.any(axis=-1, keepdims=True)`."
        ),
        (
            "Give the rows with nothing allowed harmless scores (zeros, say), take the softmax of everything, and set "
            "those rows to 0 at the end with np.where."
        ),
    ),
    drawn=(informative(lambda scores, mask: reference(scores, mask)),),
    stages=(axis, allowed, filled, shifted, exponentials, total, weights),
    coincidences={
        "one_maximum_for_all_rows + sum_of_everything": "everything_sums_to_one",
        "maximum_of_all_keys + nothing_for_the_empty_row": "multiplied_and_renormalized",
    },
    **known.ways,
)
