"""05.residual_self_attention: the layer with a mask, its output added to its input."""

import math

import numpy as np
import torch

from course_lib import masked_softmax, scaled_dot_product_attention
from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Task
from tasks import attention_stages
from tasks import layer_stages as layer
from tasks.chapter_05.self_attention import FINISHED
from tasks.probes import first_difference, weights_seen
from tasks.rules import informative

known = Known()


def draw_inputs(rng, batch, length, d_model, d_k, d_v):
    """Inputs with a mask in which every query may attend to some keys, not to all, and not the same both ways."""
    x = rng.normal(size=(batch, length, d_model))
    return {"x": x, **layer.draw_maps(rng, d_model, d_k, d_v), "mask": some_mask(rng, batch, length)}


def some_mask(rng, *shape):
    mask = rng.random(size=(*shape, shape[-1])) < 0.6
    mask |= np.eye(shape[-1], dtype=bool)
    mask[..., 0, 1], mask[..., 1, 0] = True, False
    return mask


def the_example(rng):
    maps = {"W_q": 0.0, "W_k": 1.0, "W_v": 4.0, "W_o": 3.0}
    maps = {name: np.full((1, 1), number) for name, number in maps.items()}
    return {"x": np.array([[[0.0], [1.0]]]), **maps, "mask": np.array([[[True, True], [False, False]]])}


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


def one_mask_for_all(rng, batch, length, d_model, d_k, d_v):
    return draw_inputs(rng, batch, length, d_model, d_k, d_v) | {"mask": some_mask(rng, length)}


def a_single_token(rng, d_model, d_k, d_v):
    """A batch of one sentence of one token: what drops axes of size 1 shows."""
    inputs = draw_inputs(rng, 1, 2, d_model, d_k, d_v)
    return inputs | {"x": inputs["x"][:, :1], "mask": np.ones((1, 1, 1), dtype=bool)}


def loud(rng, batch, length, d_model, d_k, d_v):
    inputs = layer.loud(rng, length, d_model, d_k, d_v, batch=batch)
    inputs["x"][..., 1] /= 10  # the input is added, too; it should not drown what attention adds
    inputs["W_q"][1] *= 10
    return inputs | {"mask": some_mask(rng, batch, length)}


def reference(x, W_q, W_k, W_v, W_o, mask):
    return x + _layer(x, W_q, W_k, W_v, W_o, mask)


def weights(x, W_q, W_k, W_v, W_o, mask):
    return masked_softmax((x @ W_q) @ (x @ W_k).mT / math.sqrt(W_q.shape[-1]), mask)


def _layer(x, W_q, W_k, W_v, W_o, mask):
    return scaled_dot_product_attention(x @ W_q, x @ W_k, x @ W_v, mask) @ W_o


@Stage
def seen(mask):
    return mask  # True = may attend


@seen.slip
def inverted_mask(mask):
    """The mask is used the wrong way round: exactly the forbidden keys are attended to. True means may attend."""
    return ~mask


@seen.slip
def transposed_mask(mask):
    """The mask is transposed: its rows are queries, its columns keys, as in the scores."""
    return mask.mT


@seen.slip
def mask_of_the_first_sentence(mask):
    """The first entry of the mask, that of the first sentence, serves for all. Each sentence has its own."""
    return mask[:1]


@seen.slip
def mask_of_the_last_query(mask):
    """The last row of the mask, that of the last query, serves for all queries. Each query has its own."""
    return mask[..., -1:, :]


@seen.slip
def causal_instead(mask, x):
    """No token sees those after it, as with a causal mask, and the given mask has no part in it."""
    return torch.ones(x.shape[-2], x.shape[-2], dtype=torch.bool).tril()


@seen.slip
def causal_as_well(mask, x):
    """Besides what the mask forbids, no token sees those after it. The given mask alone says who may attend."""
    return mask & torch.ones(x.shape[-2], x.shape[-2], dtype=torch.bool).tril()


@seen.slip
def itself_always(mask, x):
    """Every token attends to itself, also where the mask forbids it."""
    return mask | torch.eye(x.shape[-2], dtype=torch.bool)


