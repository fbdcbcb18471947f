"""08.swiglu: a feed-forward network with a gate (Shazeer 2020, eq. 6)."""

import math

import numpy as np

from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Task
from tasks.probes import first_difference

known = Known()


def draw(rng, d_model, d_ff, **leading):
    """Words and matrices such that the hidden units lie around 0, where the gate is curved."""
    axes = tuple(leading.values())
    return {
        "x": rng.normal(size=(*axes, d_model)),
        "W_1": 1.5 * rng.normal(size=(d_model, d_ff)) / math.sqrt(d_model),
        "W_2": rng.normal(size=(d_ff, d_model)) / math.sqrt(d_ff),
        "W_3": rng.normal(size=(d_model, d_ff)) / math.sqrt(d_model),
    }


def strongly_closed(rng, length, d_model, d_ff):
    """Hidden units by the thousands, of both signs: exp of them overflows, a sigmoid does not. All numbers are whole,
    so that float32 holds every sum exactly."""
    return {
        "x": rng.choice([-3.0, -2.0, -1.0, 1.0, 2.0, 3.0], size=(length, d_model)),
        "W_1": 500.0 * rng.integers(-3, 4, size=(d_model, d_ff)),
        "W_2": rng.choice([-2.0, -1.0, 1.0, 2.0], size=(d_ff, d_model)),
        "W_3": 500.0 * rng.integers(-3, 4, size=(d_model, d_ff)),
    }


def of_the_text(rng, length, d_model, d_ff):
    return {
        "x": np.array([[1.0, 2.0]]),
        "W_1": np.array([[2.0], [0.0]]),
        "W_2": np.array([[1.0, -1.0]]),
        "W_3": np.array([[0.0], [1.0]]),
    }


def reference(x, W_1, W_2, W_3):
    from torch.nn import functional

    return (functional.silu(x @ W_1) * (x @ W_3)) @ W_2


def _silu(z):
    return z * z.sigmoid()


@Stage
def maps(x, W_1, W_3):
    return x @ W_1, x @ W_3  # (..., d_ff) each: z, and what it is multiplied with


@maps.slip
def silu_on_the_other(x, W_1, W_3):
    """The gate is applied to x W_3, as if W_1 and W_3 had changed places. It belongs to x W_1; x W_3 stays as it is."""
    return x @ W_3, x @ W_1


@maps.slip
def first_map_twice(x, W_1):
    """Both maps are x W_1; W_3 has no part in it. The gate multiplies silu(x W_1) with x W_3."""
    return x @ W_1, x @ W_1


@maps.slip
def third_map_twice(x, W_3):
    """Both maps are x W_3; W_1 has no part in it. silu is applied to x W_1."""
    return x @ W_3, x @ W_3


@maps.slip
def inner_divided_by_the_root(x, W_1, W_3):
    """x W_1 is divided by the square root of d_model. There is no such division here; that is for the scores of
    attention."""
    return x @ W_1 / math.sqrt(x.shape[-1]), x @ W_3


@maps.slip
def product_of_the_matrices(x, W_1, W_3):
    """The matrices W_1 and W_3 are multiplied with each other, number by number, before x meets them. Each one maps x;
    then what they made is multiplied."""
    product = x @ (W_1 * W_3)
    return product, product**0


@maps.slip
def matrix_of_the_way_back(x, W_1, W_3):
    """A matrix leads from d_ff to d_model here, and does not fit behind x: W_2, or a transposed one. W_1 and W_3 lead
    from d_model to d_ff as they are, x @ W, and W_2 leads back at the end."""
    return x @ W_1.T, x @ W_3.T


@maps.slip
def matrix_in_front(x, W_1, W_3):
    """The matrix stands in front of x, where it does not fit. A word is a row here: x @ W."""
    return W_1 @ x, W_3 @ x


@Stage
def gate(maps):
    return _silu(maps[0])


@gate.slip
def sigmoid_alone(maps):
    """The gate is the sigmoid alone. silu(z) is z times the sigmoid of z."""
    return maps[0].sigmoid()


@gate.slip
def relu_for_silu(maps):
    """The gate is max(0, z), as in the network of 2017. SwiGLU takes silu: z times the sigmoid of z."""
    return maps[0].relu()


