"""A self-attention layer as stages, from the input and its matrices to what each token gathers, with the slips that
people make in it; the tasks of the layer are built of them (Vaswani et al. 2017, section 3.2.2).

All of it works on PyTorch tensors. The inputs are x (..., length, d_model), W_q and W_k (d_model, d_k), W_v (d_model,
d_v) and W_o (d_v, d_model).
"""

import math

import numpy as np
import torch

from grader.stages import Stage
from tasks import attention_stages


def draw_maps(rng, d_model, d_k, d_v):
    """Four matrices that nearly keep the variance of their input, so that no score is extreme."""
    shapes = {"W_q": (d_model, d_k), "W_k": (d_model, d_k), "W_v": (d_model, d_v), "W_o": (d_v, d_model)}
    maps = {name: rng.normal(size=shape) / math.sqrt(shape[0]) for name, shape in shapes.items()}
    return maps | {"W_q": 2 * maps["W_q"]}


def loud(rng, length, d_model, d_k, d_v, **leading):
    """Whole numbers, so that every way to compute the scores gives the same: they are far above 0 in the first row and
    far below in the second, where an exponential in float32 is infinite, or 0."""
    x = rng.integers(-2, 3, size=(*leading.values(), length, d_model)).astype(float)
    x[..., 0] = 1
    x[..., 1] = np.resize([240, -240, 0, 1], length) * math.sqrt(d_k)
    W_q, W_k = rng.integers(-1, 2, size=(2, d_model, d_k)).astype(float)
    W_v, W_o = rng.integers(-1, 2, size=(d_model, d_v)).astype(float), rng.normal(size=(d_v, d_model))
    W_q[:, 0] = W_q[1] = W_k[:, 0] = W_k[1] = W_v[1] = 0  # the loud feature moves all scores of a row alike
    W_q[1, 0] = W_k[0, 0] = 1
    return {"x": x, "W_q": W_q, "W_k": W_k, "W_v": W_v, "W_o": W_o}


@Stage
def query(x, W_q):
    return x @ W_q  # (..., length, d_k)


@query.slip
def queries_by_W_k(x, W_k):
    """The queries are made by W_k, like the keys: every score is then the same in both directions. Queries have a map
    of their own, W_q."""
    return x @ W_k


@query.slip
def queries_not_mapped(x):
    """The inputs themselves serve as queries. Queries are x times W_q."""
    return x


@query.slip
def W_q_transposed(x, W_q):
    """The queries are made by W_q transposed, as nn.Linear would keep it. Here it is given as the formula has it: x
    times W_q."""
    return x @ W_q.T


@Stage
def key(x, W_k):
    return x @ W_k  # (..., length, d_k)


@key.slip
def keys_by_W_q(x, W_q):
    """The keys are made by W_q, like the queries: every score is then the same in both directions. Keys have a map of
    their own, W_k."""
    return x @ W_q


@key.slip
def keys_not_mapped(x):
    """The inputs themselves serve as keys. Keys are x times W_k."""
    return x


@key.slip
def W_k_transposed(x, W_k):
    """The keys are made by W_k transposed, as nn.Linear would keep it. Here it is given as the formula has it: x times
    W_k."""
    return x @ W_k.T


@Stage
def value(x, W_v):
    return x @ W_v  # (..., length, d_v)


@value.slip
def values_not_mapped(x):
    """The inputs themselves serve as values. Values are x times W_v."""
    return x


@value.slip
def values_by_W_k(x, W_k):
    """The values are made by W_k, like the keys. They have a map of their own, W_v."""
    return x @ W_k


@value.slip
def values_by_W_q(x, W_q):
    """The values are made by W_q, like the queries. They have a map of their own, W_v."""
    return x @ W_q


@value.slip
def W_v_transposed(x, W_v):
    """The values are made by W_v transposed, as nn.Linear would keep it. Here it is given as the formula has it: x
    times W_v."""
    return x @ W_v.T