@seen.slip
def itself_if_nothing_else(mask, x):
    """A token that may attend to nothing attends to itself. It should gather 0, and stay as it was."""
    return mask | (torch.eye(x.shape[-2], dtype=torch.bool) & ~mask.any(dim=-1, keepdim=True))


masked = attention_stages.masked.but(
    "hidden_scores_zero",
    "large_number_for_infinity",
    "large_number_added",
    "small_number_for_infinity",
    "mask_inverted",
    mask="seen",
)


@masked.slip
def hidden_scores_zero(scaled, seen):
    """The scores of forbidden keys become 0. To a softmax that is a score like any other, and takes weight; minus
    infinity takes none."""
    return scaled * seen


@masked.slip
def average_in_empty_rows(scaled, seen):
    """A large negative number stands for minus infinity. After a softmax, a token that may attend to nothing then
    averages all. It should gather 0, and stay as it was."""
    return scaled.masked_fill(~seen, -1e9)


@masked.slip
def mask_added(scaled, seen):
    """The mask is added to the scores as ones and zeros, so nothing is hidden. Forbidden scores become minus
    infinity."""
    return scaled + seen


@masked.slip
def mask_as_an_index(scaled, seen):
    """The mask serves as an index of the scores, and then has to have their whole shape. It may be smaller, with an
    axis of size 1 or without a batch: masked_fill and torch.where broadcast it."""
    scores = scaled.clone()
    scores[~seen] = -math.inf
    return scores


@masked.slip
def one_minus_the_mask(scaled, seen):
    """PyTorch subtracts no booleans. The opposite of a mask is ~mask."""
    return scaled.masked_fill((1 - seen).bool(), -math.inf)


shares = layer.weights.but("softmax_over_dim_1", "softmax_of_the_negative", scores="masked")


@shares.slip
def nan_in_empty_rows(scores):
    """A token that may attend to nothing becomes NaN: all its exponentials are 0, and 0 divided by their sum is 0 / 0.
    It should gather 0, and stay as it was; `course_lib.masked_softmax` takes care of it."""
    return torch.softmax(scores, dim=-1)


@shares.rare
def bare_exponentials(scaled, seen):
    """NaN comes out in two places. A token that may attend to nothing has a sum of 0, and 0 / 0 is NaN: it should
    gather 0. And the exponentials are taken of the scores as they are: that of 240 is infinite in float32, that of -240
    is 0. Subtracting each row's largest score first changes no weight."""
    exponentials = torch.exp(scaled) * seen
    return exponentials / exponentials.sum(dim=-1, keepdim=True)


@shares.rare
def nan_throughout(scaled, seen):
    """NaN comes out for every token, as where 0 times minus infinity is added to the scores of allowed keys: that
    product is NaN, not 0. Fill in minus infinity only where the mask is False."""
    return torch.softmax(scaled + (~seen).to(scaled.dtype) * -math.inf, dim=-1)


@shares.rare
def scores_times_mask_for_weights(scaled, seen):
    """There is no softmax: the scores serve as weights, and those of forbidden keys are 0. Weights are a softmax of the
    scores, before which forbidden ones become minus infinity."""
    return scaled * seen


@shares.slip
def multiplied_after(scaled, seen):
    """The weights are multiplied by the mask after the softmax, and no longer sum to one. Hide the scores before it."""
    return torch.softmax(scaled, dim=-1) * seen


@Stage
def total(mapped, x):
    return x + mapped


@total.slip
def not_added(mapped):
    """This is the layer alone. Its input is to be added to it."""
    return mapped


@total.slip
def added_twice(mapped, x):
    """The input is added twice. Once is enough."""
    return 2 * x + mapped


@total.slip
def subtracted(mapped, x):
    """The layer's output is subtracted from its input. They are added."""
    return x - mapped


@total.slip
def input_subtracted(mapped, x):
    """The input is subtracted from the layer's output. They are added."""
    return mapped - x


@total.slip
def averaged(mapped, x):
    """Input and output are averaged: half of each is lost. The residual is the plain sum."""
    return (x + mapped) / 2


@total.slip
def multiplied(mapped, x):
    """Input and output are multiplied. They are added."""
    return x * mapped


