"""09.cross_attention: queries from the decoder, keys and values from the memory (Vaswani et al. 2017, 3.2.3)."""

import math

import numpy as np
import torch

from course_lib import attention_weights, causal_mask, masked_softmax, padding_mask, scaled_dot_product_attention
from grader.known import Known
from grader.task import Case, Task
from tasks.rules import informative

known = Known()


def padded_sources(rng, batch, q_len, k_len, d_model, d_k, d_v):
    """Sources of several lengths, all with padding."""
    inputs = {
        "x": rng.normal(size=(batch, q_len, d_model)),
        "memory": rng.normal(size=(batch, k_len, d_model)),
        "W_q": 1.3 * rng.normal(size=(d_model, d_k)) / math.sqrt(d_model),
        "W_k": 1.3 * rng.normal(size=(d_model, d_k)) / math.sqrt(d_model),
        "W_v": rng.normal(size=(d_model, d_v)) / math.sqrt(d_model),
    }
    return {**inputs, "memory_lengths": rng.permutation(k_len - 1 - np.arange(batch) % (k_len // 2))}


def one_word_written(rng, batch, q_len, k_len, d_model, d_k, d_v):
    """As while decoding with a cache: one query; one source has a single position."""
    inputs = padded_sources(rng, batch, q_len, k_len, d_model, d_k, d_v)
    return {**inputs, "memory_lengths": rng.permutation([1, k_len, *range(2, batch)])}


def reference(x, memory, W_q, W_k, W_v, memory_lengths):
    mask = padding_mask(memory_lengths, memory.shape[1])
    return scaled_dot_product_attention(x @ W_q, memory @ W_k, memory @ W_v, mask)


def weights(x, memory, W_q, W_k, W_v, memory_lengths):
    return attention_weights(x @ W_q, memory @ W_k, padding_mask(memory_lengths, memory.shape[1]))


def _attend(query, key, value, mask):
    return masked_softmax(query @ key.mT / math.sqrt(query.shape[-1]), mask) @ value


def _real(lengths, max_len):
    return torch.arange(max_len) < lengths[:, None, None]


@known.mistake
def self_attention(x, memory, W_q, W_k, W_v, memory_lengths):
    """Keys and values come from the decoder: this is self-attention, and nothing of the source ever arrives. Keys and
    values belong to the memory."""
    return _attend(x @ W_q, x @ W_k, x @ W_v, torch.ones(x.shape[1], x.shape[1], dtype=torch.bool))


@known.mistake
def keys_from_the_decoder(x, memory, W_q, W_k, W_v, memory_lengths):
    """The keys come from the decoder. There would be one weight for each written token, and they cannot be matched with
    the source. Keys come from the memory, as the values do."""
    return scaled_dot_product_attention(x @ W_q, x @ W_k, memory @ W_v, padding_mask(memory_lengths, memory.shape[1]))


@known.mistake
def keys_from_the_decoder_by_hand(x, memory, W_q, W_k, W_v, memory_lengths):
    """The keys are made of `x`, so the scores compare the written tokens with each other, and the mask of the source
    does not fit them. Make the keys of the memory."""
    return _attend(x @ W_q, x @ W_k, memory @ W_v, _real(memory_lengths, memory.shape[1]))


@known.mistake
def values_from_the_decoder(x, memory, W_q, W_k, W_v, memory_lengths):
    """The values come from the decoder, but there is one weight for each position of the memory. Take the values from
    there, as the keys."""
    return scaled_dot_product_attention(x @ W_q, memory @ W_k, x @ W_v, padding_mask(memory_lengths, memory.shape[1]))


@known.mistake
def roles_swapped(x, memory, W_q, W_k, W_v, memory_lengths):
    """The roles are swapped: the source asks and the decoder answers, so there is one output for each source position.
    The decoder asks."""
    return _attend(memory @ W_q, x @ W_k, x @ W_v, torch.ones(memory.shape[1], x.shape[1], dtype=torch.bool))


@known.mistake
def memory_attends_to_itself(x, memory, W_q, W_k, W_v, memory_lengths):
    """The queries come from the memory, too: that is the encoder's self-attention. The decoder's `x` has no effect;
    it should ask."""
    return _attend(memory @ W_q, memory @ W_k, memory @ W_v, _real(memory_lengths, memory.shape[1]))


@known.mistake
def maps_swapped(x, memory, W_q, W_k, W_v, memory_lengths):
    """`W_q` and `W_k` are swapped. `W_q` makes queries of the decoder's vectors, `W_k` keys of the memory."""
    return _attend(x @ W_k, memory @ W_q, memory @ W_v, _real(memory_lengths, memory.shape[1]))


@known.mistake
def values_not_mapped(x, memory, W_q, W_k, W_v, memory_lengths):
    """The weights multiply the memory itself. The values are the memory times `W_v`."""
    return _attend(x @ W_q, memory @ W_k, memory, _real(memory_lengths, memory.shape[1]))


@known.mistake
def keys_as_values(x, memory, W_q, W_k, W_v, memory_lengths):
    """The weights multiply the keys. The values have a map of their own, `W_v`."""
    return _attend(x @ W_q, memory @ W_k, memory @ W_k, _real(memory_lengths, memory.shape[1]))


@known.mistake
def no_mask(x, memory, W_q, W_k, W_v, memory_lengths):
    """The padding of the sources is attended to: `memory_lengths` has no effect."""
    return _attend(x @ W_q, memory @ W_k, memory @ W_v, torch.ones(memory.shape[1], dtype=torch.bool))


@known.mistake
def mask_on_the_queries(x, memory, W_q, W_k, W_v, memory_lengths):
    """The mask blocks queries instead of keys: it compares the lengths of the sources with positions of the decoder.
    The last axis of the scores is that of the keys."""
    return _attend(x @ W_q, memory @ W_k, memory @ W_v, _real(memory_lengths, x.shape[1]).mT)


@known.mistake
def mask_does_not_fit(x, memory, W_q, W_k, W_v, memory_lengths):
    """The mask has shape (batch, k_len, 1): its new axis stands at the end, so the source positions are lined up with
    the queries. The axis of size 1 stands for the queries, before the keys."""
    return _attend(x @ W_q, memory @ W_k, memory @ W_v, _real(memory_lengths, memory.shape[1]).mT)


@known.mistake
def mask_of_the_longest(x, memory, W_q, W_k, W_v, memory_lengths):
    """The mask is as wide as the longest source, and the memory is padded further. Tell padding_mask the padded length,
    the number of positions in the memory."""
    return scaled_dot_product_attention(x @ W_q, memory @ W_k, memory @ W_v, padding_mask(memory_lengths))


@known.mistake
def mask_as_wide_as_the_queries(x, memory, W_q, W_k, W_v, memory_lengths):
    """The mask is made for as many positions as the decoder has written. It hides positions of the source, so its width
    is that of the memory."""
    return scaled_dot_product_attention(x @ W_q, memory @ W_k, memory @ W_v, padding_mask(memory_lengths, x.shape[1]))


@known.mistake
def square_causal_too(x, memory, W_q, W_k, W_v, memory_lengths):
    """There is a causal mask on the source, and it is square, while the scores have as many rows as tokens are written.
    The source is known in full: it needs no causal mask."""
    k_len = memory.shape[1]
    mask = padding_mask(memory_lengths, k_len) & causal_mask(k_len, like=memory_lengths)
    return scaled_dot_product_attention(x @ W_q, memory @ W_k, memory @ W_v, mask)


@known.mistake
def mask_inverted(x, memory, W_q, W_k, W_v, memory_lengths):
    """The mask is used the wrong way round: only the padding of the source is attended to."""
    return _attend(x @ W_q, memory @ W_k, memory @ W_v, ~_real(memory_lengths, memory.shape[1]))


@known.mistake
def causal_too(x, memory, W_q, W_k, W_v, memory_lengths):
    """There is a causal mask as well: the first output sees the first source position alone. The source is known in
    full, so only its padding is hidden."""
    causal = torch.ones(x.shape[1], memory.shape[1], dtype=torch.bool).tril()
    return _attend(x @ W_q, memory @ W_k, memory @ W_v, _real(memory_lengths, memory.shape[1]) & causal)


@known.mistake
def multiplied_after(x, memory, W_q, W_k, W_v, memory_lengths):
    """The mask is applied after the softmax, so the rows no longer sum to one. It belongs on the scores."""
    query, key = x @ W_q, memory @ W_k
    after = torch.softmax(query @ key.mT / math.sqrt(query.shape[-1]), dim=-1) * _real(memory_lengths, key.shape[1])
    return after @ (memory @ W_v)


@known.mistake
def not_scaled(x, memory, W_q, W_k, W_v, memory_lengths):
    """The scores are not scaled: the division by the square root of d_k is missing."""
    return masked_softmax((x @ W_q) @ (memory @ W_k).mT, _real(memory_lengths, memory.shape[1])) @ (memory @ W_v)


@known.mistake
def root_of_d_model(x, memory, W_q, W_k, W_v, memory_lengths):
    """The scores are divided by the square root of d_model. The dot products are those of queries and keys, so it is
    the root of d_k."""
    scores = (x @ W_q) @ (memory @ W_k).mT / math.sqrt(x.shape[-1])
    return masked_softmax(scores, _real(memory_lengths, memory.shape[1])) @ (memory @ W_v)


@known.mistake
def softmax_over_the_queries(x, memory, W_q, W_k, W_v, memory_lengths):
    """The softmax runs over the queries. Each query shares out its own attention over the keys: the last axis."""
    query, key = x @ W_q, memory @ W_k
    scores = query @ key.mT / math.sqrt(query.shape[-1])
    filled = scores.masked_fill(~_real(memory_lengths, key.shape[1]), -torch.inf)
    return torch.softmax(filled, dim=-2).nan_to_num(0.0) @ (memory @ W_v)


@known.mistake
def weights_alone(x, memory, W_q, W_k, W_v, memory_lengths):
    """These are the weights. The last step is missing: the weights times the values."""
    return weights(x, memory, W_q, W_k, W_v, memory_lengths)


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
    shares = scores.exp() * _real(memory_lengths, memory.shape[1])
    return torch.einsum("bij,bjm,mv->biv", shares / shares.sum(-1, keepdim=True), memory, W_v)


TASK = Task(
    id="09.cross_attention",
    title="The bridge",
    difficulty=2,
    minutes=15,
    library="torch",
    reference=reference,
    draw=padded_sources,
    cases=(
        Case("2 sources, 3 tokens written", dict(batch=2, q_len=3, k_len=5, d_model=6, d_k=4, d_v=7), points=2),
        Case(
            "3 sources, more written than read, float32",
            dict(batch=3, q_len=7, k_len=6, d_model=5, d_k=2, d_v=4),
            dtype="float32",
        ),
        Case(
            "one token written, one source of a single position",
            dict(batch=3, q_len=1, k_len=6, d_model=4, d_k=5, d_v=2),
            draw=one_word_written,
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
    **known.ways,
)
