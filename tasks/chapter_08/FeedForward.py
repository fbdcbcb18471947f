"""08.FeedForward: two linear maps, and between them what is below 0 is cut off (Vaswani et al. 2017, eq. 2)."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from course_lib.layers import FeedForward as Skeleton
from grader.known import Known
from grader.stages import Stage
from grader.task import Build, Case, Task
from tasks import draws
from tasks.probes import first_difference

known = Known()


def draw_inputs(rng, d_model, d_ff, **leading):
    return {
        "d_model": d_model,
        "d_ff": d_ff,
        "x": rng.normal(size=(*leading.values(), d_model)),
        **draws.parameters(rng, Skeleton(d_model, d_ff)),
    }


def the_example(rng, **sizes):
    return {
        "d_model": 2,
        "d_ff": 1,
        "x": np.array([[1.0, 2.0], [1.0, 0.0]]),
        "W_1.weight": np.array([[1.0, 1.0]]),
        "W_1.bias": np.array([-2.0]),
        "W_2.weight": np.array([[3.0], [-1.0]]),
        "W_2.bias": np.array([0.0, 10.0]),
    }


def reference(module, x):
    hidden = functional.linear(x, module.W_1.weight, module.W_1.bias).clamp(min=0)
    return functional.linear(hidden, module.W_2.weight, module.W_2.bias)


@Stage
def seen(x):
    return x


@seen.slip
def relu_first(x):
    """What is below 0 in x itself is cut off, before the first map. Each word comes in as it is; the cut stands between
    the two maps."""
    return x.relu()


@seen.slip
def normalized_first(x):
    """x is normalized before the first map. The norm stands in the block, around this network, not in it."""
    return functional.layer_norm(x, x.shape[-1:])


@Stage
def mapped(module, seen):
    return module.W_1(seen)  # (..., d_ff)


@mapped.slip
def without_the_first_bias(module, seen):
    """The bias of W_1 is not added. Calling the layer, W_1(x), multiplies by its weight and adds its bias."""
    return seen @ module.W_1.weight.mT


@Stage
def hidden(mapped):
    return mapped.relu()


@hidden.slip
def no_relu(mapped):
    """Nothing happens between the two maps, so they are one linear map in disguise. What is below 0 is cut off
    there."""
    return mapped


@hidden.slip
def gelu_for_relu(mapped):
    """Between the two maps stands gelu, as in BERT and GPT. Here it is max(0, z)."""
    return functional.gelu(mapped)


@hidden.slip
def silu_for_relu(mapped):
    """Between the two maps stands silu, as in SwiGLU. Here it is max(0, z)."""
    return functional.silu(mapped)


@hidden.slip
def sigmoid_for_relu(mapped):
    """Between the two maps stands a sigmoid. Here it is max(0, z)."""
    return mapped.sigmoid()


@hidden.slip
def tanh_for_relu(mapped):
    """Between the two maps stands tanh. Here it is max(0, z)."""
    return mapped.tanh()


@hidden.slip
def softmax_for_relu(mapped):
    """Between the two maps stands a softmax over the hidden numbers. Here each of them is cut off at 0 by itself:
    max(0, z)."""
    return mapped.softmax(-1)


@hidden.slip
def leaky_relu(mapped):
    """Below 0 the hidden numbers are made a hundred times smaller. Here they become 0: max(0, z)."""
    return functional.leaky_relu(mapped)


@hidden.slip
def absolute_value(mapped):
    """The hidden numbers below 0 turn positive. Here they become 0: max(0, z)."""
    return mapped.abs()


@hidden.slip
def cut_on_the_other_side(mapped):
    """What is above 0 is cut off, and what is below stays. It is the other way round: max(0, z), not min."""
    return mapped.clamp(max=0)


@hidden.slip
def ones_and_zeros(mapped):
    """The hidden numbers are 1 where they are above 0, and 0 elsewhere: the comparison itself is used. Those above 0
    keep their size: max(0, z)."""
    return (mapped > 0).to(mapped.dtype)


@Stage
def mapped_back(module, hidden):
    return module.W_2(hidden)  # (..., d_model)


@mapped_back.slip
def hidden_alone(hidden):
    """These are the d_ff hidden numbers. W_2 leads them back to d_model."""
    return hidden


@mapped_back.slip
def without_the_second_bias(module, hidden):
    """The bias of W_2 is not added. Calling the layer, W_2(...), multiplies by its weight and adds its bias."""
    return hidden @ module.W_2.weight.mT


@Stage
def output(mapped_back):
    return mapped_back


@output.slip
def relu_at_the_end(mapped_back):
    """What is below 0 in the result is cut off. The cut stands between the two maps alone; the second map's output
    stays as it is."""
    return mapped_back.relu()


@output.slip
def input_added(mapped_back, x):
    """x is added to the result. That is the block's work; here, return what the two maps make of x."""
    return x + mapped_back