@total.slip
def side_by_side(mapped, x):
    """Input and output are laid side by side, 2 d_model numbers for each token. They are added."""
    return torch.cat([x, mapped], dim=-1)


@total.slip
def values_added(mapped, x, W_v, W_o):
    """What is added is the mapped values, x times W_v times W_o. The residual is the input itself, untouched."""
    return x @ W_v @ W_o + mapped


@total.slip
def zeros_for_empty_rows(mapped, x, mask):
    """A token that may attend to nothing comes out as 0. It gathers 0, and with its input added it stays as it was."""
    return (x + mapped) * mask.any(dim=-1, keepdim=True)


@total.slip
def added_where_nothing_is_allowed(mapped, x, mask):
    """The input is added only for tokens that may attend to nothing. It is added to every token."""
    return torch.where(mask.any(dim=-1, keepdim=True), mapped, x)


@total.slip
def left_alone_where_something_is_hidden(mapped, x, mask):
    """A token that may not attend to all stays as it was. It gathers from those it may attend to; only one that may
    attend to nothing stays."""
    return torch.where(mask.all(dim=-1, keepdim=True), x + mapped, x)


@total.slip
def normalized(mapped, x):
    """The sum is normalized, as by a layer norm. The sum alone is asked for."""
    return torch.nn.functional.layer_norm(x + mapped, x.shape[-1:])


@known.mistake
def added_before_W_o(x, W_q, W_k, W_v, W_o, mask):
    """The input is added before W_o, where the features are those of the values. It is added at the very end."""
    heads = scaled_dot_product_attention(x @ W_q, x @ W_k, x @ W_v, mask)
    return (x + heads) @ W_o


@known.mistake
def added_before_W_o_at_once(x, W_q, W_k, W_v, W_o, mask):
    """The input is added to what the weights gather, and W_o comes after that. It is added at the very end, to what W_o
    gives."""
    shares, value = weights(x, W_q, W_k, W_v, W_o, mask), x @ W_v
    return (x + shares @ value) @ W_o


@known.mistake
def added_without_W_o(x, W_q, W_k, W_v, W_o, mask):
    """The input is added to what the weights gather, and W_o has no part in it. It maps back to d_model first."""
    shares, value = weights(x, W_q, W_k, W_v, W_o, mask), x @ W_v
    return x + shares @ value


@known.mistake
def added_to_the_input_of_attention(x, W_q, W_k, W_v, W_o, mask):
    """The sum goes through the whole layer again, and what comes out is not added to anything. The sum is the last
    step."""
    return _layer(reference(x, W_q, W_k, W_v, W_o, mask), W_q, W_k, W_v, W_o, mask)


@known.mistake
def layer_twice(x, W_q, W_k, W_v, W_o, mask):
    """The layer is run twice, the second time on the sum. Once is asked for."""
    return reference(reference(x, W_q, W_k, W_v, W_o, mask), W_q, W_k, W_v, W_o, mask)


@known.mistake
def tokens_hidden_before(x, W_q, W_k, W_v, W_o, mask):
    """Tokens that nobody may attend to are set to 0 before the layer, and the scores are not masked. A key of zeros has
    the score 0, and still takes weight."""
    kept = x * mask.any(dim=-2).unsqueeze(-1)
    return x + scaled_dot_product_attention(kept @ W_q, kept @ W_k, kept @ W_v) @ W_o


@known.mistake
def values_hidden(x, W_q, W_k, W_v, W_o, mask):
    """The scores are not masked; the weights of forbidden keys are set to 0 after the softmax, and each row is divided
    by the number of keys it may attend to."""
    shares = torch.softmax((x @ W_q) @ (x @ W_k).mT / math.sqrt(W_q.shape[-1]), dim=-1) * mask
    return x + shares / mask.sum(dim=-1, keepdim=True).clamp(min=1) @ (x @ W_v) @ W_o


@known.probe
def identity_values(rng):
    inputs = draw_inputs(rng, batch=2, length=5, d_model=5, d_k=3, d_v=5)
    yours = yield {**inputs, "W_v": np.linalg.inv(inputs["x"][0]), "W_o": np.eye(5)}
    seen = weights_seen((yours - inputs["x"])[0], inputs["mask"][0])
    return seen and (
        f"With a W_v that makes the first sentence's values the identity, and W_o too, your result less the input "
        f"should be the weights: {seen}."
    )