product = attention_stages.product.but(
    "all_axes_reversed", "keys_not_transposed", "rows_are_keys", "queries_with_themselves", "keys_with_themselves"
)


@product.slip
def keys_not_transposed(query, key):
    """The keys are not transposed: (length, d_k) times (length, d_k) fits only where length is d_k. Swap the last two
    axes of key first."""
    return query @ key


@product.slip
def all_axes_reversed(query, key):
    """`.T` turns all the axes of the keys around, that of the batch too. Swap the last two alone: .mT."""
    return query @ key.T


@product.slip
def rows_are_keys(query, key):
    """Queries and keys are exchanged: row i of the scores should hold the query of token i with all the keys."""
    return key @ query.mT


@product.slip
def axes_1_and_2_of_the_keys_swapped(query, key):
    """Of the keys, axes 1 and 2 are swapped, which fits exactly one leading axis. There may be none, or two: count from
    the end, as .mT does."""
    return query @ key.transpose(1, 2)


@product.slip
def keys_reshaped(query, key):
    """The keys are brought to (..., d_k, length) by a reshape, which deals the numbers out anew in the order of memory.
    Swap their last two axes."""
    return query @ key.reshape(*key.shape[:-2], key.shape[-1], key.shape[-2])


scaled = attention_stages.scaled.but("root_of_query_count", "root_of_key_count")


@scaled.slip
def root_of_d_model(product, x):
    """The scores are divided by the root of d_model, the size of the input. It is the size of the queries and keys that
    counts: d_k."""
    return product / math.sqrt(x.shape[-1])


@scaled.slip
def root_of_d_v(product, W_v):
    """The scores are divided by the root of d_v. Values take no part in the scores: it is the size of queries and keys,
    d_k."""
    return product / math.sqrt(W_v.shape[-1])


@scaled.slip
def root_of_length(product, x):
    """The scores are divided by the root of the number of tokens. It is the size of one query that counts, d_k: the
    last axis."""
    return product / math.sqrt(x.shape[-2])


@scaled.slip
def whole_root(product, query):
    """The scores are divided by the root of d_k rounded down to a whole number. The root of 5 is 2.236, not 2."""
    return product / math.isqrt(query.shape[-1])


@scaled.slip
def root_of_a_plain_number(product, query):
    """PyTorch's sqrt takes a tensor, and a size is a plain number: math.sqrt, or ** 0.5."""
    return product / torch.sqrt(query.shape[-1])


@Stage
def exponentials(scores):
    """A row in which everything is hidden (-inf) gets exponentials 0."""
    largest = scores.amax(dim=-1, keepdim=True)
    return torch.exp(scores - torch.where(largest == -math.inf, 0, largest))  # (..., length, length)


@exponentials.slip
def overflowing(scores):
    """The exponentials are taken of the scores as they are: that of 240 is infinite in float32, that of -240 is 0, and
    NaN comes out. Subtracting each row's largest score first changes no weight, and torch.softmax does so."""
    return torch.exp(scores)


@exponentials.slip
def largest_of_all_subtracted(scores):
    """The largest score of all is subtracted from every row, so a row far below it has exponentials 0 throughout, and
    its weights are NaN. Each row has a largest score of its own."""
    return torch.exp(scores - scores.max())


@exponentials.rare
def scores_above_a_bound_leveled(scores):
    """Scores above a bound, such as 80, count as that bound, so the largest ones get equal weights; and a row far below
    0 has exponentials 0 throughout, and gives NaN. Subtracting each row's largest score changes no weight, and
    torch.softmax does so."""
    return torch.exp(scores.clamp(max=80))


@exponentials.rare
def scores_held_between_bounds(scores):
    """Scores are held between two bounds, such as -80 and 80, so all that lie beyond get equal weights. Subtracting
    each row's largest score first changes no weight, and torch.softmax does so."""
    return torch.exp(scores.clamp(-80, 80))


