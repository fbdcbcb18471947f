"""05.SelfAttention: the layer as a module, with a mask (Vaswani et al. 2017, section 3.2.2, one head)."""

import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from course_lib import scaled_dot_product_attention
from grader.known import Known
from grader.stages import Stage
from grader.task import Build, Case, Task
from tasks import draws, skeletons
from tasks.probes import first_difference

known = Known()

BUILD = Build(takes=("x", "mask"), arguments=("d_model", "d_k"), module="SelfAttention")


class Base(nn.Module):
    """The four maps, as the task names them."""

    def __init__(self, d_model, d_k):
        super().__init__()
        self.W_q, self.W_k, self.W_v = (nn.Linear(d_model, d_k) for _ in range(3))
        self.W_o = nn.Linear(d_k, d_model)


class Skeleton(nn.Module):
    """The same, for the judge's own functions: not drawn at random first."""

    def __init__(self, d_model, d_k):
        super().__init__()
        self.W_q, self.W_k, self.W_v = (skeletons.Linear(d_model, d_k) for _ in range(3))
        self.W_o = skeletons.Linear(d_k, d_model)


def draw_inputs(rng, length, d_model, d_k, **leading):
    return {
        "d_model": d_model,
        "d_k": d_k,
        "x": rng.normal(size=(*leading.values(), length, d_model)),
        "mask": None,
        **draws.parameters(rng, Skeleton(d_model, d_k)),
    }


def padded(rng, batch, length, d_model, d_k):
    """Sentences of different lengths; of the last one nothing is left."""
    lengths = np.linspace(length, 0, batch).round().astype(int)
    mask = np.arange(length) < lengths[:, None, None]
    return {**draw_inputs(rng, length, d_model, d_k, batch=batch), "mask": mask}


def causal(rng, length, d_model, d_k, **leading):
    mask = np.tri(length, dtype=bool)
    return {**draw_inputs(rng, length, d_model, d_k, **leading), "mask": mask}


def the_example(rng):
    """Queries of zeros; the second token may attend to nothing."""
    weights = {"W_q.weight": [[0, 0]], "W_q.bias": [0], "W_k.weight": [[1, 1]], "W_k.bias": [0]}
    weights |= {"W_v.weight": [[4, 2]], "W_v.bias": [1], "W_o.weight": [[3], [1]], "W_o.bias": [2, 5]}
    return {
        "d_model": 2,
        "d_k": 1,
        "x": np.array([[0.0, 1], [1, 0]]),
        "mask": np.array([[True, True], [False, False]]),
        **{name: np.array(value, dtype=float) for name, value in weights.items()},
    }


def loud(rng, length, d_model, d_k, **leading):
    """Scores in the hundreds, where a bare exponential in float32 is infinite."""
    inputs = draw_inputs(rng, length, d_model, d_k, **leading)
    inputs["W_q.weight"] = 400 * inputs["W_q.weight"]
    return inputs


def reference(module, x, mask):
    attend = functional.scaled_dot_product_attention
    return module.W_o(attend(module.W_q(x), module.W_k(x), module.W_v(x), attn_mask=mask))


@Stage
def query(module, x):
    return module.W_q(x)  # (..., length, d_k)


@query.slip
def queries_by_W_k(module, x):
    """The queries are made by W_k, like the keys. Queries have a map of their own, W_q."""
    return module.W_k(x)


@query.slip
def queries_without_their_bias(module, x):
    """The queries lack the bias of W_q. Calling the layer, W_q(x), multiplies by its weight and adds its bias."""
    return x @ module.W_q.weight.mT


@Stage
def key(module, x):
    return module.W_k(x)  # (..., length, d_k)


@key.slip
def keys_by_W_q(module, x):
    """The keys are made by W_q, like the queries. Keys have a map of their own, W_k."""
    return module.W_q(x)


@Stage
def value(module, x):
    return module.W_v(x)  # (..., length, d_k)


@value.slip
def values_by_W_k(module, x):
    """The values are made by W_k, like the keys. They have a map of their own, W_v."""
    return module.W_k(x)


@value.slip
def values_by_W_q(module, x):
    """The values are made by W_q, like the queries. They have a map of their own, W_v."""
    return module.W_q(x)


@value.slip
def values_without_their_bias(module, x):
    """The values lack the bias of W_v. Calling the layer, W_v(x), multiplies by its weight and adds its bias."""
    return x @ module.W_v.weight.mT


