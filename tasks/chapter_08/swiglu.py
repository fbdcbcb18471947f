"""08.swiglu: a feed-forward network with a gate (Shazeer 2020, eq. 6)."""

import math

import numpy as np

from grader.known import Known
from grader.task import Case, Task

known = Known()


def draw(rng, length, d_model, d_ff, **leading):
    """Words and matrices such that the hidden units lie around 0, where the gate is curved."""
    axes = tuple(leading.values())
    return {
        "x": rng.normal(size=(*axes, length, d_model)),
        "W_1": 1.5 * rng.normal(size=(d_model, d_ff)) / math.sqrt(d_model),
        "W_2": rng.normal(size=(d_ff, d_model)) / math.sqrt(d_ff),
        "W_3": rng.normal(size=(d_model, d_ff)) / math.sqrt(d_model),
    }


def strongly_closed(rng, length, d_model, d_ff):
    """Hidden units by the thousands, of both signs: exp of them overflows, a sigmoid does not."""
    inputs = draw(rng, length, d_model, d_ff)
    return {**inputs, "W_1": 3000 * inputs["W_1"]}


def reference(x, W_1, W_2, W_3):
    from torch.nn import functional

    return (functional.silu(x @ W_1) * (x @ W_3)) @ W_2


def _silu(z):
    return z * z.sigmoid()


@known.mistake
def without_the_gate(x, W_1, W_2, W_3):
    """W_3 is not used: this is an ordinary feed-forward network with silu in the place of max(0, z). Multiply the
    hidden units by x W_3, number by number."""
    return _silu(x @ W_1) @ W_2


@known.mistake
def silu_on_the_other(x, W_1, W_2, W_3):
    """silu is applied to x W_3. It belongs to x W_1; x W_3 stays as it is."""
    return (x @ W_1 * _silu(x @ W_3)) @ W_2


@known.mistake
def silu_on_both(x, W_1, W_2, W_3):
    """silu is applied to both maps. x W_3 stays as it is."""
    return (_silu(x @ W_1) * _silu(x @ W_3)) @ W_2


@known.mistake
def silu_of_the_product(x, W_1, W_2, W_3):
    """You multiply first and apply silu to the product. silu belongs to x W_1 alone, before the product."""
    return _silu((x @ W_1) * (x @ W_3)) @ W_2


@known.mistake
def sigmoid_alone(x, W_1, W_2, W_3):
    """The gate is the sigmoid alone. silu(z) is z times the sigmoid of z."""
    return ((x @ W_1).sigmoid() * (x @ W_3)) @ W_2


@known.mistake
def relu_for_silu(x, W_1, W_2, W_3):
    """The gate is max(0, z), as in the network of 2017. SwiGLU takes silu: z times the sigmoid of z."""
    return ((x @ W_1).relu() * (x @ W_3)) @ W_2


@known.mistake
def gelu_for_silu(x, W_1, W_2, W_3):
    """This is GEGLU: the gate is gelu, z times the share of the bell curve below z. SwiGLU takes silu: z times the
    sigmoid of z."""
    from torch.nn import functional

    return (functional.gelu(x @ W_1) * (x @ W_3)) @ W_2


@known.mistake
def no_nonlinearity(x, W_1, W_2, W_3):
    """The two maps are multiplied as they are. silu of x W_1 is missing."""
    return ((x @ W_1) * (x @ W_3)) @ W_2


@known.mistake
def added_instead_of_multiplied(x, W_1, W_2, W_3):
    """The two maps are added. A gate multiplies: number by number."""
    return (_silu(x @ W_1) + x @ W_3) @ W_2


@known.mistake
def plus_in_the_exponent(x, W_1, W_2, W_3):
    """The sign in the exponent is wrong: this is z / (1 + e^z), which is open where it should be closed. The sigmoid
    of z is 1 / (1 + e^-z)."""
    z = x @ W_1
    return (z * (-z).sigmoid() * (x @ W_3)) @ W_2