@exponentials.slip
def powers_of_two(scores):
    """The weights come from powers of 2. Softmax takes powers of e: the exponential."""
    return torch.exp2(scores - scores.amax(dim=-1, keepdim=True))


def weights(exponentials, scores):
    """Each row divided by its sum; a row in which everything is hidden (-inf) gets weights 0."""
    shares = exponentials / exponentials.sum(dim=-1, keepdim=True)
    return torch.where((scores == -math.inf).all(dim=-1, keepdim=True), 0, shares)  # (..., length, length)


AS_IN_CHAPTER_03 = (
    "softmax_over_the_queries",
    "softmax_over_everything",
    "no_softmax",
    "shares_of_the_scores",
    "sigmoid_for_softmax",
    "softmax_twice",
    "softmax_of_the_negative",
    "the_best_key_alone",
)


weights = Stage(weights, [slip for slip in attention_stages.weights.slips if slip.name in AS_IN_CHAPTER_03])


@weights.slip
def exponentials_alone(exponentials):
    """The exponentials are not divided by their sum, so the weights of a row do not sum to 1."""
    return exponentials


@weights.slip
def divided_by_the_sum_of_all(exponentials):
    """The exponentials are divided by the sum of all of a sentence, so that all its weights together sum to 1. Every
    query shares out its own: the sum along the last axis."""
    return exponentials / exponentials.sum(dim=(-2, -1), keepdim=True)


@weights.slip
def divided_by_the_sums_of_the_columns(exponentials):
    """The exponentials are divided by the sums over the queries, so that the columns sum to 1. Each query shares out
    its own attention over the keys: the sum along the last axis."""
    return exponentials / exponentials.sum(dim=-2, keepdim=True)


@weights.slip
def divided_after_the_softmax(product, query):
    """The weights are divided by the root of d_k, so they no longer sum to one. The scores are divided, before the
    softmax."""
    return torch.softmax(product, dim=-1) / math.sqrt(query.shape[-1])


@weights.slip
def softmax_over_dim_0(scores):
    """The softmax runs over the first axis: the queries, or in a batch the sentences. The keys are the last axis,
    dim=-1."""
    return torch.softmax(scores, dim=0)


@weights.slip
def softmax_over_dim_1(scores):
    """The softmax runs over dim=1, which is the axis of the keys only where nothing stands in front. With a batch it is
    that of the queries: count from the end, dim=-1."""
    return torch.softmax(scores, dim=1)


output = attention_stages.output.but("weights_alone", "keys_for_values", "queries_for_values")


@output.slip
def multiplied_element_by_element(weights, value):
    """Weights and values are multiplied element by element. It takes a matrix product: each row of weights sums up the
    values of all tokens."""
    return weights * value


@Stage
def mapped(output, W_o):
    return output @ W_o  # (..., length, d_model)


@mapped.slip
def no_W_o(output):
    """W_o has no part in it: what attention gathers is not mapped back to d_model."""
    return output


@mapped.slip
def W_o_transposed(output, W_o):
    """What attention gathers is multiplied by W_o transposed. Here it is given as the formula has it, (d_v,
    d_model)."""
    return output @ W_o.T


@mapped.slip
def W_v_for_W_o(output, W_v):
    """What attention gathers is mapped back by W_v transposed. The way back has a matrix of its own, W_o."""
    return output @ W_v.T


@mapped.slip
def inputs_mixed(weights, x, W_o):
    """The weights mix the inputs themselves, and that is multiplied by W_o. What they mix are the values, x times
    W_v."""
    return weights @ x @ W_o


@mapped.slip
def keys_mixed(weights, key, W_o):
    """The weights mix the keys, and that is multiplied by W_o. Keys are compared with; what is mixed are the values, x
    times W_v."""
    return weights @ key @ W_o


@mapped.slip
def W_o_before_W_v(weights, x, W_o, W_v):
    """The inputs meet W_o first and then W_v, and the sizes do not fit. W_v makes the values; W_o comes last."""
    return weights @ (x @ W_o @ W_v)