@output.slip
def normalized_at_the_end(mapped_back):
    """The result is normalized. The norm stands in the block, around this network, not in it."""
    return functional.layer_norm(mapped_back, mapped_back.shape[-1:])


class Base(nn.Module):
    def __init__(self, d_model, d_ff):
        super().__init__()
        self.W_1 = nn.Linear(d_model, d_ff)
        self.W_2 = nn.Linear(d_ff, d_model)


@known.legal
class ByFunctional(Base):
    def forward(self, x):
        return self.W_2(functional.relu(self.W_1(x)))


@known.legal
class ByComparing(Base):
    def forward(self, x):
        z = self.W_1(x)
        return self.W_2(torch.where(z > 0, z, 0.0))


@known.legal
class ByAnotherModule(nn.Module):
    """ReLU as a module, which has no parameters and may have any name."""

    def __init__(self, d_model, d_ff):
        super().__init__()
        self.cut = nn.ReLU(inplace=True)
        self.W_2 = nn.Linear(in_features=d_ff, out_features=d_model)
        self.W_1 = nn.Linear(in_features=d_model, out_features=d_ff)

    def forward(self, x):
        return self.W_2(self.cut(self.W_1(x)))


@known.legal
class OfParameters(nn.Module):
    class Map(nn.Module):
        def __init__(self, inputs, outputs):
            super().__init__()
            self.weight = nn.Parameter(torch.randn(outputs, inputs) / inputs**0.5)
            self.bias = nn.Parameter(torch.zeros(outputs))

    def __init__(self, d_model, d_ff):
        super().__init__()
        self.W_1, self.W_2 = self.Map(d_model, d_ff), self.Map(d_ff, d_model)

    def forward(self, x):
        z = torch.einsum("...i,oi->...o", x, self.W_1.weight) + self.W_1.bias
        return torch.einsum("...i,oi->...o", (z + z.abs()) / 2, self.W_2.weight) + self.W_2.bias


@known.borrowed
class ByCourseLib(Base):
    def forward(self, x):
        network = Skeleton(self.W_1.in_features, self.W_1.out_features)
        return network(x.to(network.W_1.weight.dtype))


@known.mistake
class GradientsCut(Base):
    """The output is right, but the hidden numbers are cut off from what made them, by detach(), .data or no_grad(): W_1
    would never learn. Leave the thread whole."""

    def forward(self, x):
        with torch.no_grad():
            z = torch.relu(self.W_1(x))
        return self.W_2(z)


@known.mistake
class ZerosOnTheCpu(Base):
    """The zeros that the hidden numbers are compared with are made on the CPU, and on a GPU the two would not meet.
    torch.relu needs no zeros."""

    def forward(self, x):
        z = self.W_1(x)
        return self.W_2(torch.maximum(z, torch.zeros(z.shape)))


