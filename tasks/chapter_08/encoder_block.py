"""08.encoder_block: one head of attention and a feed-forward network, with sums and norms in either order."""

import math

import numpy as np

from course_lib import scaled_dot_product_attention, softmax
from course_lib.layers import layer_norm
from grader.known import Known
from grader.task import Case, Task
from tasks.rules import informative

known = Known()


def post(rng, length, d_model, d_ff, **leading):
    return _inputs(rng, length, d_model, d_ff, False, **leading)


def pre(rng, length, d_model, d_ff, **leading):
    return _inputs(rng, length, d_model, d_ff, True, **leading)


def _inputs(rng, length, d_model, d_ff, is_pre, **leading):
    x = 1.2 * rng.normal(size=(*leading.values(), length, d_model)) + 0.3
    gain = np.array([0.9, 0.9, 1.2, 1.2])[:, None, None]  # scores with standard deviation about 1 in either order
    return {
        "x": x,
        "maps": gain * rng.normal(size=(4, d_model, d_model)) / math.sqrt(d_model),
        "W_1": rng.normal(size=(d_model, d_ff)) / math.sqrt(d_model),
        "W_2": rng.normal(size=(d_ff, d_model)) / math.sqrt(d_ff),
        "norms": rng.uniform(0.6, 1.6, size=(2, d_model)),
        "is_pre": is_pre,
    }


def weights(x, maps, W_1, W_2, norms, is_pre):
    seen = _norm(x, norms[0]) if is_pre else x
    query, key = seen @ maps[0], seen @ maps[1]
    return softmax(query @ key.mT / math.sqrt(key.shape[-1]))


def _norm(x, weight):
    return layer_norm(x, weight, 0.0)


def _attend(x, maps, others=None):
    W_q, W_k, W_v, W_o = maps
    others = x if others is None else others
    return scaled_dot_product_attention(x @ W_q, others @ W_k, others @ W_v) @ W_o


def _feed(x, W_1, W_2):
    return (x @ W_1).relu() @ W_2


def _pre(x, attend, feed, norms):
    x = x + attend(_norm(x, norms[0]))
    return x + feed(_norm(x, norms[1]))


def _post(x, attend, feed, norms):
    x = _norm(x + attend(x), norms[0])
    return _norm(x + feed(x), norms[1])


def _parts(maps, W_1, W_2):
    return lambda x: _attend(x, maps), lambda x: _feed(x, W_1, W_2)


def reference(x, maps, W_1, W_2, norms, is_pre):
    return (_pre if is_pre else _post)(x, *_parts(maps, W_1, W_2), norms)


@known.mistake
def always_post(x, maps, W_1, W_2, norms, is_pre):
    """This is post-norm whatever is_pre says. With is_pre, the norm comes before each part, and the sum stays as it
    is."""
    return _post(x, *_parts(maps, W_1, W_2), norms)


@known.mistake
def always_pre(x, maps, W_1, W_2, norms, is_pre):
    """This is pre-norm whatever is_pre says. Without is_pre, each norm comes after its sum."""
    return _pre(x, *_parts(maps, W_1, W_2), norms)


@known.mistake
def orders_swapped(x, maps, W_1, W_2, norms, is_pre):
    """Both orders are right, but swapped: is_pre means that the norm comes before each part."""
    return (_post if is_pre else _pre)(x, *_parts(maps, W_1, W_2), norms)


@known.mistake
def no_residual_sums(x, maps, W_1, W_2, norms, is_pre):
    """The sums are missing: each part replaces its input. Add the input to what the part returns, both times."""
    attend, feed = _parts(maps, W_1, W_2)
    if is_pre:
        return feed(_norm(attend(_norm(x, norms[0])), norms[1]))
    return _norm(feed(_norm(attend(x), norms[0])), norms[1])


