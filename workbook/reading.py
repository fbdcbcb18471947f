"""What a learner's own Transformer reads, character by character, and where it looks."""

import math

import torch

from course_lib import padding_mask, softmax
from course_lib.multi_head import split_heads


def where_it_looks(model, source, target, source_lengths):
    """Return how much each written position takes from each position of the source, in the last block, on average over
    the heads: (batch, length, k_len).

    Only the names of the parts are used, so that it holds for everyone's own: the vectors that the last cross-attention
    is called with are caught, and its weights computed from them.

    Args:
        model: a Transformer as the learner's.
        source: (batch, k_len) tokens.
        target: (batch, length) tokens, the first of them BEGIN.
        source_lengths: (batch,)
    """
    attention = model.decoder.blocks[-1].cross_attention
    caught = {}
    hooks = [
        attention.W_q.register_forward_hook(lambda _, __, output: caught.update(query=output)),
        attention.W_k.register_forward_hook(lambda _, __, output: caught.update(key=output)),
    ]
    try:
        with torch.no_grad():
            model(source, target, source_lengths)
    finally:
        for hook in hooks:
            hook.remove()
    query, key = (split_heads(caught[name], attention.num_heads) for name in ("query", "key"))
    scores = query @ key.mT / math.sqrt(query.shape[-1])  # (batch, num_heads, length, k_len)
    hidden = ~padding_mask(source_lengths, source.shape[1])[:, None]
    return softmax(scores.masked_fill(hidden, -math.inf)).mean(dim=1)
