"""04.masked_softmax: softmax over the allowed keys; a row with none is zero (Vaswani et al. 2017, section 3.2.3)."""

import math

import numpy as np
import torch

from course_lib import masked_softmax as reference
from grader.known import Known
from grader.stages import Stage
from grader.task import Build, Case, Task
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
    """The loudest key of each row is forbidden. In the first row every exponential is finite, in the second none is,
    not in float32 either; in whole eighths, which float32 subtracts exactly."""
    allowed, loudest = np.array([[-60], [2000]]), np.array([80, 10_000])
    scores = np.round(8 * rng.normal(size=(q_len, k_len))) / 8 + allowed
    mask = ~np.eye(q_len, k_len, dtype=bool)
    scores[~mask] = loudest
    return {"scores": scores, "mask": mask}


def with_very_low_scores(rng, q_len, k_len):
    """Allowed scores far below any number one might fill in, forbidden ones near 0, two or more of both. So far down,
    the scores of the second row are all the same number."""
    inputs = two_keys_or_more(rng, q_len, k_len)
    for row in inputs["mask"]:
        row[rng.permutation(k_len)[:4]] = [True, True, False, False]
    inputs["scores"] += np.where(inputs["mask"], VERY_LOW, 0)
    return inputs


def of_the_text(rng, q_len, k_len):
    scores = np.array([math.log(2), 5.0, math.log(6)])
    return {"scores": np.stack([scores, scores]), "mask": np.array([[True, False, True], [False, False, False]])}


def far_apart(rng, q_len, k_len):
    """Allowed scores that lie thousands apart, far below 0 in the second row, and a forbidden one between them."""
    noise = np.round(8 * rng.normal(size=(q_len, k_len))) / 8
    scores = np.round(np.linspace(-2000, 0, k_len)) - 3000 * np.arange(q_len)[:, None] + noise
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
    its attention: the softmax runs along the last axis, dim=-1."""
    return -2


@axis.slip
def along_axis_one():
    """The softmax runs along dim=1, which is the axis of the keys only where no axes stand before the queries. Count
    from the back: dim=-1."""
    return 1


@axis.slip
def along_the_first_axis():
    """The softmax runs along the first axis. It is the keys that share the weight, the last axis."""
    return 0


@axis.slip
def everything_sums_to_one():
    """All weights together sum to one. Each row has a softmax of its own: along dim=-1, with keepdim=True."""
    return ()


@axis.slip
def as_PyTorch_chooses(scores):
    """The softmax runs along dim=0 of three axes and dim=1 of four, as torch.nn.functional.softmax chooses when it is
    told none. It is the keys that share the weight, the last axis: dim=-1."""
    return 0 if scores.ndim == 3 else 1


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
    return torch.ones_like(mask)


@allowed.slip
def first_row_of_the_mask(mask):
    """The first row of the mask serves for all queries. A mask may have one row for each query, and each counts for its
    own."""
    return mask[..., :1, :]


@allowed.slip
def mask_transposed(mask):
    """The mask is transposed, so that its rows are keys. Its rows are queries and its columns keys, as in the
    scores."""
    return mask.mT


@Stage
def filled(scores, allowed):
    return torch.where(allowed, scores, -math.inf)


@filled.slip
def hidden_scores_zero(scores, allowed):
    """Forbidden scores are set to 0, or to a number as close to it as 1e-9, and that is an ordinary score: its
    exponential is 1. Which score has the exponential 0?"""
    return torch.where(allowed, scores, 0)


@filled.slip
def filled_with_a_hundred(scores, allowed):
    """Forbidden scores become a number such as -100, and that is an ordinary score: allowed scores may be lower, and a
    row with nothing allowed is averaged. Use minus infinity, and give the empty row zeros."""
    return torch.where(allowed, scores, -100)


@filled.slip
def filled_with_a_thousand(scores, allowed):
    """Forbidden scores become a number such as -1,000, and that is an ordinary score: allowed scores may be lower. Use
    minus infinity, and give the empty row zeros."""
    return torch.where(allowed, scores, -1e3)


@filled.slip
def filled_with_a_large_number(scores, allowed):
    """Forbidden scores become a large negative number, such as -1e9, which is an ordinary score: allowed scores may be
    lower. Use minus infinity, and give the empty row zeros."""
    return torch.where(allowed, scores, -1e9)


@filled.slip
def filled_with_a_larger_number(scores, allowed):
    """Forbidden scores become a very large negative number, such as -1e20, and still an ordinary score: allowed scores
    may be lower. Use minus infinity, and give the empty row zeros."""
    return torch.where(allowed, scores, -1e20)


@filled.slip
def mask_added(scores, allowed):
    """The mask is added to the scores as ones and zeros, which raises the allowed ones by 1 and forbids nothing. Where
    the mask is False, the score itself has to become minus infinity."""
    return scores + allowed


@filled.slip
def large_number_added(scores, allowed):
    """A large negative number is added to forbidden scores. Where allowed scores are lower still, the forbidden keys
    win, and a row with nothing allowed shares out its weight all the same. Use minus infinity, and give the empty row
    zeros."""
    return scores + torch.where(allowed, 0.0, -1e9).to(scores.dtype)


@filled.slip
def cut_off(scores, allowed):
    """Scores beyond a limit such as 50 are cut off there, so that large scores become equal and share their weight.
    Subtract the largest allowed score of the row instead: that changes no weight."""
    return torch.where(allowed, scores.clamp(-50, 50), -math.inf)


@filled.rare
def cut_off_far_out(scores, allowed):
    """Scores beyond a limit such as 80 are cut off there, so that large scores become equal and share their weight.
    Subtract the largest allowed score of the row instead: that changes no weight."""
    return torch.where(allowed, scores.clamp(-80, 80), -math.inf)


@filled.slip
def indexed_by_the_mask(scores, allowed):
    """An index by a mask wants one of the same shape as the scores: it does not broadcast. A mask may have one row for
    all queries, and masked_fill repeats it."""
    filled = scores.clone()
    filled[~allowed] = -math.inf
    return filled


@Stage
def shifted(filled, axis):
    largest = filled.amax(dim=axis, keepdim=True)
    return filled - torch.where(largest == -math.inf, 0, largest)


@shifted.slip
def nothing_subtracted(filled):
    """Nothing is subtracted from the scores. The exponential of a large score is infinite, and those of very low scores
    are 0 for the whole row: subtract the row's largest allowed score first (chapter 03)."""
    return filled