@known.mistake
def with_a_residual(x, W_1, W_2, W_3):
    """The input is added at the end. That is the block's task; here, return the network's output alone."""
    return x + reference(x, W_1, W_2, W_3)


@known.mistake
def nan_far_below_zero(x, W_1, W_2, W_3):
    """Right for numbers of ordinary size. Far from 0, e^z overflows and e^z / (1 + e^z) becomes inf / inf, NaN. Take 1
    / (1 + e^-z), or torch.sigmoid."""
    z = x @ W_1
    return (z * z.exp() / (1 + z.exp()) * (x @ W_3)) @ W_2


@known.mistake
def hidden_units_alone(x, W_1, W_2, W_3):
    """The last map is missing: these are the d_ff hidden units. W_2 brings them back to d_model."""
    return _silu(x @ W_1) * (x @ W_3)


@known.mistake
def matrices_that_do_not_fit(x, W_1, W_2, W_3):
    """A matrix stands where it does not fit. They come in the order W_1, W_2, W_3 and are applied as x @ W, without
    transposing: W_1 and W_3 lead from d_model to d_ff, W_2 leads back."""
    return _silu(x @ W_1) * (x @ W_2) @ W_3


@known.legal
def as_a_formula(x, W_1, W_2, W_3):
    z = x @ W_1
    return (z / (1 + (-z).exp()) * (x @ W_3)) @ W_2


@known.legal
def with_einsum(x, W_1, W_2, W_3):
    import torch

    z = torch.einsum("...i,ij->...j", x, W_1)
    return torch.einsum("...j,jk->...k", z * torch.sigmoid(z) * torch.einsum("...i,ij->...j", x, W_3), W_2)


@known.legal
def word_by_word(x, W_1, W_2, W_3):
    import torch

    rows = [(_silu(word @ W_1) * (word @ W_3)) @ W_2 for word in x.reshape(-1, x.shape[-1])]
    return torch.stack(rows).reshape(x.shape)


@known.legal
def by_silu(x, W_1, W_2, W_3):
    import torch

    return (torch.nn.functional.silu(x @ W_1) * (x @ W_3)) @ W_2


@known.legal
def with_numpy(x, W_1, W_2, W_3):
    x, W_1, W_2, W_3 = (array.numpy() for array in (x, W_1, W_2, W_3))
    z = x @ W_1
    return (z / (1 + np.exp(-z)) * (x @ W_3)) @ W_2


@known.borrowed
def by_course_lib(x, W_1, W_2, W_3):
    import torch

    import course_lib.layers

    network = course_lib.layers.SwiGLU(*W_1.shape).to(x.dtype)
    state = {"W_1.weight": W_1.T, "W_2.weight": W_2.T, "W_3.weight": W_3.T}
    network.load_state_dict(state)
    with torch.no_grad():
        return network(x)


TASK = Task(
    id="08.swiglu",
    title="A network with a gate",
    difficulty=1,
    minutes=8,
    reference=reference,
    draw=draw,
    library="torch",
    cases=(
        Case("two words", dict(length=2, d_model=3, d_ff=4), points=2),
        Case("two sentences", dict(batch=2, length=5, d_model=6, d_ff=4), points=1),
        Case("far from zero", dict(length=3, d_model=4, d_ff=7), points=1, draw=strongly_closed),
        Case("float32", dict(batch=3, length=4, d_model=6, d_ff=16), points=1, dtype="float32"),
    ),
    finished=("course_lib.layers.SwiGLU.forward",),
    hints=(
        "Two maps make two numbers for each hidden unit. What happens to the first, and how do the two become one?",
        "silu(z) is z times the sigmoid of z; torch has `torch.sigmoid`. Which of the two maps is it applied to?",
        "z = x W_1. The hidden units are silu(z) times x W_3, number by number (`*`, not `@`). Then W_2.",
        "hidden = z * torch.sigmoid(z) * (x @ W_3), with z = x @ W_1. One matrix product is left.",
    ),
    **known.ways,
)
