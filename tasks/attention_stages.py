"""Scaled dot-product attention as stages, with the slips that people make in them; several chapters' tasks are built
of them (Vaswani et al. 2017, eq. 1).

Every stage and slip works on NumPy arrays and PyTorch tensors. A task takes the stages it needs, and gives the inputs
the names that they ask for: query, key, value, mask.
"""

import math

from array_api_compat import array_namespace

from course_lib import masked_softmax, softmax
from grader.stages import Stage


@Stage
def product(query, key):
    return query @ key.swapaxes(-2, -1)  # (..., q_len, k_len)


@product.slip
def all_axes_reversed(query, key):
    """All the axes of key change places, the leading ones too. Swap the last two alone: key.swapaxes(-2, -1)."""
    return query @ key.T


@product.slip
def keys_not_transposed(query, key):
    """The keys are not transposed: (q_len, d_k) times (k_len, d_k) does not fit. Swap the last two axes of key
    first."""
    return query @ key


@product.slip
def rows_are_keys(query, key):
    """Rows and columns of the scores are swapped. Row i belongs to query i and column j to key j: Q times K
    transposed."""
    return key @ query.swapaxes(-2, -1)


@product.slip
def queries_with_themselves(query, key):
    """The scores are those of the queries with each other; the keys have no part in them."""
    return query @ query.swapaxes(-2, -1)


@product.slip
def keys_with_themselves(query, key):
    """The scores are those of the keys with each other; the queries have no part in them."""
    return key @ key.swapaxes(-2, -1)


@product.slip
def distances(query, key):
    """The scores are squared distances between queries and keys, where they should be dot products."""
    xp = array_namespace(query)
    return xp.sum((query[..., :, None, :] - key[..., None, :, :]) ** 2, axis=-1)


@product.slip
def cosines(query, key):
    """Queries and keys are brought to norm 1 first, so the scores are cosines. A dot product keeps the norms."""
    xp = array_namespace(query)

    def unit(vectors):
        return vectors / xp.sqrt(xp.sum(vectors**2, axis=-1, keepdims=True))

    return unit(query) @ unit(key).swapaxes(-2, -1)


@Stage
def scaled(product, query):
    return product / math.sqrt(query.shape[-1])


@scaled.slip
def not_scaled(product):
    """The scores are not divided by the square root of d_k."""
    return product


@scaled.slip
def divided_by_d_k(product, query):
    """The scores are divided by d_k itself, or by its root twice. Once by the square root keeps their variance
    at 1."""
    return product / query.shape[-1]


@scaled.slip
def multiplied_by_root(product, query):
    """The scores are multiplied by the square root of d_k; they should be divided by it."""
    return product * math.sqrt(query.shape[-1])


@scaled.slip
def half_of_d_k(product, query):
    """The scores are divided by half of d_k. The square root is the power of 0.5, as in `d_k ** 0.5`."""
    return product / (query.shape[-1] / 2)


@scaled.slip
def power_of_one_then_half(product, query):
    """The scores are divided by d_k and then by 2, which is what `/ d_k ** 1 / 2` computes: powers bind first. The root
    is `** 0.5`, or math.sqrt."""
    return product / query.shape[-1] / 2


@scaled.slip
def root_of_key_count(product, key):
    """The scores are divided by the root of the number of keys. d_k is the length of one key vector: the last axis."""
    return product / math.sqrt(key.shape[-2])


@scaled.slip
def root_of_query_count(product, query):
    """The scores are divided by the root of the number of queries. d_k is the length of one query vector: the last
    axis."""
    return product / math.sqrt(query.shape[-2])


@scaled.slip
def root_of_the_first_axis(product, query):
    """The scores are divided by the root of the size of the first axis: the number of sentences in a batch, or of
    queries. d_k is the length of one query vector: the last axis."""
    return product / math.sqrt(query.shape[0])


@Stage
def masked(scaled, mask):
    xp = array_namespace(scaled)
    return xp.where(mask, scaled, xp.asarray(-math.inf, dtype=scaled.dtype))


@masked.slip
def no_mask(scaled):
    """The mask has no effect: hidden keys take part like any others."""
    return scaled


@masked.slip
def mask_inverted(scaled, mask):
    """The mask is used the wrong way round: True means that a query may attend to a key."""
    xp = array_namespace(scaled)
    return xp.where(mask, xp.asarray(-math.inf, dtype=scaled.dtype), scaled)


@masked.slip
def hidden_scores_zero(scaled, mask):
    """Hidden scores are 0 before the softmax, and the exponential of 0 is 1, so those keys still take weight. Minus
    infinity takes none."""
    xp = array_namespace(scaled)
    return xp.where(mask, scaled, xp.zeros_like(scaled))