@shifted.slip
def maximum_of_all_keys(filled, scores, axis):
    """The largest score of each row is subtracted, forbidden ones included. If a forbidden score is far above the
    others, all allowed exponentials become 0. Subtract the largest allowed one."""
    return filled - scores.amax(dim=axis, keepdim=True)


@shifted.slip
def one_maximum_for_all_rows(filled):
    """One maximum is subtracted from all rows, and a row far below it is left with exponentials of 0 alone. Subtract
    from each row its own maximum (dim=-1, keepdim=True)."""
    return filled - filled.max()


@shifted.slip
def smallest_subtracted(filled, axis):
    """The smallest allowed score of the row is subtracted, so the exponents are 0 or more, and overflow where scores
    lie far apart. Subtract the largest allowed one."""
    smallest = torch.where(filled == -math.inf, math.inf, filled).amin(dim=axis, keepdim=True)
    return filled - torch.where(smallest == math.inf, 0, smallest)


@Stage
def exponentials(shifted):
    return torch.exp(shifted)


@exponentials.slip
def base_two(shifted):
    """The weights are made of powers of 2. Softmax takes powers of e, as torch.exp does."""
    return torch.exp2(shifted)


@exponentials.slip
def the_best_key_alone(shifted):
    """The highest allowed score takes all the weight of its row. Softmax gives every allowed key its share."""
    best = torch.arange(shifted.shape[-1]) == shifted.argmax(dim=-1, keepdim=True)
    return (best & (shifted > -math.inf)).to(shifted.dtype)


@exponentials.slip
def no_exponential(scores, allowed):
    """The scores themselves are divided by their sum. They may be negative: the exponential comes first."""
    return torch.where(allowed, scores, 0)


@Stage
def total(exponentials, axis):
    return exponentials.sum(dim=axis, keepdim=True)