@gate.slip
def gelu_for_silu(maps):
    """This is GEGLU: the gate is gelu, z times the share of the bell curve below z. SwiGLU takes silu: z times the
    sigmoid of z."""
    from torch.nn import functional

    return functional.gelu(maps[0])


@gate.slip
def gelu_by_tanh(maps):
    """The gate is gelu in the form with tanh. SwiGLU takes silu: z times the sigmoid of z."""
    from torch.nn import functional

    return functional.gelu(maps[0], approximate="tanh")


@gate.slip
def quick_gelu(maps):
    """The gate is z times the sigmoid of 1.702 z, which comes close to gelu. silu takes the sigmoid of z itself."""
    return maps[0] * (1.702 * maps[0]).sigmoid()


@gate.slip
def no_nonlinearity(maps):
    """z = x W_1 goes on as it is. silu should be applied to it: z times the sigmoid of z."""
    return maps[0]


@gate.slip
def plus_in_the_exponent(maps):
    """The sign in the exponent is wrong: this is z / (1 + e^z), which is open where it should be closed. The sigmoid
    of z is 1 / (1 + e^-z)."""
    return maps[0] * (-maps[0]).sigmoid()


@gate.slip
def sigmoid_turned_around(maps):
    """The gate is 1 / (1 + e^z): the sigmoid of -z, and without the factor z. silu(z) is z / (1 + e^-z)."""
    return (-maps[0]).sigmoid()


@gate.slip
def tanh_alone(maps):
    """The gate is tanh(z). SwiGLU takes silu: z times the sigmoid of z."""
    return maps[0].tanh()


@gate.slip
def times_tanh(maps):
    """The gate is z times tanh(z). silu is z times the sigmoid of z."""
    return maps[0] * maps[0].tanh()


@gate.slip
def softmax_alone(maps):
    """The gate is a softmax over the hidden units. SwiGLU takes silu: each z times its own sigmoid."""
    return maps[0].softmax(-1)


@gate.slip
def times_softmax(maps):
    """The gate is z times a softmax over the hidden units. In silu it is the sigmoid of each z alone."""
    return maps[0] * maps[0].softmax(-1)


@gate.slip
def softmax_over_the_words(maps):
    """The gate is a softmax over the words, axis -2, so that words depend on each other. SwiGLU takes silu: each z
    times its own sigmoid."""
    return maps[0].softmax(-2)


@gate.slip
def softplus(maps):
    """The gate is log(1 + e^z). SwiGLU takes silu: z / (1 + e^-z)."""
    from torch.nn import functional

    return functional.softplus(maps[0])


@gate.slip
def leaky_relu(maps):
    """Below 0 the gate is a hundredth of z, above it z itself. silu bends smoothly: z times the sigmoid of z."""
    from torch.nn import functional

    return functional.leaky_relu(maps[0])


@gate.slip
def elu(maps):
    """The gate is elu: e^z - 1 below 0, z above. SwiGLU takes silu: z times the sigmoid of z."""
    from torch.nn import functional

    return functional.elu(maps[0])


@gate.slip
def mish(maps):
    """The gate is z times tanh(log(1 + e^z)). silu is z times the sigmoid of z."""
    from torch.nn import functional

    return functional.mish(maps[0])


@gate.slip
def hard_swish(maps):
    """The gate is made of straight lines, z times (z + 3) / 6 cut off at 0 and 1. silu is z times the sigmoid of z."""
    from torch.nn import functional

    return functional.hardswish(maps[0])


@gate.slip
def silu_twice(maps):
    """silu is applied twice, one after the other. Once is enough."""
    return _silu(_silu(maps[0]))


@gate.slip
def sigmoid_twice(maps):
    """The sigmoid multiplies twice: this is z times the square of its sigmoid."""
    return maps[0] * maps[0].sigmoid() ** 2


@gate.slip
def z_twice(maps):
    """z multiplies twice: this is z squared times its sigmoid."""
    return maps[0] ** 2 * maps[0].sigmoid()


@gate.slip
def sigmoid_added(maps):
    """The sigmoid is added to z. In silu they are multiplied."""
    return maps[0] + maps[0].sigmoid()


