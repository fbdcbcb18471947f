"""05.count_parameters: how many numbers training has to find."""

from grader.known import Known
from grader.task import Case, Task

known = Known()


def with_bias(rng, d_model, d_k):
    return {"d_model": d_model, "d_k": d_k, "bias": True}


def without_bias(rng, d_model, d_k):
    return {"d_model": d_model, "d_k": d_k, "bias": False}


def reference(d_model, d_k, bias):
    from course_lib.self_attention import SelfAttention

    return sum(parameter.numel() for parameter in SelfAttention(d_model, d_k, bias=bias).parameters())


@known.mistake
def no_W_o(d_model, d_k, bias):
    """Three maps are counted. The fourth, W_o, is learned too."""
    return 3 * (d_model + bias) * d_k


@known.mistake
def no_biases(d_model, d_k, bias):
    """The four matrices are counted. With bias=True each of the four maps has a bias as well."""
    return 4 * d_model * d_k


@known.mistake
def always_biases(d_model, d_k, bias):
    """The biases are counted even with bias=False."""
    return 4 * d_model * d_k + 3 * d_k + d_model


@known.mistake
def all_biases_of_d_k(d_model, d_k, bias):
    """All four biases are counted with d_k numbers. A bias is as long as the map's output, and W_o gives d_model."""
    return 4 * (d_model + bias) * d_k


@known.mistake
def all_biases_of_d_model(d_model, d_k, bias):
    """All four biases are counted with d_model numbers. A bias is as long as the map's output, and three give d_k."""
    return 4 * (d_k + bias) * d_model


@known.mistake
def biases_of_the_inputs(d_model, d_k, bias):
    """Each bias is counted as long as its map's input. It is added to the output: it has that size."""
    return 4 * d_model * d_k + bias * (3 * d_model + d_k)


@known.mistake
def no_bias_of_W_o(d_model, d_k, bias):
    """The bias of W_o is missing: d_model numbers more."""
    return 4 * d_model * d_k + bias * 3 * d_k


@known.mistake
def one_number_per_bias(d_model, d_k, bias):
    """Each bias is counted as one number. It is a vector, as long as its map's output."""
    return 4 * (d_model * d_k + bias)


@known.mistake
def one_map(d_model, d_k, bias):
    """One map is counted. There are four: W_q, W_k, W_v and W_o."""
    return (d_model + bias) * d_k


@known.mistake
def square_maps(d_model, d_k, bias):
    """Every map is counted as d_model by d_model. Three of them lead to d_k, and the fourth comes from there."""
    return 4 * (d_model + bias) * d_model


@known.mistake
def square_maps_of_d_k(d_model, d_k, bias):
    """Every map is counted as d_k by d_k. Three of them start at d_model, and the fourth leads there."""
    return 4 * (d_k + bias) * d_k


@known.mistake
def sizes_added(d_model, d_k, bias):
    """Rows and columns are added. A matrix has rows times columns entries."""
    return 4 * (d_model + d_k) + bias * (3 * d_k + d_model)


@known.legal
def map_by_map(d_model, d_k, bias):
    shapes = [(d_model, d_k)] * 3 + [(d_k, d_model)]
    return sum(inputs * outputs + (outputs if bias else 0) for inputs, outputs in shapes)


@known.legal
def with_linear_layers(d_model, d_k, bias):
    from torch import nn

    layers = [nn.Linear(d_model, d_k, bias=bias) for _ in range(3)] + [nn.Linear(d_k, d_model, bias=bias)]
    return sum(parameter.numel() for layer in layers for parameter in layer.parameters())


@known.legal
def in_closed_form(d_model, d_k, bias):
    return d_model * d_k * 4 + bool(bias) * (d_k * 3 + d_model)


@known.borrowed
def by_course_lib(d_model, d_k, bias):
    return reference(d_model, d_k, bias)


TASK = Task(
    id="05.count_parameters",
    title="How much there is to find",
    difficulty=1,
    minutes=5,
    reference=reference,
    draw=with_bias,
    cases=(
        Case("d_model 3, d_k 2, no bias", dict(d_model=3, d_k=2), draw=without_bias),
        Case("d_model 5, d_k 3, with bias", dict(d_model=5, d_k=3), points=2),
        Case("d_model 512, d_k 64, with bias", dict(d_model=512, d_k=64)),
    ),
    finished=("course_lib.self_attention.SelfAttention.__init__",),
    hints=(
        "How many maps has the layer, and from which size to which does each of them lead?",
        "A matrix from d_model to d_k has d_model * d_k entries. How many has the one that leads back?",
        "A bias is added to a map's output, so it is as long as that. Three outputs have d_k numbers, one has d_model.",
    ),
    **known.ways,
)