@total.slip
def multiplied_after(exponentials, shifted, scores, filled, axis):
    """The forbidden weights are set to 0 after the softmax, so what they had is missing: rows no longer sum to one. The
    mask belongs on the scores, before the softmax."""
    largest = filled.amax(dim=axis, keepdim=True)
    return torch.exp(scores - torch.where(largest == -math.inf, 0, largest)).sum(dim=axis, keepdim=True)


@total.slip
def sum_of_everything(exponentials):
    """The exponentials are divided by the sum of the whole array. Each row has a sum of its own."""
    return exponentials.sum()


@total.slip
def a_hundredth_added(exponentials, axis):
    """A hundredth is added to the sum, and the rows sum to less than one. Against division by zero in an empty row a
    number other than the sum has to be put there in that row alone."""
    return exponentials.sum(dim=axis, keepdim=True) + 1e-2


@total.rare
def a_thousandth_added(exponentials, axis):
    """A thousandth is added to the sum, and the rows sum to less than one. Against division by zero in an empty row,
    that row alone needs another number."""
    return exponentials.sum(dim=axis, keepdim=True) + 1e-3


@total.rare
def about_1e5_added(exponentials, axis):
    """A small number, about 1e-5, is added to the sum, and the rows sum to less than one. Against division by zero in
    an empty row, that row alone needs another number."""
    return exponentials.sum(dim=axis, keepdim=True) + 1e-5


@total.rare
def about_1e6_added(exponentials, axis):
    """A small number, about 1e-6, is added to the sum, and the rows sum to less than one. Against division by zero in
    an empty row, that row alone needs another number."""
    return exponentials.sum(dim=axis, keepdim=True) + 1e-6


@total.slip
def about_1e8_added(exponentials, axis):
    """A small number, about 1e-8, is added to the sum, and the rows sum to less than one. Against division by zero in
    an empty row, that row alone needs another number."""
    return exponentials.sum(dim=axis, keepdim=True) + 1e-8


@Stage
def weights(exponentials, total):
    return exponentials / torch.where(total == 0, 1, total)


@weights.slip
def nothing_for_the_empty_row(exponentials, total):
    """A row with nothing allowed comes out as NaN: minus infinity alone has no softmax. Such a row should have weights
    0."""
    return exponentials / total


@weights.slip
def one_for_the_empty_row(exponentials, total):
    """A row with nothing allowed shares its weight evenly among the forbidden keys. It should have weights 0: nothing
    was read."""
    return torch.where(total == 0, 1 / exponentials.shape[-1], exponentials / total)


@weights.slip
def first_key_for_the_empty_row(exponentials, total):
    """In a row with nothing allowed the first key gets all the weight. It should have weights 0: nothing was read."""
    first = torch.arange(exponentials.shape[-1]) == 0
    return torch.where(total == 0, first.to(exponentials.dtype), exponentials / total)


@weights.rare
def zero_unless_all_is_allowed(exponentials, total, allowed):
    """Every row with a forbidden key has weights 0, whatever else is allowed in it. Only a row with nothing allowed
    should: mask.any(dim=-1) says where something is allowed, mask.all(dim=-1) where everything is."""
    everything = allowed.all(dim=-1, keepdim=True)
    return torch.where(everything, exponentials / torch.where(total == 0, 1, total), 0)


@weights.slip
def not_divided(exponentials):
    """The exponentials are not divided by their sum. The weights of a row have to sum to one."""
    return exponentials


@weights.slip
def logarithm(shifted, total):
    """This is the logarithm of the weights, and minus infinity where nothing is allowed. The weights themselves are
    asked for."""
    return shifted - torch.log(torch.where(total == 0, 1, total))


@known.mistake
def equal_weights(scores, mask):
    """All allowed keys of a row get the same weight; the scores have no part in it."""
    allowed = mask.expand_as(scores).to(scores.dtype)
    return allowed / allowed.sum(dim=-1, keepdim=True).clamp(min=1)


@known.mistake
def multiplied_and_renormalized(scores, mask):
    """The softmax runs over all keys, and what remains under the mask is divided by its sum: right on paper. But a loud
    forbidden key pushes all others to 0 in the first softmax, an empty row has nothing to begin with, and 0/0 is NaN.
    Mask the scores before the softmax."""
    weights = torch.softmax(scores, dim=-1) * mask
    return weights / weights.sum(dim=-1, keepdim=True)