@gate.slip
def nan_far_from_zero(maps):
    """Far above 0, e^z overflows, and e^z / (1 + e^z) becomes inf / inf, NaN; for ordinary numbers that gate is right.
    Take 1 / (1 + e^-z), or torch.sigmoid."""
    return maps[0] * maps[0].exp() / (1 + maps[0].exp())


@gate.slip
def nothing_far_above_zero(maps):
    """Far above 0, where e^z / (1 + e^z) is inf / inf, the gate becomes 0 here; it should be z. For ordinary numbers
    that gate is right."""
    return (maps[0] * maps[0].exp() / (1 + maps[0].exp())).nan_to_num(0.0)


@gate.slip
def silu_before_the_map(x, W_1):
    """silu is applied to x, before the map: silu(x) W_1. It belongs behind the map, to x W_1."""
    return _silu(x) @ W_1


def _cut_off_at(most):
    def slip(maps):
        return _silu(maps[0].clamp(-most, most))

    slip.__name__ = f"cut_off_at_{most}"
    slip.__doc__ = f"""z is cut off at -{most} and {most}, which shows in large numbers alone. Far above 0, silu(z) is z
    itself; torch.sigmoid does not overflow, so nothing needs cutting."""
    return slip


for most in (10, 20, 30, 50, 80, 88, 100, 500):
    gate.slip(_cut_off_at(most))


@Stage
def hidden(gate, maps):
    return gate * maps[1]


@hidden.slip
def added_instead_of_multiplied(gate, maps):
    """The two maps are added. A gate multiplies: number by number."""
    return gate + maps[1]


@hidden.slip
def without_the_gate(gate):
    """There is nothing that the hidden units are multiplied with, as in an ordinary feed-forward network. Multiply them
    by x W_3, number by number."""
    return gate


@hidden.slip
def other_map_alone(maps):
    """The hidden units are x W_3 alone. They should be silu(x W_1) times x W_3."""
    return maps[1]


@hidden.slip
def silu_on_both(gate, maps):
    """x W_3 goes through silu as well. It stays as it is; silu is for x W_1 alone."""
    return gate * _silu(maps[1])


@hidden.slip
def sigmoid_on_the_other(gate, maps):
    """x W_3 goes through a sigmoid. It stays as it is; only x W_1 is bent."""
    return gate * maps[1].sigmoid()


@hidden.slip
def silu_of_the_product(maps):
    """The two maps are multiplied first, and silu is applied to the product. silu belongs to x W_1 alone, before the
    product."""
    return _silu(maps[0] * maps[1])


@hidden.slip
def silu_of_the_sum(maps):
    """The two maps are added, and silu is applied to the sum. silu belongs to x W_1 alone, and the two are
    multiplied."""
    return _silu(maps[0] + maps[1])


@hidden.slip
def divided_by_the_other(gate, maps):
    """The gate is divided by x W_3; it should be multiplied with it."""
    return gate / maps[1]


@hidden.slip
def other_added_too(gate, maps):
    """x W_3 is added to the product once more. The product alone is what the hidden units are."""
    return gate * maps[1] + maps[1]


@hidden.slip
def product_over_the_words(gate, maps):
    """With @, the two maps are multiplied as matrices, and their shapes do not fit. Number by number it is `*`."""
    hidden, other = gate, maps[1]
    return hidden @ other


@hidden.slip
def product_over_the_words_at_once(x, W_1, W_3):
    """The two maps are multiplied as matrices, by @, and their shapes do not fit. They meet number by number: `*`."""
    from torch.nn import functional

    return functional.silu(x @ W_1) @ (x @ W_3)


@hidden.slip
def product_with_the_others_words(gate, maps):
    """With @, words meet words, as in the scores of attention. The two maps are multiplied number by number: `*`."""
    return gate @ maps[1].mT


@Stage
def mapped_back(hidden, W_2):
    return hidden @ W_2


@mapped_back.slip
def hidden_units_alone(hidden):
    """These are the d_ff hidden units, without the last map. W_2 brings them back to d_model."""
    return hidden


@mapped_back.slip
def first_unit_alone(hidden, W_2):
    """The result is made of the first hidden unit alone. All d_ff of them go through W_2."""
    return hidden[..., :1] @ W_2[:1]


@mapped_back.slip
def last_matrix_transposed(hidden, W_2):
    """W_2 is transposed, and does not fit. It leads from d_ff back to d_model as it is: @ W_2."""
    return hidden @ W_2.T


