"""05.residual_self_attention: the layer with a mask, its output added to its input."""

import math

import numpy as np
import torch

from course_lib import masked_softmax, scaled_dot_product_attention
from grader.known import Known
from grader.task import Case, Task
from tasks.chapter_05.self_attention import FINISHED, draw_maps
from tasks.rules import informative

known = Known()


def draw_inputs(rng, batch, length, d_model, d_k, d_v):
    """Inputs with a mask in which every query may attend to some keys, not to all, and not the same both ways."""
    mask = rng.random(size=(batch, length, length)) < 0.6
    mask |= np.eye(length, dtype=bool)
    mask[:, 0, 1], mask[:, 1, 0] = True, False
    x = rng.normal(size=(batch, length, d_model))
    return {"x": x, **draw_maps(rng, d_model, d_k, d_v), "mask": mask}


def with_empty_rows(rng, batch, length, d_model, d_k, d_v):
    """Some queries may attend to nothing, in each sentence others."""
    inputs = draw_inputs(rng, batch, length, d_model, d_k, d_v)
    inputs["mask"][np.arange(batch), rng.permutation(length)[:batch]] = False
    return inputs


def padded(rng, batch, length, d_model, d_k):
    """A padding mask, (batch, 1, length); values of size d_model, so that nothing stops who forgets W_o."""
    inputs = draw_inputs(rng, batch, length, d_model, d_k, d_model)
    lengths = rng.permutation(length - 1 - np.arange(batch))
    return inputs | {"mask": np.arange(length) < lengths[:, None, None]}


def reference(x, W_q, W_k, W_v, W_o, mask):
    return x + _layer(x, W_q, W_k, W_v, W_o, mask)


def weights(x, W_q, W_k, W_v, W_o, mask):
    return masked_softmax(_scores(x, W_q, W_k), mask)


def _layer(x, W_q, W_k, W_v, W_o, mask):
    return scaled_dot_product_attention(x @ W_q, x @ W_k, x @ W_v, mask) @ W_o


def _scores(x, W_q, W_k):
    return (x @ W_q) @ (x @ W_k).mT / math.sqrt(W_q.shape[-1])


@known.mistake
def not_added(x, W_q, W_k, W_v, W_o, mask):
    """This is the layer alone. Its input is to be added to it."""
    return _layer(x, W_q, W_k, W_v, W_o, mask)


@known.mistake
def added_twice(x, W_q, W_k, W_v, W_o, mask):
    """The input is added twice. Once is enough."""
    return 2 * x + _layer(x, W_q, W_k, W_v, W_o, mask)


@known.mistake
def subtracted(x, W_q, W_k, W_v, W_o, mask):
    """The input and the layer's output are subtracted from one another. They are added."""
    return x - _layer(x, W_q, W_k, W_v, W_o, mask)


@known.mistake
def averaged(x, W_q, W_k, W_v, W_o, mask):
    """Input and output are averaged: half of each is lost. The residual is the plain sum."""
    return (x + _layer(x, W_q, W_k, W_v, W_o, mask)) / 2


@known.mistake
def multiplied(x, W_q, W_k, W_v, W_o, mask):
    """Input and output are multiplied. They are added."""
    return x * _layer(x, W_q, W_k, W_v, W_o, mask)


@known.mistake
def added_before_W_o(x, W_q, W_k, W_v, W_o, mask):
    """The input is added before W_o, where the features are those of the values. It is added at the very end."""
    return (x + scaled_dot_product_attention(x @ W_q, x @ W_k, x @ W_v, mask)) @ W_o


@known.mistake
def added_to_the_input_of_attention(x, W_q, W_k, W_v, W_o, mask):
    """What attention gave is added before the maps, or the sum goes through them again. The sum is the last step."""
    first = x + _layer(x, W_q, W_k, W_v, W_o, mask)
    return _layer(first, W_q, W_k, W_v, W_o, mask)


@known.mistake
def layer_twice(x, W_q, W_k, W_v, W_o, mask):
    """The layer is run twice, the second time on the sum. Once is asked for."""
    first = x + _layer(x, W_q, W_k, W_v, W_o, mask)
    return first + _layer(first, W_q, W_k, W_v, W_o, mask)