@known.mistake
def multiplied_after_and_nan(scores, mask):
    """The forbidden weights are set to 0 after the softmax, so what they had is missing, and a row with nothing allowed
    comes out as NaN. The mask belongs on the scores, before the softmax, and such a row should have weights 0."""
    return torch.where(mask.any(dim=-1, keepdim=True), torch.softmax(scores, dim=-1) * mask, math.nan)


@known.mistake
def large_number_then_zero(scores, mask):
    """Forbidden scores become a large negative number, and what weight they still get is set to 0. Where the allowed
    scores are lower than that number, the forbidden keys take all the weight, and nothing is left. Minus infinity is
    lower than any score."""
    return torch.softmax(torch.where(mask, scores, -1e9), dim=-1) * mask


@known.mistake
def larger_number_then_zero(scores, mask):
    """Forbidden scores become a very large negative number, and what weight they still get is set to 0. But scores may
    be lower than any number, and then nothing is left for the allowed keys. Minus infinity is lower than any score."""
    return torch.softmax(torch.where(mask, scores, -1e20), dim=-1) * mask


@known.mistake
def infinity_multiplied(scores, mask):
    """Every number is NaN. 0 times infinity is NaN, and so is infinity minus infinity. Leave the allowed scores as they
    are and put minus infinity in the place of the others: masked_fill and torch.where choose, where a product such as
    (~mask) * -math.inf multiplies 0 by infinity."""
    return torch.softmax(scores + (~mask) * -math.inf, dim=-1)


@known.mistake
def filled_with_the_lowest_score(scores, mask):
    """Forbidden scores become the lowest score of the array, and still take weight. Minus infinity takes none."""
    return torch.softmax(torch.where(mask, scores, scores.min()), dim=-1)


@known.mistake
def multiplied_by_a_large_number(scores, mask):
    """Forbidden scores are multiplied by a large negative number, which turns negative ones into the loudest of all.
    They should become minus infinity, whatever they were."""
    return torch.softmax(scores * torch.where(mask, 1.0, -1e9).to(scores.dtype), dim=-1)


@known.mistake
def large_number_for_the_allowed(scores, mask):
    """A large number is added to the allowed scores. Their digits get lost in it, and a row with nothing allowed is no
    different from one without a mask. Leave them as they are, and put minus infinity on the others."""
    return torch.softmax(scores + mask * 1e9, dim=-1)


@known.mistake
def minus_infinity_after(scores, mask):
    """The softmax runs over all keys, and forbidden weights become minus infinity at the end. It is their scores that
    should be minus infinity, before the softmax; then their weights are 0."""
    return torch.softmax(scores, dim=-1).masked_fill(~mask, -math.inf)


@known.mistake
def all_keys_for_the_empty_row(scores, mask):
    """A row with nothing allowed gets the softmax of all its scores, as if there were no mask. It should have weights
    0: nothing was read."""
    empty = ~mask.any(dim=-1, keepdim=True)
    return torch.softmax(torch.where(mask | empty, scores, -math.inf), dim=-1)


@known.mistake
def nan_set_to_zero(scores, mask):
    """Nothing is subtracted from the scores, and where weights come out as NaN they are set to 0: very low rows, and
    loud hidden scores, leave a row without weights. Subtract the row's largest allowed score first (chapter 03)."""
    exponentials = torch.exp(scores.masked_fill(~mask, -math.inf))
    return torch.nan_to_num(exponentials / exponentials.sum(dim=-1, keepdim=True))


@known.mistake
def not_of_a_mask(scores, mask):
    """`not` asks for one True or False of a whole mask. ~mask turns each of its values around."""
    return scores.masked_fill(not mask, -math.inf)


@known.mistake
def large_number_by_an_index(scores, mask):
    """An index by a mask wants one of the same shape as the scores, and there may be one row for all queries:
    masked_fill repeats it. Besides, a large negative number is an ordinary score; it takes minus infinity."""
    filled = scores.clone()
    filled[~mask] = -1e9
    return torch.softmax(filled, dim=-1)