@Stage
def scaled(query, key, d_k):
    return query @ key.mT / math.sqrt(d_k)  # (..., length, length)


@scaled.slip
def rows_are_keys(query, key, d_k):
    """Queries and keys are exchanged: row i of the scores should hold the query of token i with all the keys."""
    return key @ query.mT / math.sqrt(d_k)


@scaled.slip
def not_scaled(query, key):
    """The scores are not divided by the square root of d_k."""
    return query @ key.mT


@scaled.slip
def divided_by_d_k(query, key, d_k):
    """The scores are divided by d_k itself, or by its root twice. Once by the square root keeps their variance at 1."""
    return query @ key.mT / d_k


@scaled.slip
def root_of_d_model(query, key, d_model):
    """The scores are divided by the root of d_model, the size of the input. It is the size of queries and keys that
    counts: d_k."""
    return query @ key.mT / math.sqrt(d_model)


@Stage
def masked(scaled, mask):
    return scaled if mask is None else scaled.masked_fill(~mask, -math.inf)


@masked.slip
def no_mask(scaled):
    """The mask has no effect: hidden keys take part like any others."""
    return scaled


@masked.slip
def mask_inverted(scaled, mask):
    """The mask is used the wrong way round: True means that a query may attend to a key."""
    return scaled if mask is None else scaled.masked_fill(mask, -math.inf)


@masked.slip
def large_number_for_infinity(scaled, mask):
    """Hidden scores become a large negative number, such as -1e9, and not minus infinity. It shows in a row with
    nothing allowed: that turns into an average of everything, and should gather 0."""
    return scaled if mask is None else scaled.masked_fill(~mask, -1e9)


@masked.slip
def hidden_scores_zero(scaled, mask):
    """Hidden scores are 0 before the softmax, and the exponential of 0 is 1, so those keys still take weight. Minus
    infinity takes none."""
    return scaled if mask is None else scaled * mask


@Stage
def weights(masked):
    return torch.softmax(masked, dim=-1).masked_fill(masked == -math.inf, 0)  # (..., length, length)


@weights.slip
def nan_where_nothing_is_allowed(masked):
    """A row with nothing allowed comes out as NaN. It should gather 0, so that the bias of W_o alone is left."""
    return torch.softmax(masked, dim=-1)


@weights.slip
def softmax_over_the_queries(masked):
    """The softmax runs over the queries, so that the columns sum to 1. Each query shares out its own attention over the
    keys: the last axis."""
    return torch.softmax(masked, dim=-2).nan_to_num()


@weights.slip
def no_softmax(masked):
    """There is no softmax: the scores themselves serve as weights."""
    return masked.masked_fill(masked == -math.inf, 0)


@weights.slip
def multiplied_after(scaled, mask):
    """The mask is applied after the softmax, so hidden keys have had their part in the sum, and the rows no longer sum
    to 1. It belongs on the scores."""
    return torch.softmax(scaled, dim=-1) * (1 if mask is None else mask)


@Stage
def output(weights, value):
    return weights @ value  # (..., length, d_k)


@output.slip
def weights_transposed(weights, value):
    """The weights are transposed before they meet the values: what query i gives to key j goes to token j."""
    return weights.mT @ value


@Stage
def mapped(module, output):
    return module.W_o(output)  # (..., length, d_model)


@mapped.slip
def no_W_o(output):
    """W_o has no part in it: what attention gathers is not mapped back to d_model."""
    return output


@mapped.slip
def no_bias_of_W_o(module, output):
    """The bias of W_o is not added. Calling the layer, W_o(...), multiplies by its weight and adds its bias."""
    return output @ module.W_o.weight.mT


@Stage
def result(mapped):
    return mapped


@result.slip
def input_added(mapped, x):
    """The input is added to the result. That happens around the layer, in the block of chapter 08; here, the layer
    alone is asked for."""
    return x + mapped


@known.legal
class ByFormula(Base):
    def forward(self, x, mask=None):
        scores = self.W_q(x) @ self.W_k(x).mT / math.sqrt(self.W_q.out_features)
        if mask is not None:
            scores = scores.masked_fill(~mask, -math.inf)
        weights = torch.softmax(scores, dim=-1)
        if mask is not None:
            weights = weights.masked_fill(~mask, 0.0)
        return self.W_o(weights @ self.W_v(x))