@masked.slip
def large_number_for_infinity(scaled, mask):
    """Hidden scores become a large negative number, such as -1e9, and not minus infinity. It shows in a row with
    nothing allowed: that turns into an average of everything, and its output should be 0."""
    xp = array_namespace(scaled)
    return xp.where(mask, scaled, xp.asarray(-1e9, dtype=scaled.dtype))


@masked.slip
def large_number_added(scaled, mask):
    """A large number, such as 1e9, is subtracted from hidden scores. It shows in a row with nothing allowed: all its
    scores are lowered alike, which changes nothing, and its output should be 0."""
    xp = array_namespace(scaled)
    return scaled + xp.where(mask, xp.zeros_like(scaled), xp.asarray(-1e9, dtype=scaled.dtype))


@masked.slip
def small_number_for_infinity(scaled, mask):
    """Hidden scores become a number close to 0, such as 1e-9, and the exponential of that is 1: those keys still take
    weight. Minus infinity takes none."""
    xp = array_namespace(scaled)
    return xp.where(mask, scaled, xp.asarray(1e-9, dtype=scaled.dtype))


@Stage
def weights(scores):
    """The softmax over the keys; a row in which everything is hidden (-inf) gets weights 0."""
    xp = array_namespace(scores)
    hidden = scores == -math.inf
    return masked_softmax(scores, ~hidden) if xp.any(hidden) else softmax(scores)  # (..., q_len, k_len)


@weights.slip
def softmax_over_the_queries(scores):
    """The softmax runs over the queries, so that the columns sum to 1. Each query shares out its own attention: the
    last axis, that of the keys."""
    return weights(scores.swapaxes(-2, -1)).swapaxes(-2, -1)


@weights.slip
def softmax_over_everything(scores):
    """One softmax runs over all the scores of a sentence, so that all its weights together sum to 1. Every query shares
    out its own: the last axis alone."""
    flat = scores.reshape((*scores.shape[:-2], scores.shape[-2] * scores.shape[-1]))
    return weights(flat).reshape(scores.shape)


@weights.slip
def no_softmax(scores):
    """There is no softmax: the scores themselves serve as weights."""
    return scores


@weights.slip
def exponentials_alone(scores):
    """The exponentials are not divided by their sum, so the weights of a row do not sum to 1."""
    return array_namespace(scores).exp(scores)


@weights.slip
def shares_of_the_scores(scores):
    """The scores are divided by their sum, without the exponential."""
    return scores / array_namespace(scores).sum(scores, axis=-1, keepdims=True)


@weights.slip
def sigmoid_for_softmax(scores):
    """Each score goes through a sigmoid of its own, 1 / (1 + exp(-score)), so the weights of a row do not sum to 1."""
    return 1 / (1 + array_namespace(scores).exp(-scores))


@weights.slip
def softmax_twice(scores):
    """The softmax is taken twice: the second one takes weights for scores."""
    return softmax(weights(scores))


@weights.slip
def softmax_of_the_negative(scores):
    """The lowest score gets the largest weight: the softmax is that of the scores with the sign turned around."""
    xp = array_namespace(scores)
    return weights(xp.where(scores == -math.inf, scores, -scores))


@weights.slip
def logarithms_of_the_weights(scores):
    """These are the logarithms of the weights, as log_softmax gives them."""
    return array_namespace(scores).log(weights(scores))


@weights.slip
def the_best_key_alone(scores):
    """Each query takes the one key with the highest score; softmax gives every key its share."""
    xp = array_namespace(scores)
    return xp.astype(scores == xp.max(scores, axis=-1, keepdims=True), scores.dtype)


masked_weights = weights.but(scores="masked")


@masked_weights.slip
def nan_where_nothing_is_allowed(scores):
    """A row with nothing allowed comes out as NaN; its output should be 0."""
    return softmax(scores)


@masked_weights.slip
def multiplied_after(scaled, mask):
    """The mask is applied after the softmax, so hidden keys have had their part in the sum, and the rows no longer sum
    to 1. It belongs on the scores."""
    return softmax(scaled) * mask


@Stage
def output(weights, value):
    return weights @ value  # (..., q_len, d_v)


@output.slip
def weights_alone(weights):
    """These are the attention weights. The output is one step further: the weights times the values."""
    return weights


@output.slip
def weights_transposed(weights, value):
    """The weights are transposed before they meet the values: what query i gives to key j goes to word j."""
    return weights.swapaxes(-2, -1) @ value


@output.slip
def keys_for_values(weights, key):
    """The weights are multiplied with the keys. They share out the values."""
    return weights @ key


@output.slip
def queries_for_values(weights, query):
    """The weights are multiplied with the queries. They share out the values."""
    return weights @ query


@output.slip
def average_of_the_values(weights, value):
    """Every query gets the plain average of all values; the weights have no part in it."""
    xp = array_namespace(value)
    return xp.zeros_like(weights @ value) + xp.mean(value, axis=-2, keepdims=True)