@known.mistake
def indexed_and_nan(scores, mask):
    """An index by a mask, as in scores[~mask], wants one of the same shape as the scores, and there may be one row for
    all queries. masked_fill repeats it. Besides, a row with nothing allowed comes out as NaN."""
    filled = scores.clone()
    filled[~mask] = -math.inf
    return torch.softmax(filled, dim=-1)


@known.mistake
def hidden_scores_zero_but_for_empty_rows(scores, mask):
    """Forbidden scores are set to 0, and 0 is an ordinary score: its exponential is 1. It takes minus infinity. Rows
    with nothing allowed are right."""
    return torch.softmax(torch.where(mask, scores, 0), dim=-1) * mask.any(dim=-1, keepdim=True)


@known.mistake
def large_number_but_for_empty_rows(scores, mask):
    """Forbidden scores become a large negative number, such as -1e9, and rows with nothing allowed are right. But
    allowed scores may be lower still, and then the forbidden keys take all the weight. Use minus infinity."""
    return torch.softmax(torch.where(mask, scores, -1e9), dim=-1) * mask.any(dim=-1, keepdim=True)


@known.mistake
def scores_times_mask_times_mask(scores, mask):
    """Forbidden scores are set to 0, whose exponential is 1, and their weights to 0 at the end: what they took is
    missing, and rows no longer sum to one. Before the softmax, they have to be minus infinity."""
    return torch.softmax(torch.where(mask, scores, 0), dim=-1) * mask


@known.mistake
def allowed_scores_alone(scores, mask):
    """The allowed scores are picked out, which leaves one long row of all of them: which row and which key a score
    belongs to is lost. Let every score keep its place, and put minus infinity on the forbidden ones."""
    exponentials = torch.exp(scores[mask] - scores[mask].max())
    return exponentials / exponentials.sum()


@known.mistake
def exponentials_times_mask(scores, mask):
    """The exponentials are multiplied by the mask, and no maximum is subtracted. The exponential of a large score is
    infinite, 0 times infinity is NaN, and those of very low scores are 0 for the whole row: subtract the row's largest
    allowed score first (chapter 03)."""
    exponentials = torch.exp(scores) * mask
    sums = exponentials.sum(dim=-1, keepdim=True)
    return exponentials / torch.where(sums > 0, sums, 1)


@known.mistake
def plain_formula(scores, mask):
    """The exponentials are multiplied by the mask and divided by their sum. The exponential of a large score is
    infinite (and 0 times infinity is NaN), that of very low scores is 0 for the whole row, and so is the sum where
    nothing is allowed: 0/0. Subtract the row's largest allowed score first (chapter 03), and treat the row with nothing
    allowed by itself."""
    exponentials = torch.exp(scores) * mask
    return exponentials / exponentials.sum(dim=-1, keepdim=True)


@known.mistake
def plain_formula_and_a_tiny_number(scores, mask):
    """The exponentials are multiplied by the mask, and a tiny number keeps an empty row from 0/0. But the exponential
    of a large score is infinite (and 0 times infinity is NaN), and that of very low scores is 0 for the whole row.
    Subtract the row's largest allowed score first (chapter 03)."""
    exponentials = torch.exp(scores) * mask
    return exponentials / (exponentials.sum(dim=-1, keepdim=True) + 1e-12)


@known.mistake
def no_keepdims(scores, mask):
    """A maximum or a sum over the last axis loses that axis, so it does not fit the scores any more. keepdim=True
    keeps it, with size 1."""
    filled = scores.masked_fill(~mask, -math.inf)
    return torch.exp(filled - filled.amax(dim=-1))


@known.mistake
def largest_with_its_places(scores, mask):
    """In PyTorch max(dim=-1) gives two things, the largest numbers and their places: take .values of them, or call
    amax, which gives the numbers alone."""
    filled = scores.masked_fill(~mask, -math.inf)
    return torch.exp(filled - filled.max(dim=-1, keepdim=True))


@known.mistake
def minus_a_mask(scores, mask):
    """Booleans have no minus. ~mask turns True and False around."""
    return scores.masked_fill(-mask, -math.inf)


@known.mistake
def one_minus_a_mask(scores, mask):
    """Nothing can be subtracted from a number where the mask is boolean. ~mask turns True and False around."""
    return scores.masked_fill(1 - mask, -math.inf)


