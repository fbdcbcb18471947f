"""04.masked_softmax: softmax over the allowed keys; a row with none is zero (Vaswani et al. 2017, section 3.2.3)."""

import numpy as np

from course_lib import masked_softmax as reference
from course_lib import softmax
from grader.known import Known
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
    inputs["mask"][1] = False
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


@known.mistake
def inverted_mask(scores, mask):
    """The weights lie exactly on the forbidden keys: the mask is used the wrong way round. True means may attend."""
    return harmless_scores_first(scores, ~mask)


@known.mistake
def no_mask(scores, mask):
    """This is the softmax over all keys: the mask has no effect on it."""
    return softmax(scores)


@known.mistake
def multiplied_after(scores, mask):
    """The forbidden weights are set to 0 after the softmax, so what they had is missing: rows no longer sum to one. The
    mask belongs on the scores, before the softmax."""
    return softmax(scores) * mask


@known.mistake
def multiplied_and_renormalized(scores, mask):
    """You divide by the sum after masking, which is right on paper. But a loud forbidden key pushes all others to 0 in
    the first softmax, an empty row has nothing to begin with, and 0/0 is NaN. Mask the scores before the softmax."""
    weights = softmax(scores) * mask
    return weights / weights.sum(axis=-1, keepdims=True)


@known.mistake
def scores_times_mask(scores, mask):
    """Forbidden scores are set to 0, and 0 is an ordinary score: its exponential is 1. Which score has the exponential
    0?"""
    return softmax(np.where(mask, scores, 0))


@known.mistake
def mask_added(scores, mask):
    """The mask is added to the scores as ones and zeros, which raises the allowed ones by 1 and forbids nothing. Where
    the mask is False, the score itself has to become minus infinity."""
    return softmax(scores + mask)


@known.mistake
def filled_with_a_large_number(scores, mask):
    """Forbidden scores become a large negative number, which is an ordinary score. Allowed scores below it lose against
    the forbidden ones, and in a row with nothing allowed all scores are equal, so that padding is averaged. Use minus
    infinity, and give the empty row zeros."""
    return softmax(np.where(mask, scores, -1e9))


@known.mistake
def large_number_then_zero(scores, mask):
    """Almost: forbidden scores become a large negative number, and what weight they still get is set to 0. But where
    the allowed scores are lower than that number, the forbidden keys take all the weight, and nothing is left. Minus
    infinity is lower than any score."""
    return softmax(np.where(mask, scores, -1e9)) * mask


@known.mistake
def filled_with_a_larger_number(scores, mask):
    """Forbidden scores become a very large negative number, and still an ordinary score. Allowed scores below it lose
    against the forbidden ones, and in a row with nothing allowed all scores are equal, so that padding is averaged. Use
    minus infinity, and give the empty row zeros."""
    return softmax(np.where(mask, scores, -1e20))


@known.mistake
def larger_number_then_zero(scores, mask):
    """Almost: forbidden scores become a very large negative number, and what weight they still get is set to 0. But
    scores may be lower than any number, and then nothing is left for the allowed keys. Minus infinity is lower than any
    score."""
    return softmax(np.where(mask, scores, -1e20)) * mask


@known.mistake
def infinity_multiplied(scores, mask):
    """Every number is NaN. 0 times infinity is NaN, and so is infinity minus infinity. Leave the allowed scores as they
    are and put minus infinity in the place of the others: np.where(mask, scores, -np.inf) chooses, where a product
    such as (1 - mask) * -np.inf multiplies 0 by infinity."""
    with np.errstate(invalid="ignore"):
        return softmax(scores + (1 - mask) * -np.inf)


@known.mistake
def indexed_by_the_mask(scores, mask):
    """scores[~mask] wants a mask of the same shape as the scores: an index does not broadcast. A mask may have one row
    for all queries, and np.where(mask, scores, -np.inf) repeats it."""
    filled = scores.copy()
    filled[~mask] = -np.inf
    return softmax(filled)


@known.mistake
def indexed_then_zero(scores, mask):
    """scores[~mask] wants a mask of the same shape as the scores: an index does not broadcast. A mask may have one row
    for all queries, and np.where repeats it. Your empty row is right."""
    return np.nan_to_num(indexed_by_the_mask(scores, mask))


@known.mistake
def large_number_added(scores, mask):
    """A large negative number is added to forbidden scores. Where allowed scores are lower still, the forbidden keys
    win, and a row with nothing allowed is no different from one without a mask. Use minus infinity, and give the empty
    row zeros."""
    return softmax(scores + np.where(mask, 0, -1e9).astype(scores.dtype))