@known.mistake
class ThreeAxesAlone(Base):
    """The shape of x is taken apart into three names, and x may have two axes, or one. The maps work on the last axis,
    whatever stands in front."""

    def forward(self, x):
        batch, length, d_model = x.shape
        return self.W_2(torch.relu(self.W_1(x.reshape(batch, length, d_model))))


@known.probe
def one_hidden_number(rng):
    """With weights of 1 and no biases the hidden number is x itself, and so is the result above 0."""
    one = {
        "W_1.weight": np.ones((1, 1)),
        "W_1.bias": np.zeros(1),
        "W_2.weight": np.ones((1, 1)),
        "W_2.bias": np.ones(1),
    }
    for z in (2.0, -3.0):
        found = yield {"d_model": 1, "d_ff": 1, "x": np.array([[z]]), **one}
        if not abs(found[0, 0] - max(0, z) - 1) < 1e-6:
            return (
                f"With d_model and d_ff 1, weights of 1, and biases of 0 and 1, the hidden number of x = {z:g} is "
                f"max(0, {z:g}), and the result 1 more: {max(0, z) + 1:g}. Yours is {found[0, 0]:.4g}."
            )
    return None


@known.probe
def nothing_passes(rng):
    inputs = draw_inputs(rng, length=3, d_model=4, d_ff=5)
    found = yield {**inputs, "W_1.bias": np.full(5, -1000.0)}
    differs = first_difference(found, np.broadcast_to(inputs["W_2.bias"], found.shape))
    return differs and (
        "With a bias of -1000 in W_1 every hidden number is cut off, and the bias of W_2 is left: at [{}] yours is "
        "{:.4g}, not {:.4g}."
    ).format(*differs)


@known.probe
def everything_passes(rng):
    inputs = draw_inputs(rng, length=3, d_model=4, d_ff=5)
    inputs["W_1.bias"] = np.full(5, 100.0)
    found = yield inputs
    hidden = inputs["x"] @ inputs["W_1.weight"].T + inputs["W_1.bias"]
    differs = first_difference(found, hidden @ inputs["W_2.weight"].T + inputs["W_2.bias"])
    return differs and (
        "With a bias of 100 in W_1 nothing is cut off, and what is left are the two maps, one after the other: at [{}] "
        "yours is {:.6g}, theirs {:.6g}."
    ).format(*differs)


TASK = Task(
    id="08.FeedForward",
    title="The part that computes",
    difficulty=1,
    minutes=8,
    reference=reference,
    draw=draw_inputs,
    build=Build(takes=("x",), arguments=("d_model", "d_ff"), module="FeedForward"),
    skeleton=Skeleton,
    part=True,
    library="torch",
    cases=(
        Case("the example of the text", {}, dtype="float32", draw=the_example),
        Case("a sentence", dict(length=3, d_model=4, d_ff=7), dtype="float32"),
        Case("a batch", dict(batch=2, length=5, d_model=6, d_ff=9), dtype="float32"),
        Case("one word alone, float64", dict(d_model=5, d_ff=3), draw=draw_inputs),
        Case("gradients", dict(batch=2, length=3, d_model=4, d_ff=6), dtype="float32", asks="gradients"),
        Case("another device", dict(length=3, d_model=4, d_ff=7), dtype="float32", asks="device"),
    ),
    finished=("course_lib.layers.FeedForward.forward",),
    hints=(
        "Which of the symbols in the formula are learned? Each W together with its b is one module of PyTorch.",
        "nn.Linear(inputs, outputs) holds a weight and a bias. W_1 makes a word wider, W_2 narrower again.",
        "forward has three steps: W_1, max(0, ·) number by number (`torch.relu`), W_2.",
        "self.W_1 = nn.Linear(d_model, d_ff), and the other way round for W_2; return self.W_2(torch.relu(...)).",
    ),
    stages=(seen, mapped, hidden, mapped_back, output),
    **known.ways,
)