@mapped_back.slip
def averaged_units(hidden, W_2):
    """The result is divided by d_ff, as if the units were averaged. A matrix product sums, and that is all."""
    return hidden @ W_2 / hidden.shape[-1]


@mapped_back.slip
def hidden_divided_by_the_root(hidden, W_2):
    """The result is divided by the square root of d_ff. There is no such division here; that is for the scores of
    attention."""
    return hidden @ W_2 / math.sqrt(hidden.shape[-1])


@Stage
def output(mapped_back):
    return mapped_back


@output.slip
def with_a_residual(mapped_back, x):
    """The input is added at the end. That is the block's task; here, return the network's output alone."""
    return x + mapped_back


@output.slip
def relu_at_the_end(mapped_back):
    """What is below 0 is cut off at the end. The last map's output stays as it is."""
    return mapped_back.relu()


@output.slip
def silu_at_the_end(mapped_back):
    """The output goes through silu at the end. silu belongs to x W_1, in the middle; the last map's
    output stays as it is."""
    return _silu(mapped_back)


@output.slip
def summed_over_the_words(mapped_back):
    """The words are added up into one. Every word keeps a result of its own."""
    return mapped_back.sum(-2)


@output.slip
def first_of_the_leading_axis(mapped_back):
    """Only the first entry of the first axis comes back: one word, or one sentence. Return all of them."""
    return mapped_back[0]


@output.slip
def axes_of_the_words_swapped(mapped_back):
    """The last two axes have changed places: words belong in rows, (..., d_model)."""
    return mapped_back.mT


@known.mistake
def three_axes_alone(x, W_1, W_2, W_3):
    """The shape of x is taken apart into three names, and x may have two axes, or one. x @ W works on the last axis,
    whatever stands in front."""
    batch, length, d_model = x.shape
    return reference(x.reshape(batch, length, d_model), W_1, W_2, W_3)


@known.mistake
def three_products_in_one_line(x, W_1, W_2, W_3):
    """The two maps are joined by @, as matrices. Each number of one meets its own number of the other: `*`."""
    from torch.nn import functional

    return functional.silu(x @ W_1) @ (x @ W_3) @ W_2


@known.mistake
def silu_at_the_end_alone(x, W_1, W_2, W_3):
    """silu stands around the whole, in place of around x W_1: the output goes through it, and nothing in the middle is
    bent. It is silu(x W_1), times x W_3, times W_2."""
    return _silu(((x @ W_1) * (x @ W_3)) @ W_2)


@known.mistake
def by_linear_as_they_are(x, W_1, W_2, W_3):
    """F.linear multiplies by the transpose of its matrix, and these matrices are laid out for `@`, (d_in, d_out): it is
    x @ W_1, or F.linear(x, W_1.mT)."""
    from torch.nn import functional

    return functional.linear(x, W_1)


@known.mistake
def by_mm_of_two_axes(x, W_1, W_2, W_3):
    """torch.mm takes matrices of exactly two axes, and x may have one, or three. x @ W works on the last axis, whatever
    stands in front."""
    import torch

    hidden = torch.nn.functional.silu(torch.mm(x, W_1)) * torch.mm(x, W_3)
    return torch.mm(hidden, W_2)


@known.mistake
def words_with_words(x, W_1, W_2, W_3):
    """One map meets the other transposed, as the scores of attention do, and W_2 does not fit what comes of it. The two
    maps are multiplied number by number: `*`."""
    hidden, other = _silu(x @ W_1), x @ W_3
    return hidden @ other.transpose(-2, -1) @ W_2


@known.mistake
def other_map_without_brackets(x, W_1, W_2, W_3):
    """`*` and `@` bind alike, and the left one comes first: silu(x W_1) meets x before x has met W_3. The second map
    stands in brackets: * (x @ W_3)."""
    from torch.nn import functional

    return functional.silu(x @ W_1) * x @ W_3 @ W_2