@known.mistake
def no_sum_around_attention(x, maps, W_1, W_2, norms, is_pre):
    """The sum around attention is missing: its output replaces the input. Add x to it."""
    attend, feed = _parts(maps, W_1, W_2)
    if is_pre:
        x = attend(_norm(x, norms[0]))
        return x + feed(_norm(x, norms[1]))
    x = _norm(attend(x), norms[0])
    return _norm(x + feed(x), norms[1])


@known.mistake
def no_sum_around_feed_forward(x, maps, W_1, W_2, norms, is_pre):
    """The sum around the feed-forward network is missing. Add what you had after attention to its output."""
    attend, feed = _parts(maps, W_1, W_2)
    if is_pre:
        return feed(_norm(x + attend(_norm(x, norms[0])), norms[1]))
    return _norm(feed(_norm(x + attend(x), norms[0])), norms[1])


@known.mistake
def second_sum_from_the_start(x, maps, W_1, W_2, norms, is_pre):
    """The second sum adds the block's input again. It adds what you had after attention (t in the formula), so that
    what attention found is not lost."""
    attend, feed = _parts(maps, W_1, W_2)
    if is_pre:
        return x + feed(_norm(x + attend(_norm(x, norms[0])), norms[1]))
    return _norm(x + feed(_norm(x + attend(x), norms[0])), norms[1])


@known.mistake
def residual_from_the_normalized_input(x, maps, W_1, W_2, norms, is_pre):
    """Post-norm is right. In pre-norm, the sums add the normalized input, as if x had been overwritten by its norm.
    Add x itself: the norm is for the part alone."""
    attend, feed = _parts(maps, W_1, W_2)
    if not is_pre:
        return _post(x, attend, feed, norms)
    x = _norm(x, norms[0])
    x = _norm(x + attend(x), norms[1])
    return x + feed(x)


@known.mistake
def norm_before_the_sum(x, maps, W_1, W_2, norms, is_pre):
    """Pre-norm is right. In post-norm, the norm is applied to the part's output before it is added. Add first, then
    normalize the sum."""
    attend, feed = _parts(maps, W_1, W_2)
    if is_pre:
        return _pre(x, attend, feed, norms)
    x = x + _norm(attend(x), norms[0])
    return x + _norm(feed(x), norms[1])


@known.mistake
def both_parts_see_the_input(x, maps, W_1, W_2, norms, is_pre):
    """The feed-forward network gets the block's input, beside attention. It comes after attention, and gets what
    attention and the sum have made."""
    attend, feed = _parts(maps, W_1, W_2)
    if is_pre:
        return x + attend(_norm(x, norms[0])) + feed(_norm(x, norms[1]))
    return _norm(_norm(x + attend(x), norms[0]) + feed(x), norms[1])


@known.mistake
def one_norm_for_both(x, maps, W_1, W_2, norms, is_pre):
    """Both norms use the first weight. The second norm has a weight of its own: norms[1]."""
    return (_pre if is_pre else _post)(x, *_parts(maps, W_1, W_2), norms[[0, 0]])


@known.mistake
def weights_of_the_norms_forgotten(x, maps, W_1, W_2, norms, is_pre):
    """The norms' weights are not used. After normalizing, multiply by norms[0], and by norms[1] the second time."""
    return (_pre if is_pre else _post)(x, *_parts(maps, W_1, W_2), norms**0)


@known.mistake
def relu_missing(x, maps, W_1, W_2, norms, is_pre):
    """Nothing happens between the two maps of the feed-forward network, so they are one map in disguise. Cut off what
    is below 0."""
    attend, _ = _parts(maps, W_1, W_2)
    return (_pre if is_pre else _post)(x, attend, lambda t: t @ W_1 @ W_2, norms)


@known.mistake
def relu_at_the_end(x, maps, W_1, W_2, norms, is_pre):
    """What is below 0 is cut off after the second map of the feed-forward network. It happens between the two
    maps."""
    attend, _ = _parts(maps, W_1, W_2)
    return (_pre if is_pre else _post)(x, attend, lambda t: (t @ W_1 @ W_2).relu(), norms)