@known.mistake
def filled_where_the_mask_is_a_number(scores, mask):
    """masked_fill takes a boolean mask, and this one was turned into numbers. It comes as it has to be: ~mask is True
    where nothing is allowed."""
    return scores.masked_fill((~mask).float(), -math.inf)


@known.mistake
def places_of_numpy(scores, mask):
    """np.where gives a NumPy array, and torch.softmax wants a tensor. torch.where and masked_fill give one."""
    return torch.softmax(np.where(mask, scores, -np.inf), dim=-1)


@known.mistake
def no_axis_named(scores, mask):
    """torch.softmax has to be told along which axis it runs: dim=-1, the last one, that of the keys."""
    return torch.softmax(scores.masked_fill(~mask, -math.inf))


@known.mistake
def log_softmax(scores, mask):
    """This is the logarithm of the weights, as log_softmax gives it, and NaN where nothing is allowed. The weights
    themselves are asked for."""
    return torch.log_softmax(scores.masked_fill(~mask, -math.inf), dim=-1)


@known.mistake
def any_without_its_axis(scores, mask):
    """mask.any(dim=-1) loses the last axis, so it does not fit the weights any more. keepdim=True keeps it, with
    size 1."""
    weights = torch.softmax(scores.masked_fill(~mask, -math.inf), dim=-1)
    return torch.where(mask.any(dim=-1), weights, 0)


@known.mistake
def nan_comes_back(scores, mask):
    """The weights are right, but the gradients of a row with nothing allowed are NaN: what is NaN on the way and
    overwritten at the end comes back, as 0 times NaN is NaN. It ends where minus infinity is filled in for the scores
    (torch.where, masked_fill), before anything else; where it is added, or 0 divided by 0, it does not."""
    blocked = torch.zeros(mask.shape, dtype=scores.dtype).masked_fill(~mask, -math.inf)
    return torch.softmax(scores + blocked, dim=-1).nan_to_num(0.0)


@known.mistake
def minus_infinity_added(scores, mask):
    """A row with nothing allowed comes out as NaN, and so do its gradients: minus infinity is added to all its scores.
    Such a row should have weights 0; and where minus infinity is filled in (torch.where, masked_fill), no NaN comes
    back."""
    return torch.softmax(scores + torch.where(mask, 0.0, -math.inf).to(scores.dtype), dim=-1)


@known.mistake
def row_by_row_of_the_mask(scores, mask):
    """The rows of the mask are taken one by one, and there may be fewer of them than of the scores: a mask broadcasts.
    mask.expand_as(scores) repeats its rows."""
    weights = torch.zeros_like(scores)
    for index in np.ndindex(scores.shape[:-1]):
        allowed = mask[index]
        if allowed.any():
            exponentials = torch.exp(scores[index][allowed] - scores[index][allowed].max())
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
    if inputs.get("asks", "output") != "output":
        return True  # it is about outputs
    forbidden = output[~np.broadcast_to(inputs["mask"], output.shape)]
    return bool((np.nan_to_num(forbidden) == 0).all())  # NaN is told otherwise


@known.always
def rows_sum_to_one_or_zero(inputs, output):
    """Each row should sum to 1, or to 0 where its mask allows nothing."""
    if inputs.get("asks", "output") != "output":
        return True  # it is about outputs
    allowed = np.broadcast_to(inputs["mask"], output.shape).any(axis=-1)
    return np.allclose(output.sum(axis=-1), allowed, atol=1e-5)


@known.legal
def nan_overwritten(scores, mask):
    filled = torch.where(mask, scores, -math.inf)
    exponentials = torch.exp(filled - filled.max(dim=-1, keepdim=True).values)
    return torch.nan_to_num(exponentials / exponentials.sum(dim=-1, keepdim=True))


@known.legal
def filled_twice(scores, mask):
    return torch.softmax(scores.masked_fill(~mask, -math.inf), dim=-1).masked_fill(~mask, 0.0)


@known.legal
def below_all_that_is_finite(scores, mask):
    weights = torch.softmax(scores.masked_fill(~mask, torch.finfo(scores.dtype).min), dim=-1)
    return weights * mask.any(dim=-1, keepdim=True)