@known.probe
def one_unit(rng):
    for z in (2.0, -1.0, -1000.0, 1000.0):
        yours = yield {
            "x": np.array([[1.0, z]]),
            "W_1": np.array([[0.0], [1.0]]),
            "W_2": np.array([[1.0, 0.0]]),
            "W_3": np.array([[1.0], [0.0]]),
        }
        silu = 0.0 if z < -500 else z / (1 + math.exp(-z))
        if not abs(yours[0, 0] - silu) < 1e-4 * max(1, abs(silu)):
            return (
                f"With one hidden unit, where x W_1 is {z:g} and x W_3 is 1, and with W_2 = [[1, 0]], your result "
                f"begins with {yours[0, 0]:.4g}; silu({z:g}) is {silu:.4g}."
            )
    return None


@known.probe
def nothing_to_multiply_with(rng):
    inputs = draw(rng, length=2, d_model=3, d_ff=4)
    yours = yield {**inputs, "W_3": np.zeros_like(inputs["W_3"])}
    found = first_difference(yours, np.zeros_like(yours))
    return found and (
        f"With W_3 of zeros, every product is 0, and so should the result be; yours is {found[1]:.4g} at [{found[0]}]."
    )


@known.probe
def identity_behind(rng):
    inputs = {**draw(rng, length=2, d_model=4, d_ff=4), "W_2": np.eye(4)}
    yours = yield inputs
    z, other = inputs["x"] @ inputs["W_1"], inputs["x"] @ inputs["W_3"]
    found = first_difference(yours, z / (1 + np.exp(-z)) * other)
    return found and (
        f"With W_2 the identity, your result is your hidden units: at [{found[0]}] yours is {found[1]:.4g}, and silu(x "
        f"W_1) times x W_3 is {found[2]:.4g}."
    )


@known.probe
def another_word_changed(rng):
    inputs = draw(rng, batch=2, length=3, d_model=4, d_ff=5)
    before = yield inputs
    x = inputs["x"].copy()
    x[1, 2] = rng.normal(size=4)
    after = yield {**inputs, "x": x}
    moved = ~np.isclose(before, after, atol=1e-5).all(axis=-1)
    moved[1, 2] = False
    if not moved.any():
        return None
    place = ", ".join(str(int(i)) for i in np.argwhere(moved)[0])
    return f"When word [1, 2] alone is changed, your word [{place}] changes, too; no word should depend on another."


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
def by_linear(x, W_1, W_2, W_3):
    from torch.nn.functional import linear

    z, other = linear(x, W_1.T), linear(x, W_3.T)
    return linear(z * (z / 2).tanh().add(1).div(2) * other, W_2.T)


@known.legal
def with_numpy(x, W_1, W_2, W_3):
    import torch

    x, W_1, W_2, W_3 = (array.numpy() for array in (x, W_1, W_2, W_3))
    z = x @ W_1
    return torch.from_numpy((z / (1 + np.exp(-z)) * (x @ W_3)) @ W_2)


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
    optional=True,
    reference=reference,
    draw=draw,
    library="torch",
    cases=(
        Case("two words", dict(length=2, d_model=3, d_ff=4), dtype="float32"),
        Case("two sentences", dict(batch=2, length=5, d_model=6, d_ff=4), dtype="float32"),
        Case("far from zero", dict(length=3, d_model=4, d_ff=7), dtype="float32", draw=strongly_closed),
        Case("float64", dict(batch=3, length=4, d_model=6, d_ff=16)),
        Case("one word alone", dict(d_model=5, d_ff=3), dtype="float32", draw=draw),
        Case("the example of the text", dict(length=1, d_model=2, d_ff=1), dtype="float32", draw=of_the_text),
    ),
    finished=("course_lib.layers.SwiGLU.forward",),
    hints=(
        "Two maps make two numbers for each hidden unit. What happens to the first, and how do the two become one?",
        "silu(z) is z times the sigmoid of z; torch has `torch.sigmoid`. Which of the two maps is it applied to?",
        "z = x W_1. The hidden units are silu(z) times x W_3, number by number (`*`, not `@`). Then W_2.",
        "hidden = z * torch.sigmoid(z) * (x @ W_3), with z = x @ W_1. One matrix product is left.",
    ),
    coincidences={
        "first_map_twice + sigmoid_alone": "without_the_gate",
        "z_twice + without_the_gate": "first_map_twice",
        "no_nonlinearity + silu_on_both": "silu_on_the_other",
        "no_nonlinearity + silu_at_the_end": "silu_at_the_end_alone",
    },
    stages=(maps, gate, hidden, mapped_back, output),
    **known.ways,
)