@known.mistake
def output_map_forgotten(x, maps, W_1, W_2, norms, is_pre):
    """W_o is missing: what attention gathers goes through one more map before it is added."""
    _, feed = _parts(maps, W_1, W_2)

    def attend(t):
        return scaled_dot_product_attention(t @ maps[0], t @ maps[1], t @ maps[2])

    return (_pre if is_pre else _post)(x, attend, feed, norms)


@known.mistake
def transposed_maps(x, maps, W_1, W_2, norms, is_pre):
    """The four maps of attention are transposed, as nn.Linear stores them. Here a map is applied as x @ W."""
    return reference(x, maps.mT, W_1, W_2, norms, is_pre)


@known.mistake
def only_queries_normalized(x, maps, W_1, W_2, norms, is_pre):
    """Post-norm is right. In pre-norm, queries come from the normalized words, keys and values from the words as they
    are. All three are maps of the same thing: the normalized words."""
    _, feed = _parts(maps, W_1, W_2)
    if not is_pre:
        return reference(x, maps, W_1, W_2, norms, is_pre)
    x = x + _attend(_norm(x, norms[0]), maps, others=x)
    return x + feed(_norm(x, norms[1]))


@known.mistake
def another_norm_at_the_end(x, maps, W_1, W_2, norms, is_pre):
    """Post-norm is right. In pre-norm, there is one norm too many: the last sum is normalized. That norm follows the
    whole stack of blocks, once; it is not part of a block."""
    x = reference(x, maps, W_1, W_2, norms, is_pre)
    return _norm(x, norms[1]) if is_pre else x


@known.mistake
def second_norm_forgotten(x, maps, W_1, W_2, norms, is_pre):
    """The norm of the feed-forward network is missing. There are two norms in a block: one for each part."""
    attend, feed = _parts(maps, W_1, W_2)
    x = x + attend(_norm(x, norms[0])) if is_pre else _norm(x + attend(x), norms[0])
    return x + feed(x)


@known.mistake
def norms_swapped(x, maps, W_1, W_2, norms, is_pre):
    """The two norms have changed places. norms[0] belongs to attention, norms[1] to the feed-forward network."""
    return reference(x, maps, W_1, W_2, norms[[1, 0]], is_pre)


@known.mistake
def not_scaled(x, maps, W_1, W_2, norms, is_pre):
    """The scores are not scaled: the division by the square root of d_k is missing (chapter 02). With one head, d_k is
    d_model."""
    _, feed = _parts(maps, W_1, W_2)

    def attend(t):
        return softmax((t @ maps[0]) @ (t @ maps[1]).mT) @ (t @ maps[2]) @ maps[3]

    return (_pre if is_pre else _post)(x, attend, feed, norms)


@known.legal
def step_by_step(x, maps, W_1, W_2, norms, is_pre):
    import torch
    from torch.nn import functional

    def norm(t, weight):
        return functional.layer_norm(t, t.shape[-1:], weight)

    W_q, W_k, W_v, W_o = maps
    seen = norm(x, norms[0]) if is_pre else x
    scores = (seen @ W_q) @ (seen @ W_k).transpose(-2, -1) / math.sqrt(x.shape[-1])
    t = x + torch.softmax(scores, dim=-1) @ (seen @ W_v) @ W_o
    if not is_pre:
        t = norm(t, norms[0])
    seen = norm(t, norms[1]) if is_pre else t
    y = t + torch.clamp(seen @ W_1, min=0) @ W_2
    return y if is_pre else norm(y, norms[1])


@known.legal
def one_branch_each(x, maps, W_1, W_2, norms, is_pre):
    from torch.nn import functional

    def attend(t):
        return functional.scaled_dot_product_attention(t @ maps[0], t @ maps[1], t @ maps[2]) @ maps[3]

    first, second = (lambda t, g=g: functional.layer_norm(t, (len(g),), g) for g in norms)
    if is_pre:
        t = x + attend(first(x))
        return t + functional.relu(second(t) @ W_1) @ W_2
    t = first(x + attend(x))
    return second(t + functional.relu(t @ W_1) @ W_2)