@known.mistake
def values_added(x, W_q, W_k, W_v, W_o, mask):
    """What is added is the mapped values, x times W_v times W_o. The residual is the input itself, untouched."""
    return x @ W_v @ W_o + _layer(x, W_q, W_k, W_v, W_o, mask)


@known.mistake
def no_W_o(x, W_q, W_k, W_v, W_o, mask):
    """W_o is missing, and the features of the values are added to those of the input: the sizes differ, or the columns
    mean something else."""
    return x + scaled_dot_product_attention(x @ W_q, x @ W_k, x @ W_v, mask)


@known.mistake
def no_mask(x, W_q, W_k, W_v, W_o, mask):
    """The mask has no effect: every token attends to all. Keys that are not allowed have to be hidden."""
    return x + scaled_dot_product_attention(x @ W_q, x @ W_k, x @ W_v) @ W_o


@known.mistake
def inverted_mask(x, W_q, W_k, W_v, W_o, mask):
    """The mask is used the wrong way round: exactly the forbidden keys are attended to. True means may attend."""
    return reference(x, W_q, W_k, W_v, W_o, ~mask)


@known.mistake
def transposed_mask(x, W_q, W_k, W_v, W_o, mask):
    """The mask is transposed: its rows are queries, its columns keys, as in the scores."""
    return reference(x, W_q, W_k, W_v, W_o, mask.mT)


@known.mistake
def multiplied_after(x, W_q, W_k, W_v, W_o, mask):
    """The weights are multiplied by the mask after the softmax, and no longer sum to one. Hide the scores before it."""
    return x + (torch.softmax(_scores(x, W_q, W_k), dim=-1) * mask) @ (x @ W_v) @ W_o


@known.mistake
def mask_added(x, W_q, W_k, W_v, W_o, mask):
    """The mask is added to the scores as ones and zeros, so nothing is hidden. Forbidden scores become minus
    infinity."""
    return x + torch.softmax(_scores(x, W_q, W_k) + mask, dim=-1) @ (x @ W_v) @ W_o


@known.mistake
def zero_scores(x, W_q, W_k, W_v, W_o, mask):
    """Forbidden scores are set to 0, and the exponential of 0 is 1: they still take weight. Minus infinity takes
    none."""
    return x + torch.softmax(_scores(x, W_q, W_k) * mask, dim=-1) @ (x @ W_v) @ W_o


@known.mistake
def nan_in_empty_rows(x, W_q, W_k, W_v, W_o, mask):
    """Right wherever a token may attend to something. With minus infinity everywhere, a row's softmax is NaN; that row
    should give 0, and its token stay as it was. `course_lib.masked_softmax` takes care of it."""
    return x + torch.softmax(_scores(x, W_q, W_k).masked_fill(~mask, -math.inf), dim=-1) @ (x @ W_v) @ W_o


@known.mistake
def average_in_empty_rows(x, W_q, W_k, W_v, W_o, mask):
    """Right wherever a token may attend to something. With a large negative number as mask, a token that may attend to
    nothing averages all; it should gather 0, and stay as it was."""
    return x + torch.softmax(_scores(x, W_q, W_k).masked_fill(~mask, -1e9), dim=-1) @ (x @ W_v) @ W_o


@known.mistake
def not_scaled(x, W_q, W_k, W_v, W_o, mask):
    """Mask and sum are right, but the scores are not scaled: divide by the square root of d_k."""
    return x + masked_softmax((x @ W_q) @ (x @ W_k).mT, mask) @ (x @ W_v) @ W_o


@known.mistake
def root_of_d_model(x, W_q, W_k, W_v, W_o, mask):
    """Mask and sum are right, but the scores are divided by the root of d_model. It is the size of a query, d_k, that
    counts."""
    return x + masked_softmax((x @ W_q) @ (x @ W_k).mT / math.sqrt(x.shape[-1]), mask) @ (x @ W_v) @ W_o