@known.mistake
def nothing_for_the_empty_row(scores, mask):
    """Right wherever something is allowed. A row of minus infinity alone has no softmax: it gives NaN. Such a row
    should have weights 0."""
    return softmax(np.where(mask, scores, -np.inf))


@known.mistake
def without_subtracting_the_maximum(scores, mask):
    """Right for small scores. The exponential of a large score is infinite, and that of very low scores is 0 for the
    whole row: subtract the row's largest allowed score first (chapter 03)."""
    exponentials = np.exp(scores) * mask
    sums = exponentials.sum(axis=-1, keepdims=True)
    return exponentials / np.where(sums > 0, sums, 1)


@known.mistake
def plain_formula(scores, mask):
    """Right for small scores. The exponential of a large score is infinite, that of very low scores is 0 for the whole
    row, and so it is where nothing is allowed: all three end in NaN. Subtract the row's largest allowed score first
    (chapter 03), and treat the row with nothing allowed by itself."""
    exponentials = np.exp(np.where(mask, scores, -np.inf))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


@known.mistake
def plain_formula_times_mask(scores, mask):
    """Right for small scores. The exponential of a large score is infinite (and 0 times infinity is NaN), that of very
    low scores is 0 for the whole row, and so is the sum where nothing is allowed: 0/0. Subtract the row's largest
    allowed score first (chapter 03), and treat the row with nothing allowed by itself."""
    exponentials = np.exp(scores) * mask
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


@known.mistake
def maximum_of_all_keys(scores, mask):
    """The largest score of each row is subtracted, forbidden ones included; a softmax over all keys does so too. If a
    forbidden score is far above the others, all allowed exponentials become 0. Mask the scores first, so that the
    largest allowed one is subtracted."""
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True)) * mask
    sums = exponentials.sum(axis=-1, keepdims=True)
    return exponentials / np.where(sums > 0, sums, 1)


@known.mistake
def one_maximum_for_all_rows(scores, mask):
    """One maximum is subtracted from all rows, and a row far below it is left with exponentials of 0 alone, as is the
    row with nothing allowed: 0/0. Subtract from each row its own maximum (axis=-1, keepdims=True)."""
    filled = np.where(mask, scores, -np.inf)
    exponentials = np.exp(filled - filled.max())
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


@known.mistake
def one_maximum_then_zero(scores, mask):
    """One maximum is subtracted from all rows, and a row far below it is left with nothing. Subtract from each row its
    own maximum (axis=-1, keepdims=True)."""
    return np.nan_to_num(one_maximum_for_all_rows(scores, mask))


@known.mistake
def one_for_the_empty_row(scores, mask):
    """A row with nothing allowed shares its weight evenly among the forbidden keys. It should have weights 0: nothing
    was read."""
    nothing = ~mask.any(axis=-1, keepdims=True)
    return softmax(np.where(nothing, 0, np.where(mask, scores, -np.inf)).astype(scores.dtype))


@known.mistake
def columns_sum_to_one(scores, mask):
    """Here each column sums to one instead of each row. A row belongs to a query, and it is the query that shares out
    its attention: the softmax runs along the last axis."""
    filled = np.where(mask, scores, -np.inf)
    return np.nan_to_num(softmax(filled, axis=-2))


@known.mistake
def everything_sums_to_one(scores, mask):
    """All weights together sum to one. Each row has a softmax of its own: maximum and sum along axis=-1, with
    keepdims=True."""
    exponentials = np.exp(np.where(mask, scores, -np.inf) - scores[np.broadcast_to(mask, scores.shape)].max())
    return exponentials / exponentials.sum()


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
    return torch.softmax(filled, dim=-1).nan_to_num(0.0)


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
        Case("3 queries, 4 keys", dict(q_len=3, k_len=4), points=2),
        Case("6 queries, 7 keys, float32", dict(q_len=6, k_len=7), dtype="float32"),
        Case("a padded batch, one mask row each", dict(batch=2, q_len=3, k_len=5), draw=padded_batch),
        Case("a row with nothing to attend to", dict(q_len=3, k_len=5), points=2, draw=with_an_empty_row),
        Case("forbidden scores far above the others", dict(q_len=2, k_len=4), draw=with_loud_forbidden_keys),
        Case("allowed scores of minus three billion and less", dict(q_len=2, k_len=5), draw=with_very_low_scores),
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
    **known.ways,
)