@known.legal
def one_row_chosen_or_the_other(scores, mask):
    weights = torch.nn.functional.softmax(scores.masked_fill(mask == 0, float("-inf")), dim=-1)
    return torch.where(mask.any(dim=-1, keepdim=True), weights, torch.zeros_like(weights))


@known.legal
def harmless_scores_first(scores, mask):
    some = mask.any(dim=-1, keepdim=True)
    return torch.softmax(scores.masked_fill(~mask & some, -math.inf), dim=-1) * some


@known.legal
def largest_allowed_score(scores, mask):
    largest = torch.where(mask, scores, torch.finfo(scores.dtype).min).amax(dim=-1, keepdim=True)
    exponentials = torch.exp((scores - largest).clamp(max=0)) * mask
    sums = exponentials.sum(dim=-1, keepdim=True)
    return exponentials / torch.where(sums > 0, sums, 1)


@known.legal
def with_loops(scores, mask):
    mask = mask.expand_as(scores)
    weights = torch.zeros_like(scores)
    for row in np.ndindex(scores.shape[:-1]):
        allowed = mask[row]
        if allowed.any():
            exponentials = torch.exp(scores[row][allowed] - scores[row][allowed].max())
            weights[row][allowed] = exponentials / exponentials.sum()
    return weights


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
        Case("the example of the text", dict(q_len=2, k_len=3), dtype="float32", draw=of_the_text),
        Case("3 queries, 4 keys", dict(q_len=3, k_len=4), points=2, dtype="float32"),
        Case("6 queries, 7 keys", dict(q_len=6, k_len=7), dtype="float32"),
        Case("a padded batch, one mask row each", dict(batch=2, q_len=3, k_len=5), dtype="float32", draw=padded_batch),
        Case(
            "a row with nothing to attend to",
            dict(q_len=3, k_len=5),
            points=2,
            dtype="float32",
            draw=with_an_empty_row,
        ),
        Case(
            "forbidden scores far above the others",
            dict(q_len=2, k_len=4),
            dtype="float32",
            draw=with_loud_forbidden_keys,
        ),
        Case("scores around 100, -150, 1,000 and 0", dict(q_len=4, k_len=5), dtype="float32", draw=loud_for_float32),
        Case("allowed scores far apart", dict(q_len=2, k_len=4), dtype="float32", draw=far_apart),
        Case("allowed scores of -3e9 and less, float64", dict(q_len=2, k_len=5), draw=with_very_low_scores),
        Case(
            "one mask for a batch and its heads",
            dict(batch=1, num_heads=3, q_len=2, k_len=4),
            dtype="float32",
            draw=one_mask_for_all,
        ),
        Case(
            "gradients, with a row that may attend to nothing",
            dict(q_len=3, k_len=5),
            points=2,
            dtype="float32",
            draw=with_an_empty_row,
            asks="gradients",
        ),
    ),
    build=Build(takes=("scores", "mask")),
    part=True,
    finished=("course_lib.masked_softmax",),
    library="torch",
    hints=(
        (
            "Which score must a forbidden key have, so that its exponential is exactly 0? When do you have to put it "
            "there: before or after the softmax?"
        ),
        (
            "`scores.masked_fill(~mask, -math.inf)` keeps the allowed scores and blocks the rest; it broadcasts the "
            "mask by itself. Then take a softmax along the last axis."
        ),
        (
            "A row of minus infinity alone has no largest score to subtract: its softmax is NaN. Find such rows with "
            "`mask.any(dim=-1, keepdim=True)`."
        ),
        (
            "Take `torch.softmax(..., dim=-1)` of the filled scores, and fill once more at the end: what is forbidden "
            "has weight 0, and that replaces the NaN of an empty row as well."
        ),
    ),
    drawn=(informative(lambda scores, mask, *asks: reference(scores, mask)),),
    stages=(axis, allowed, filled, shifted, exponentials, total, weights),
    coincidences={
        "one_maximum_for_all_rows + sum_of_everything": "everything_sums_to_one",
        "maximum_of_all_keys + nothing_for_the_empty_row": "multiplied_and_renormalized",
    },
    **known.ways,
)