@known.legal
class ByTheLibrary(Base):
    def forward(self, x, mask=None):
        return self.W_o(scaled_dot_product_attention(self.W_q(x), self.W_k(x), self.W_v(x), mask))


@known.legal
class OfParameters(nn.Module):
    """Written out, a query at a time."""

    class Map(nn.Module):
        def __init__(self, inputs, outputs):
            super().__init__()
            self.weight = nn.Parameter(torch.randn(outputs, inputs))
            self.bias = nn.Parameter(torch.zeros(outputs))

        def forward(self, x):
            return torch.einsum("...i,oi->...o", x, self.weight) + self.bias

    def __init__(self, d_model, d_k):
        super().__init__()
        self.W_o = self.Map(d_k, d_model)
        self.W_v = self.Map(d_model, d_k)
        self.W_k = self.Map(d_model, d_k)
        self.W_q = self.Map(d_model, d_k)

    def forward(self, x, mask=None):
        rows = []
        for i in range(x.shape[-2]):
            query = self.W_q(x[..., i : i + 1, :])
            scores = (query * self.W_k(x)).sum(-1) / query.shape[-1] ** 0.5  # (..., length)
            allowed = True if mask is None else mask[..., min(i, mask.shape[-2] - 1), :].expand(scores.shape)
            allowed = torch.as_tensor(allowed, device=x.device)
            scores = torch.where(allowed, scores, torch.finfo(x.dtype).min)
            raised = torch.where(allowed, torch.exp(scores - scores.amax(-1, keepdim=True)), 0)
            shares = raised / raised.sum(-1, keepdim=True).clamp(min=1e-30)
            rows.append((shares[..., None] * self.W_v(x)).sum(-2))
        return self.W_o(torch.stack(rows, dim=-2))


@known.mistake
class WeightsAlone(Base):
    """The biases take no part: x is multiplied by the weights alone. Calling a map, W_q(x), multiplies by its weight
    and adds its bias."""

    def forward(self, x, mask=None):
        query, key, value = (x @ W.weight.mT for W in (self.W_q, self.W_k, self.W_v))
        return functional.scaled_dot_product_attention(query, key, value, attn_mask=mask) @ self.W_o.weight.mT


@known.mistake
class MappedBeforeMixed(Base):
    """W_o maps the values before they are mixed. Where nothing may be attended to, its bias is lost that way. Map what
    each token has gathered."""

    def forward(self, x, mask=None):
        value = self.W_o(self.W_v(x))
        return functional.scaled_dot_product_attention(self.W_q(x), self.W_k(x), value, attn_mask=mask)


@known.mistake
class GradientsCut(Base):
    """The weights are cut off from what made them, by detach() or no_grad(): the output is right, and W_q and W_k would
    never learn. Leave the thread whole."""

    def forward(self, x, mask=None):
        with torch.no_grad():
            scores = self.W_q(x) @ self.W_k(x).mT / math.sqrt(self.W_q.out_features)
            if mask is not None:
                scores = scores.masked_fill(~mask, -math.inf)
            weights = torch.softmax(scores, dim=-1).nan_to_num()
        return self.W_o(weights @ self.W_v(x))


@known.mistake
class GradientsOfNan(Base):
    """The output is right, but in a row with nothing allowed the gradient is no number (NaN): 0 / 0 happens on the way,
    and torch.where hides it going forward alone. Keep the sum from being 0 before you divide."""

    def forward(self, x, mask=None):
        scores = self.W_q(x) @ self.W_k(x).mT / math.sqrt(self.W_q.out_features)
        raised = torch.exp(scores - scores.amax(-1, keepdim=True)) * (1 if mask is None else mask)
        total = raised.sum(-1, keepdim=True)
        return self.W_o(torch.where(total > 0, raised / total, 0) @ self.W_v(x))


@known.mistake
class MadeOnTheCpu(Base):
    """A tensor is made anew on the CPU, and on a GPU it would meet those that stand there. Make it where x is:
    device=x.device."""

    def forward(self, x, mask=None):
        if mask is None:
            mask = torch.ones(x.shape[-2], x.shape[-2], dtype=torch.bool)
        return self.W_o(functional.scaled_dot_product_attention(self.W_q(x), self.W_k(x), self.W_v(x), attn_mask=mask))


