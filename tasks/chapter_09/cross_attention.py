"""09.cross_attention: queries from the decoder, keys and values from the memory (Vaswani et al. 2017, 3.2.3)."""

import math

import numpy as np
import torch

from course_lib import attention_weights, causal_mask, masked_softmax, padding_mask, scaled_dot_product_attention
from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Task
from tasks import attention_stages
from tasks.probes import first_difference, weights_seen
from tasks.rules import informative

known = Known()


def padded_sources(rng, batch, q_len, k_len, d_model, d_k, d_v):
    """Sources of several lengths, all with two padded positions or more."""
    inputs = {
        "x": rng.normal(size=(batch, q_len, d_model)),
        "memory": rng.normal(size=(batch, k_len, d_model)),
        "W_q": 1.3 * rng.normal(size=(d_model, d_k)) / math.sqrt(d_model),
        "W_k": 1.3 * rng.normal(size=(d_model, d_k)) / math.sqrt(d_model),
        "W_v": rng.normal(size=(d_model, d_v)) / math.sqrt(d_model),
    }
    return {**inputs, "memory_lengths": rng.permutation(k_len - 2 - np.arange(batch) % (k_len // 2))}


def one_word_written(rng, batch, q_len, k_len, d_model, d_k, d_v):
    """As while decoding with a cache: one query; one source has a single position, one is not padded. The first is
    neither."""
    inputs = padded_sources(rng, batch, q_len, k_len, d_model, d_k, d_v)
    return {**inputs, "memory_lengths": np.array([3, *rng.permutation([1, k_len])])}


def loud(rng, batch, q_len, k_len, d_model, d_k, d_v):
    """Scores by the hundreds, of both signs: exp of them overflows. The first query's are far below 0, all of them.
    All numbers are whole, so that float32 holds the scores exactly."""
    inputs = padded_sources(rng, batch, q_len, k_len, d_model, d_k, d_v)
    sizes = {"x": 10, "memory": 10, "W_q": 3, "W_k": 3}
    whole = {name: rng.integers(1 - most, most, size=inputs[name].shape) for name, most in sizes.items()}
    whole["W_q"][0] = whole["W_k"][0] = 0
    whole["W_q"][0, 0], whole["W_k"][0, 0] = -3, 5
    whole["memory"][..., 0], whole["x"][..., 0] = 20, 0
    whole["x"][:, 0] = [10] + [0] * (d_model - 1)
    return {**inputs, **{name: array.astype(float) for name, array in whole.items()}}


def of_the_text(rng, batch, q_len, k_len, d_model, d_k, d_v):
    one = np.ones((1, 1))
    return {
        "x": np.zeros((1, 1, 1)),
        "memory": np.array([[[10.0], [20.0], [90.0]]]),
        "W_q": one,
        "W_k": one.copy(),
        "W_v": one.copy(),
        "memory_lengths": np.array([2]),
    }


def reference(x, memory, W_q, W_k, W_v, memory_lengths):
    mask = padding_mask(memory_lengths, memory.shape[1])
    return scaled_dot_product_attention(x @ W_q, memory @ W_k, memory @ W_v, mask)


def weights(x, memory, W_q, W_k, W_v, memory_lengths):
    return attention_weights(x @ W_q, memory @ W_k, padding_mask(memory_lengths, memory.shape[1]))


def _attend(query, key, value, mask):
    return masked_softmax(query @ key.mT / math.sqrt(query.shape[-1]), mask) @ value


def _real(lengths, max_len):
    return torch.arange(max_len) < lengths[:, None, None]


@Stage
def query(x, W_q):
    return x @ W_q


@query.slip
def memory_attends_to_itself(memory, W_q):
    """The queries come from the memory, too: that is the encoder's self-attention. The decoder's `x` has no effect;
    it should ask."""
    return memory @ W_q


@query.slip
def queries_by_the_map_of_the_keys(x, W_k):
    """The queries are made by W_k, as the keys are. They have a map of their own: W_q."""
    return x @ W_k


@Stage
def key(memory, W_k):
    return memory @ W_k


@key.slip
def keys_by_the_map_of_the_queries(memory, W_q):
    """The keys are made by W_q, as the queries are. They have a map of their own: W_k."""
    return memory @ W_q


@Stage
def value(memory, W_v):
    return memory @ W_v


@value.slip
def values_not_mapped(memory):
    """The weights multiply the memory itself. The values are the memory times `W_v`."""
    return memory


@value.slip
def keys_as_values(memory, W_k):
    """The weights multiply the keys, memory W_k. The values have a map of their own, `W_v`."""
    return memory @ W_k


@value.slip
def queries_as_values(memory, W_q):
    """The values are made by W_q. They have a map of their own, `W_v`."""
    return memory @ W_q


@Stage
def counts(memory_lengths):
    return memory_lengths


@counts.slip
def one_real_too_many(memory_lengths):
    """One position too many counts as real in each source that is padded: the first of its padding. Positions count
    from 0, so the last real one is length - 1."""
    return memory_lengths + 1


@counts.slip
def one_real_too_few(memory_lengths):
    """One position too few counts as real in each source: its last real one is hidden as well."""
    return memory_lengths - 1


@counts.slip
def length_of_the_first(memory_lengths):
    """The length of the first source serves for all of them. Each has its own."""
    return memory_lengths[:1].expand_as(memory_lengths)


@counts.slip
def length_of_the_longest(memory_lengths):
    """The length of the longest source serves for all of them, so the padding of the others is attended to up to
    there."""
    return memory_lengths.max().expand_as(memory_lengths)


@counts.slip
def length_of_the_shortest(memory_lengths):
    """All sources are cut to the length of the shortest. Each has its own."""
    return memory_lengths.min().expand_as(memory_lengths)


@Stage
def mask(counts, memory):
    return _real(counts, memory.shape[1])  # (batch, 1, k_len)


@mask.slip
def mask_on_the_queries(counts, memory, x):
    """The mask blocks queries instead of keys: it compares the lengths of the sources with positions of the decoder.
    The last axis of the scores is that of the keys."""
    return _real(counts, x.shape[1]).mT & _real(counts**0 * memory.shape[1], memory.shape[1])


@mask.slip
def causal_too(counts, memory, x):
    """There is a causal mask as well: the first output sees the first source position alone. The source is known in
    full, so only its padding is hidden."""
    return _real(counts, memory.shape[1]) & torch.ones(x.shape[1], memory.shape[1], dtype=torch.bool).tril()


@mask.slip
def causal_alone(counts, memory, x):
    """There is a causal mask on the source, and its padding is attended to. The source is known in full, so its padding
    alone is hidden."""
    causal = torch.ones(x.shape[1], memory.shape[1], dtype=torch.bool).tril()
    return causal.expand(len(counts), *causal.shape)


@mask.slip
def padding_in_front(counts, memory):
    """The sources are taken as padded in front: their first positions are hidden. Here padding stands at the end."""
    return torch.arange(memory.shape[1]) >= memory.shape[1] - counts[:, None, None]


@Stage
def masked(scaled, mask):
    return scaled.masked_fill(~mask, -math.inf)


@masked.slip
def no_mask(scaled):
    """The padding of the sources is attended to: `memory_lengths` has no effect."""
    return scaled


@masked.slip
def mask_inverted(scaled, mask):
    """The mask is used the wrong way round: only the padding of the source is attended to."""
    return scaled.masked_fill(mask, -math.inf)


@masked.slip
def hidden_scores_zero(scaled, mask):
    """Hidden scores are 0 before the softmax, and the exponential of 0 is 1, so the padding still takes weight. Minus
    infinity takes none."""
    return scaled * mask


@masked.slip
def mask_as_a_number(scaled, mask):
    """Hidden scores are lower by 1 than they would be: the mask is added to them as the numbers 0 and 1, so the padding
    keeps a weight. Minus infinity takes it away."""
    return scaled + mask


product = attention_stages.product.but("rows_are_keys", "queries_with_themselves", "keys_with_themselves")


@product.slip
def keys_reshaped(query, key):
    """The keys are brought to shape (batch, d_k, k_len) by a reshape, which mixes the numbers of different positions.
    key.mT swaps the two axes."""
    return query @ key.reshape(key.shape[0], key.shape[2], key.shape[1])


@product.slip
def first_axes_of_the_keys_swapped(query, key):
    """The first two axes of the keys have changed places, batch and positions. It is the last two that are swapped:
    key.mT."""
    return query @ key.transpose(0, 1)


scaled = attention_stages.scaled.but(
    "half_of_d_k", "power_of_one_then_half", "root_of_query_count", "root_of_the_first_axis"
)


@scaled.slip
def root_of_d_model(product, x):
    """The scores are divided by the square root of d_model. The dot products are those of queries and keys, so it is
    the root of d_k."""
    return product / math.sqrt(x.shape[-1])


@scaled.slip
def root_of_d_v(product, W_v):
    """The scores are divided by the square root of d_v, the size of the values. The dot products are those of queries
    and keys, so it is the root of d_k."""
    return product / math.sqrt(W_v.shape[-1])


shares = attention_stages.masked_weights.but(
    "no_softmax",
    "shares_of_the_scores",
    "sigmoid_for_softmax",
    "softmax_of_the_negative",
    "logarithms_of_the_weights",
    "nan_where_nothing_is_allowed",
    "multiplied_after",
)


@shares.slip
def padding_in_the_sum(scaled, mask):
    """The padding gets no weight in the end, but it has had its part in the softmax's sum, so the weights of the real
    positions do not sum to 1. Hide it in the scores, before the softmax."""
    return scaled.softmax(-1) * mask


@shares.slip
def exponentials_overflow(scores):
    """The exponentials of the scores are infinite where the scores are large, and inf / inf is NaN; for small scores
    that softmax is right. Subtract each row's largest score first, or call torch.softmax."""
    return scores.exp() / scores.exp().sum(-1, keepdim=True)


@shares.slip
def equal_shares(scores):
    """Every visible position gets the same weight, whatever the queries and keys are. The scores decide how much each
    one gets."""
    return shares(torch.where(scores == -math.inf, scores, 0))


@shares.rare
def softmax_over_the_queries_of_a_large_number(scores):
    """The softmax runs over the queries, so that the columns sum to 1, those of the padding as well. Each query shares
    out its own attention: the last axis, that of the keys."""
    return scores.clamp(min=-1e9).softmax(-2)


@shares.rare
def softmax_over_the_queries_with_nan(scores):
    """The softmax runs over the queries, and in a column of padding all scores are minus infinity: that is NaN. Each
    query shares out its own attention: the last axis, that of the keys."""
    return scores.softmax(-2)


@shares.rare
def divided_after_the_softmax(product, mask, query):
    """The softmax is taken of the undivided scores, and the weights are divided by the square root of d_k, so that they
    no longer sum to 1. Divide the scores, before the softmax."""
    return product.masked_fill(~mask, -math.inf).softmax(-1) / math.sqrt(query.shape[-1])


@shares.rare
def divided_after_the_softmax_and_no_mask(product, query):
    """The softmax is taken of the undivided scores, and the weights are divided by the square root of d_k; the padding
    is attended to as well. Divide the scores, hide the padding in them, and take the softmax then."""
    return product.softmax(-1) / math.sqrt(query.shape[-1])


attended = attention_stages.output.but("weights_transposed", "queries_for_values", "keys_for_values")


@known.mistake
def padding_alone_with_nan(x, memory, W_q, W_k, W_v, memory_lengths):
    """Only the padding of the source is attended to: the mask is used the wrong way round. A source without padding
    then comes out as NaN."""
    scores = (x @ W_q) @ (memory @ W_k).mT / math.sqrt(W_q.shape[-1])
    hidden = _real(memory_lengths, memory.shape[1])
    return scores.masked_fill(hidden, -math.inf).softmax(-1) @ (memory @ W_v)


@known.mistake
def padding_alone_or_everything(x, memory, W_q, W_k, W_v, memory_lengths):
    """Only the padding of the source is attended to: the mask is used the wrong way round. Of a source without padding
    the whole is averaged."""
    scores = (x @ W_q) @ (memory @ W_k).mT / math.sqrt(W_q.shape[-1])
    hidden = _real(memory_lengths, memory.shape[1])
    return scores.masked_fill(hidden, -1e9).softmax(-1) @ (memory @ W_v)


@known.mistake
def padding_set_to_zero(x, memory, W_q, W_k, W_v, memory_lengths):
    """The padding of the memory is set to 0, but a zero key has the score 0, and its exponential is 1: it takes weight
    from the real ones. Hide the keys in the mask."""
    memory = memory * _real(memory_lengths, memory.shape[1]).mT
    return _attend(x @ W_q, memory @ W_k, memory @ W_v, torch.ones(memory.shape[1], dtype=torch.bool))


@known.mistake
def self_attention(x, memory, W_q, W_k, W_v, memory_lengths):
    """Keys and values come from the decoder: this is self-attention, and nothing of the source ever arrives. Keys and
    values belong to the memory."""
    return _attend(x @ W_q, x @ W_k, x @ W_v, torch.ones(x.shape[1], x.shape[1], dtype=torch.bool))


@known.mistake
def causal_self_attention(x, memory, W_q, W_k, W_v, memory_lengths):
    """Keys and values come from the decoder, with a causal mask: this is the decoder's own attention, and nothing of
    the source ever arrives. Keys and values belong to the memory."""
    return _attend(x @ W_q, x @ W_k, x @ W_v, causal_mask(x.shape[1], like=x))


@known.mistake
def keys_from_the_decoder(x, memory, W_q, W_k, W_v, memory_lengths):
    """The keys come from the decoder. There would be one weight for each written token, and they cannot be matched with
    the source. Keys come from the memory, as the values do."""
    mask = padding_mask(memory_lengths, memory.shape[1])
    return scaled_dot_product_attention(x @ W_q, x @ W_k, memory @ W_v, mask)


@known.mistake
def keys_from_the_decoder_by_hand(x, memory, W_q, W_k, W_v, memory_lengths):
    """The keys are made of `x`, so the scores compare the written tokens with each other, and the mask of the source
    does not fit them. Make the keys of the memory."""
    return _attend(x @ W_q, x @ W_k, memory @ W_v, _real(memory_lengths, memory.shape[1]))


@known.mistake
def scores_that_the_mask_does_not_fit(x, memory, W_q, W_k, W_v, memory_lengths):
    """The scores are as wide as the decoder's text is long, and the mask as wide as the source. The keys belong to the
    memory, so that there is one score for each of its positions."""
    scores, mask = (x @ W_q) @ (x @ W_k).mT, _real(memory_lengths, memory.shape[1])
    return scores.masked_fill(~mask, -math.inf)


@known.mistake
def values_from_the_decoder(x, memory, W_q, W_k, W_v, memory_lengths):
    """The values come from the decoder, but there is one weight for each position of the memory. Take the values from
    there, as the keys."""
    mask = padding_mask(memory_lengths, memory.shape[1])
    return scaled_dot_product_attention(x @ W_q, memory @ W_k, x @ W_v, mask)


@known.mistake
def roles_swapped(x, memory, W_q, W_k, W_v, memory_lengths):
    """The roles are swapped: the source asks and the decoder answers, so there is one output for each source position.
    The decoder asks."""
    return _attend(memory @ W_q, x @ W_k, x @ W_v, torch.ones(memory.shape[1], x.shape[1], dtype=torch.bool))


@known.mistake
def maps_swapped(x, memory, W_q, W_k, W_v, memory_lengths):
    """`W_q` and `W_k` are swapped. `W_q` makes queries of the decoder's vectors, `W_k` keys of the memory."""
    return _attend(x @ W_k, memory @ W_q, memory @ W_v, _real(memory_lengths, memory.shape[1]))


@known.mistake
def mask_does_not_fit(x, memory, W_q, W_k, W_v, memory_lengths):
    """The mask has shape (batch, k_len, 1): its new axis stands at the end, so the source positions are lined up with
    the queries. The axis of size 1 stands for the queries, before the keys."""
    return _attend(x @ W_q, memory @ W_k, memory @ W_v, _real(memory_lengths, memory.shape[1]).mT)


@known.mistake
def mask_without_an_axis(x, memory, W_q, W_k, W_v, memory_lengths):
    """The mask has shape (batch, k_len), and the scores (batch, q_len, k_len): the batch is lined up with the queries.
    Give the mask an axis of size 1 for them."""
    mask = _real(memory_lengths, memory.shape[1])[:, 0]
    return scaled_dot_product_attention(x @ W_q, memory @ W_k, memory @ W_v, mask)


@known.mistake
def mask_without_an_axis_by_hand(x, memory, W_q, W_k, W_v, memory_lengths):
    """The mask (batch, k_len) meets scores of shape (batch, q_len, k_len), so the batch is lined up with the queries.
    It needs an axis of size 1 for them: mask[:, None, :]."""
    scores = (x @ W_q) @ (memory @ W_k).mT / math.sqrt(W_q.shape[-1])
    mask = _real(memory_lengths, memory.shape[1])[:, 0]
    return scores.masked_fill(~mask, -math.inf).softmax(-1) @ (memory @ W_v)


@known.mistake
def mask_of_the_longest(x, memory, W_q, W_k, W_v, memory_lengths):
    """The mask is as wide as the longest source, and the memory is padded further. Tell padding_mask the padded length,
    the number of positions in the memory."""
    mask = padding_mask(memory_lengths)
    return scaled_dot_product_attention(x @ W_q, memory @ W_k, memory @ W_v, mask)


@known.mistake
def mask_as_wide_as_the_queries(x, memory, W_q, W_k, W_v, memory_lengths):
    """The mask is made for as many positions as the decoder has written. It hides positions of the source, so its width
    is that of the memory."""
    mask = padding_mask(memory_lengths, x.shape[1])
    return scaled_dot_product_attention(x @ W_q, memory @ W_k, memory @ W_v, mask)


@known.mistake
def keys_counted_like_the_queries(x, memory, W_q, W_k, W_v, memory_lengths):
    """The mask has a column for each token written, q_len of them. Its columns are the keys, the positions of the
    memory: memory.shape[1]."""
    mask = _real(memory_lengths, x.shape[1])
    return scaled_dot_product_attention(x @ W_q, memory @ W_k, memory @ W_v, mask)


@known.mistake
def square_causal_too(x, memory, W_q, W_k, W_v, memory_lengths):
    """There is a causal mask on the source, and it is square, while the scores have as many rows as tokens are written.
    The source is known in full: it needs no causal mask."""
    k_len = memory.shape[1]
    mask = padding_mask(memory_lengths, k_len) & causal_mask(k_len, like=memory_lengths)
    return scaled_dot_product_attention(x @ W_q, memory @ W_k, memory @ W_v, mask)


@known.mistake
def maps_from_the_left(x, memory, W_q, W_k, W_v, memory_lengths):
    """The maps stand in front of the vectors, where they do not fit. A vector is a row here: x @ W."""
    query, key, value = W_q @ x, W_k @ memory, W_v @ memory
    return _attend(query, key, value, _real(memory_lengths, memory.shape[1]))


@known.mistake
def transposed_over_all_axes(x, memory, W_q, W_k, W_v, memory_lengths):
    """`.T` turns all three axes of the keys around, the batch too. Swap the last two alone: .mT."""
    scores = (x @ W_q) @ (memory @ W_k).T / math.sqrt(W_k.shape[-1])
    mask = _real(memory_lengths, memory.shape[1])
    return scores.masked_fill(~mask, -math.inf).softmax(-1) @ (memory @ W_v)


@known.mistake
def batch_and_positions_swapped(x, memory, W_q, W_k, W_v, memory_lengths):
    """The batch and the positions of the keys have changed places. It is the last two axes that are swapped: .mT."""
    scores = (x @ W_q) @ (memory @ W_k).transpose(0, 1) / math.sqrt(W_k.shape[-1])
    mask = _real(memory_lengths, memory.shape[1])
    return scores.masked_fill(~mask, -math.inf).softmax(-1) @ (memory @ W_v)


@known.probe
def identity_values(rng):
    inputs = padded_sources(rng, batch=2, q_len=3, k_len=5, d_model=5, d_k=4, d_v=5)
    memory = np.broadcast_to(np.eye(5), (2, 5, 5)).copy()
    weights = yield {**inputs, "memory": memory, "W_v": np.eye(5)}
    seen = weights_seen(weights, np.arange(5) < inputs["memory_lengths"][:, None, None])
    seen = seen and seen.replace("where the mask allows none", "where the source is padding")
    return seen and f"With a memory and a W_v that are the identity, your result is your weights: {seen}."


@known.probe
def padding_changed(rng):
    inputs = padded_sources(rng, batch=2, q_len=3, k_len=5, d_model=4, d_k=3, d_v=6)
    before = yield inputs
    memory = inputs["memory"].copy()
    memory[:, 3:] = 7.0  # no source has more than three real positions
    after = yield {**inputs, "memory": memory}
    found = first_difference(after, before)
    return found and (
        f"When the padding of the memory changes, your result changes: at [{found[0]}] from {found[2]:.4g} to "
        f"{found[1]:.4g}. No padding should be attended to."
    )


@known.probe
def source_changed(rng):
    inputs = padded_sources(rng, batch=2, q_len=3, k_len=5, d_model=4, d_k=3, d_v=6)
    before = yield inputs
    memory = inputs["memory"].copy()
    memory[0, 0] += 1
    after = yield {**inputs, "memory": memory}
    if np.allclose(before[0], after[0], atol=1e-6):
        return "When the first position of the first source changes, your result for it stays the same."
    if not np.allclose(before[1], after[1], atol=1e-6):
        return "When the first source changes, your result for the second one changes; it should not."
    return None


@known.probe
def queries_of_zeros(rng):
    inputs = padded_sources(rng, batch=2, q_len=3, k_len=5, d_model=4, d_k=3, d_v=6)
    yours = yield {**inputs, "x": np.zeros_like(inputs["x"])}
    real = np.arange(5) < inputs["memory_lengths"][:, None]
    value = inputs["memory"] @ inputs["W_v"]
    average = (value * real[..., None]).sum(1, keepdims=True) / real.sum(1)[:, None, None]
    found = first_difference(yours, np.broadcast_to(average, yours.shape))
    return found and (
        f"With an x of zeros, all scores are 0, and each output should be the average of the source's real values: at "
        f"[{found[0]}] yours is {found[1]:.4g}, the average {found[2]:.4g}."
    )


@known.legal
def by_the_formula(x, memory, W_q, W_k, W_v, memory_lengths):
    query, key, value = x @ W_q, memory @ W_k, memory @ W_v
    scores = query @ key.transpose(-2, -1) / query.shape[-1] ** 0.5
    hidden = torch.arange(memory.shape[1]) >= memory_lengths[:, None, None]
    return torch.softmax(scores.masked_fill(hidden, -torch.inf), dim=-1) @ value


@known.legal
def by_pytorch(x, memory, W_q, W_k, W_v, memory_lengths):
    mask = _real(memory_lengths, memory.shape[1])
    return torch.nn.functional.scaled_dot_product_attention(x @ W_q, memory @ W_k, memory @ W_v, attn_mask=mask)


@known.legal
def one_sequence_at_a_time(x, memory, W_q, W_k, W_v, memory_lengths):
    rows = []
    for written, source, length in zip(x, memory, memory_lengths.tolist(), strict=True):
        real = source[:length]  # without its padding, no mask is needed
        rows.append(scaled_dot_product_attention(written @ W_q, real @ W_k, real @ W_v))
    return torch.stack(rows)


@known.legal
def with_einsum(x, memory, W_q, W_k, W_v, memory_lengths):
    scores = torch.einsum("bim,mk,nk,bjn->bij", x, W_q, W_k, memory) * W_q.shape[1] ** -0.5
    scores = torch.where(_real(memory_lengths, memory.shape[1]), scores, -math.inf)
    shares = (scores - scores.amax(-1, keepdim=True)).exp()
    return torch.einsum("bij,bjm,mv->biv", shares / shares.sum(-1, keepdim=True), memory, W_v)


TASK = Task(
    id="09.cross_attention",
    title="The bridge",
    difficulty=2,
    minutes=15,
    optional=True,
    library="torch",
    reference=reference,
    draw=padded_sources,
    cases=(
        Case("2 sources, 3 tokens written", dict(batch=2, q_len=3, k_len=5, d_model=6, d_k=4, d_v=7), dtype="float32"),
        Case("3 sources, more written than read, float64", dict(batch=3, q_len=7, k_len=6, d_model=5, d_k=2, d_v=4)),
        Case(
            "one token written, one source of a single position",
            dict(batch=3, q_len=1, k_len=6, d_model=4, d_k=5, d_v=2),
            dtype="float32",
            draw=one_word_written,
        ),
        Case(
            "loud scores",
            dict(batch=2, q_len=3, k_len=6, d_model=5, d_k=4, d_v=7),
            dtype="float32",
            draw=loud,
        ),
        Case(
            "the example of the text",
            dict(batch=1, q_len=1, k_len=3, d_model=1, d_k=1, d_v=1),
            dtype="float32",
            draw=of_the_text,
        ),
    ),
    hints=(
        "Who asks, and who answers? Which of x and memory is each of the three maps for?",
        "The scores have shape (batch, q_len, k_len). Which of these axes does the padding of the sources speak about?",
        "softmax(x W_q (memory W_k)^T / sqrt(d_k)) memory W_v, with a padding mask of shape (batch, 1, k_len).",
        (
            "padding_mask(memory_lengths, memory.shape[1]) is the mask; scaled_dot_product_attention of course_lib "
            "takes query, key, value and mask."
        ),
    ),
    drawn=(informative(weights),),
    coincidences={
        "queries_by_the_map_of_the_keys + keys_by_the_map_of_the_queries": "maps_swapped",
        "mask_on_the_queries + mask_as_a_number": "no_mask",
        "no_mask + equal_shares": "average_of_the_values",
        "hidden_scores_zero + softmax_over_the_queries": "softmax_over_the_queries_of_a_large_number",
        "hidden_scores_zero + equal_shares": "average_of_the_values",
        "mask_as_a_number + equal_shares": "average_of_the_values",
    },
    stages=(query, key, value, counts, mask, product, scaled, masked, shares, attended),
    **known.ways,
)