@known.mistake
def softmax_over_the_queries(x, W_q, W_k, W_v, W_o, mask):
    """The softmax runs over the queries (in a batch, dim=1 does). It runs over the keys: dim=-1."""
    hidden = _scores(x, W_q, W_k).masked_fill(~mask, -math.inf)
    return x + torch.softmax(hidden, dim=-2).nan_to_num() @ (x @ W_v) @ W_o


@known.legal
def with_loops(x, W_q, W_k, W_v, W_o, mask):
    output = x.clone()
    mask = mask.expand(*x.shape[:-1], x.shape[-2])
    for b, i in np.ndindex(*x.shape[:-1]):
        allowed = x[b, mask[b, i]]
        if len(allowed):
            scores = (allowed @ W_k) @ (x[b, i] @ W_q) / math.sqrt(W_q.shape[1])
            output[b, i] += torch.softmax(scores, dim=0) @ allowed @ W_v @ W_o
    return output


@known.legal
def nan_replaced(x, W_q, W_k, W_v, W_o, mask):
    scores = torch.einsum("...id,...jd->...ij", x @ W_q, x @ W_k) / W_q.shape[1] ** 0.5
    shares = torch.softmax(torch.where(mask, scores, -math.inf), dim=-1).nan_to_num()
    return torch.add(shares @ (x @ (W_v @ W_o)), x)


@known.legal
def with_the_fused_kernel(x, W_q, W_k, W_v, W_o, mask):
    attend = torch.nn.functional.scaled_dot_product_attention
    return attend(x @ W_q, x @ W_k, x @ W_v, attn_mask=mask) @ W_o + x


@known.legal
def with_masked_softmax(x, W_q, W_k, W_v, W_o, mask):
    scores = (x @ W_q) @ (x @ W_k).transpose(-2, -1) / math.sqrt(W_k.shape[1])
    return x + masked_softmax(scores, mask) @ x @ W_v @ W_o


@known.borrowed
def by_course_lib(x, W_q, W_k, W_v, W_o, mask):
    from course_lib.self_attention import SelfAttention

    layer = SelfAttention(*W_q.shape, bias=False).to(x.dtype)
    layer.W_v = torch.nn.Linear(*W_v.shape, bias=False, dtype=x.dtype)
    layer.W_o = torch.nn.Linear(*W_o.shape, bias=False, dtype=x.dtype)
    maps = {"W_q": W_q, "W_k": W_k, "W_v": W_v, "W_o": W_o}
    layer.load_state_dict({f"{name}.weight": W.T for name, W in maps.items()})
    return x + layer(x, mask)[0]


@known.always
def unchanged_where_nothing_is_allowed(inputs, output):
    """A token that may attend to nothing gathers 0, so it should leave as it came. One of yours does not."""
    empty = np.broadcast_to(~inputs["mask"].any(axis=-1), output.shape[:-1])
    return np.allclose(output[empty], inputs["x"][empty], atol=1e-4)


TASK = Task(
    id="05.residual_self_attention",
    title="With a mask, and the input added",
    difficulty=2,
    minutes=10,
    reference=reference,
    draw=draw_inputs,
    cases=(
        Case("2 sentences of 3 tokens", dict(batch=2, length=3, d_model=4, d_k=5, d_v=6), points=2),
        Case("float32", dict(batch=3, length=5, d_model=8, d_k=2, d_v=4), dtype="float32"),
        Case("a padding mask", dict(batch=2, length=6, d_model=5, d_k=3), draw=padded),
        Case(
            "tokens that may attend to nothing", dict(batch=3, length=4, d_model=6, d_k=2, d_v=5), draw=with_empty_rows
        ),
    ),
    finished=FINISHED,
    hints=(
        "What should come out for a token that may attend to nothing at all?",
        "The mask belongs to the scores: between the root and the softmax. Chapter 04 has a softmax that takes it.",
        "`course_lib.scaled_dot_product_attention(query, key, value, mask)` does it all, an empty row included.",
        "The sum is the last step, after `W_o`: input plus output, both (batch, length, d_model).",
    ),
    library="torch",
    drawn=(informative(lambda *inputs: weights(*inputs).numpy()),),
    **known.ways,
)