@known.mistake
class TheListOfAll(Base):
    """One row of weights is shared by all tokens: that of the first query. Every token asks for itself."""

    def forward(self, x, mask=None):
        scores = self.W_q(x) @ self.W_k(x).mT / math.sqrt(self.W_q.out_features)
        if mask is not None:
            scores = scores.masked_fill(~mask, -math.inf)
        weights = torch.softmax(scores, dim=-1).nan_to_num()[..., :1, :].expand(scores.shape)
        return self.W_o(weights @ self.W_v(x))


@known.borrowed
class ByPyTorchsOwn(Base):
    def forward(self, x, mask=None):
        return nn.MultiheadAttention(x.shape[-1], 1, batch_first=True)(x, x, x)[0]


@known.probe
def equal_tokens(rng):
    """With equal tokens every average is the same, whatever the weights."""
    inputs = draw_inputs(rng, length=4, d_model=3, d_k=2)
    inputs["x"] = np.broadcast_to(inputs["x"][:1], inputs["x"].shape).copy()
    found = yield inputs
    value = inputs["x"] @ inputs["W_v.weight"].T + inputs["W_v.bias"]
    differs = first_difference(found, value @ inputs["W_o.weight"].T + inputs["W_o.bias"])
    if differs is None:
        return None
    return (
        "All tokens made equal, your output should be W_o of their one value: at [{}] it is {:.4g}, not {:.4g}.".format(
            *differs
        )
    )


@known.probe
def nobody_allowed(rng):
    inputs = draw_inputs(rng, length=4, d_model=3, d_k=2)
    inputs["mask"] = np.zeros((4, 4), dtype=bool)
    found = yield inputs
    differs = first_difference(found, np.broadcast_to(inputs["W_o.bias"], found.shape))
    if differs is None:
        return None
    return (
        "Where nobody may attend to anything, every token gathers 0, and the bias of W_o is left: at [{}] your output "
        "is {:.4g}, not {:.4g}."
    ).format(*differs)


@known.probe
def a_hidden_token_changed(rng):
    inputs = draw_inputs(rng, length=4, d_model=3, d_k=2)
    inputs["mask"] = np.ones((4, 4), dtype=bool)
    inputs["mask"][:, 3] = False
    before = yield inputs
    after = yield {**inputs, "x": np.concatenate([inputs["x"][:3], inputs["x"][3:] + 1])}
    if np.allclose(before[:3], after[:3], atol=1e-6):
        return None
    return "A token that nobody may attend to was changed, and the outputs of other tokens changed with it."


TASK = Task(
    id="05.SelfAttention",
    title="The layer as a module",
    difficulty=2,
    minutes=20,
    reference=reference,
    draw=draw_inputs,
    build=BUILD,
    skeleton=Skeleton,
    part=True,
    library="torch",
    cases=(
        Case("the example of the text", {}, 1, "float32", draw=the_example),
        Case("one sentence", dict(length=4, d_model=5, d_k=3), 2, "float32"),
        Case("a batch with padding", dict(batch=3, length=4, d_model=6, d_k=2), 2, "float32", draw=padded),
        Case(
            "two leading axes and a causal mask", dict(b=2, c=3, length=5, d_model=4, d_k=6), 2, "float32", draw=causal
        ),
        Case("one token, wide numbers", dict(batch=1, length=2, d_model=3, d_k=4), 1, "float64"),
        Case("scores in the hundreds", dict(length=4, d_model=5, d_k=3), 1, "float32", draw=loud),
        Case("gradients", dict(batch=3, length=4, d_model=6, d_k=2), 2, "float32", draw=padded, asks="gradients"),
        Case("another device", dict(length=4, d_model=5, d_k=3), 1, "float32", asks="device"),
    ),
    coincidences={"queries_by_W_k + keys_by_W_q": "rows_are_keys"},
    stages=(query, key, value, scaled, masked, weights, output, mapped, result),
    finished=("torch.nn.MultiheadAttention.forward", "course_lib.self_attention.SelfAttention.forward"),
    hints=(
        "Which of the layer's lines need to be done once, when it is built, and which for every x?",
        "What has unknowns is made in __init__ and becomes an attribute of self. forward uses it: self.W_q(x) is x "
        "times its weight, plus its bias.",
        "query, key, value = three maps of x; gathered = attention of these, with the mask; back to d_model by W_o.",
        "return self.W_o(masked_attention(self.W_q(x), ..., ..., mask))",
    ),
    **known.ways,
)