@known.probe
def nothing_gathered(rng):
    inputs = draw_inputs(rng, batch=2, length=4, d_model=5, d_k=3, d_v=2)
    yours = yield {**inputs, "W_o": np.zeros_like(inputs["W_o"])}
    found = first_difference(yours, inputs["x"])
    return found and (
        f"With a W_o of zeros the layer gives 0, and the result should be the input: at [{found[0]}] yours is "
        f"{found[1]:.4g}, the input {found[2]:.4g}."
    )


@known.probe
def everyone_attends_to_itself(rng):
    inputs = draw_inputs(rng, batch=2, length=4, d_model=5, d_k=3, d_v=2)
    inputs["mask"] = np.eye(4, dtype=bool)
    yours = yield inputs
    found = first_difference(yours, inputs["x"] + inputs["x"] @ inputs["W_v"] @ inputs["W_o"])
    return found and (
        f"With a mask that lets each token attend to itself alone, the result should be x + x W_v W_o: at [{found[0]}] "
        f"yours is {found[1]:.4g}, expected {found[2]:.4g}."
    )


@known.probe
def queries_of_zeros(rng):
    inputs = draw_inputs(rng, batch=2, length=4, d_model=5, d_k=3, d_v=2)
    inputs["W_q"] = np.zeros_like(inputs["W_q"])
    yours = yield inputs
    shares = inputs["mask"] / inputs["mask"].sum(axis=-1, keepdims=True)
    found = first_difference(yours - inputs["x"], shares @ inputs["x"] @ inputs["W_v"] @ inputs["W_o"])
    return found and (
        f"With a W_q of zeros all scores are equal, and each token should gather the average of what it may attend to: "
        f"at [{found[0]}] yours, less the input, is {found[1]:.4g}, the average {found[2]:.4g}."
    )


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
    """A token that may attend to nothing gathers 0, so it should leave as it came."""
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
        Case("2 sentences of 4 tokens", dict(batch=2, length=4, d_model=3, d_k=5, d_v=6), dtype="float32"),
        Case("the example of the text", {}, draw=the_example, dtype="float32"),
        Case("float64", dict(batch=3, length=5, d_model=8, d_k=2, d_v=4)),
        Case("a padding mask", dict(batch=2, length=6, d_model=5, d_k=3), dtype="float32", draw=padded),
        Case(
            "one mask for all sentences",
            dict(batch=3, length=4, d_model=6, d_k=2, d_v=5),
            dtype="float32",
            draw=one_mask_for_all,
        ),
        Case(
            "tokens that may attend to nothing",
            dict(batch=3, length=4, d_model=6, d_k=2, d_v=5),
            dtype="float32",
            draw=with_empty_rows,
        ),
        Case("one sentence of one token", dict(d_model=3, d_k=2, d_v=4), dtype="float32", draw=a_single_token),
        Case("scores in the hundreds", dict(batch=2, length=4, d_model=6, d_k=4, d_v=3), dtype="float32", draw=loud),
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
    stages=(
        layer.query.but("W_q_transposed"),
        layer.key.but("W_k_transposed"),
        layer.value.but("W_v_transposed"),
        layer.product.but("axes_1_and_2_of_the_keys_swapped", "cosines"),
        layer.scaled.but("root_of_a_plain_number", "half_of_d_k", "root_of_the_first_axis"),
        seen,
        masked,
        layer.exponentials.but("powers_of_two", scores="masked"),
        shares,
        layer.output,
        layer.mapped.but("W_v_for_W_o", "W_o_before_W_v"),
        total,
    ),
    coincidences={
        "queries_by_W_k + keys_by_W_q": "rows_are_keys",
        "largest_of_all_subtracted + divided_by_the_sum_of_all": "softmax_over_everything",
        "average_in_empty_rows + overflowing": "bare_exponentials",
        "hidden_scores_zero + no_softmax": "scores_times_mask_for_weights",
    },
    optional=True,
    **known.ways,
)