@known.legal
def with_einsum(x, maps, W_1, W_2, norms, is_pre):
    import torch

    def norm(t, weight):
        centered = t - t.mean(-1, keepdim=True)
        return centered / (centered.square().mean(-1, keepdim=True) + 1e-5).sqrt() * weight

    seen = norm(x, norms[0]) if is_pre else x
    query, key, value = torch.einsum("...ld,mde->m...le", seen, maps[:3])
    scores = torch.einsum("...qd,...kd->...qk", query, key) / x.shape[-1] ** 0.5
    t = x + torch.einsum("...qk,...kd,de->...qe", scores.softmax(-1), value, maps[3])
    t = t if is_pre else norm(t, norms[0])
    y = t + (norm(t, norms[1]) if is_pre else t).matmul(W_1).relu().matmul(W_2)
    return y if is_pre else norm(y, norms[1])


@known.borrowed
def by_torch(x, maps, W_1, W_2, norms, is_pre):
    import torch

    d_model, d_ff = W_1.shape
    layer = torch.nn.TransformerEncoderLayer(d_model, 1, d_ff, 0.0, batch_first=True, norm_first=is_pre, bias=False)
    state = {
        "self_attn.in_proj_weight": torch.cat([W.T for W in maps[:3]]),
        "self_attn.out_proj.weight": maps[3].T,
        "linear1.weight": W_1.T,
        "linear2.weight": W_2.T,
        "norm1.weight": norms[0],
        "norm2.weight": norms[1],
    }
    layer.load_state_dict(state)
    with torch.no_grad():
        return layer.to(x.dtype)(x)


TASK = Task(
    id="08.encoder_block",
    title="The whole block, in both orders",
    difficulty=3,
    minutes=20,
    reference=reference,
    draw=post,
    library="torch",
    cases=(
        Case("post-norm, three words", dict(length=3, d_model=4, d_ff=7), points=2),
        Case("pre-norm, three words", dict(length=3, d_model=4, d_ff=7), points=2, draw=pre),
        Case("post-norm, two sentences", dict(batch=2, length=5, d_model=6, d_ff=9), points=1),
        Case("pre-norm, two sentences", dict(batch=2, length=5, d_model=6, d_ff=9), points=1, draw=pre),
        Case("pre-norm, float32", dict(batch=3, length=4, d_model=8, d_ff=16), points=1, dtype="float32", draw=pre),
        Case("post-norm, float32", dict(batch=3, length=7, d_model=8, d_ff=12), points=1, dtype="float32"),
    ),
    finished=(
        "torch.nn.TransformerEncoderLayer.forward",
        "course_lib.transformer.EncoderBlock.forward",
    ),
    hints=(
        (
            "Write the two lines of each order on paper, one above the other. What does each part get to see, and "
            "what is added to its output?"
        ),
        (
            "Give attention and the feed-forward network small functions of their own, and the norms too. Then the "
            "block is two lines for each order."
        ),
        (
            "Post-norm: t = Norm(x + Attention(x)), y = Norm(t + FFN(t)). Pre-norm: t = x + Attention(Norm(x)), y = t "
            "+ FFN(Norm(t)). The first norm has weight norms[0], the second norms[1]."
        ),
        (
            "Attention(t) is `scaled_dot_product_attention(t @ W_q, t @ W_k, t @ W_v) @ W_o` with `W_q, W_k, W_v, W_o "
            "= maps`; FFN(t) is `torch.relu(t @ W_1) @ W_2`. Now `if is_pre:` and the two lines of pre-norm, else "
            "those of post-norm."
        ),
    ),
    drawn=(informative(weights),),
    **known.ways,
)
