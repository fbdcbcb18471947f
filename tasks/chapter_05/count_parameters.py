"""05.count_parameters: how many numbers training has to find."""

from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Task

known = Known()


def with_bias(rng, d_model=None, d_k=None):
    """With biases; sizes that are not given are drawn."""
    return {"d_model": d_model or int(rng.integers(20, 40)), "d_k": d_k or int(rng.integers(8, 20)), "bias": True}


def without_bias(rng, d_model, d_k):
    return {"d_model": d_model, "d_k": d_k, "bias": False}


def reference(d_model, d_k, bias):
    from course_lib.self_attention import SelfAttention

    return sum(parameter.numel() for parameter in SelfAttention(d_model, d_k, bias=bias).parameters())


@Stage
def matrices(d_model, d_k):
    return [(d_model, d_k)] * 3 + [(d_k, d_model)]  # (inputs, outputs) of W_q, W_k, W_v and W_o


@matrices.slip
def no_W_o(d_model, d_k):
    """The matrices of three maps are counted. The fourth, W_o, is learned too."""
    return [(d_model, d_k)] * 3


@matrices.slip
def one_map(d_model, d_k):
    """One matrix is counted. There are four: W_q, W_k, W_v and W_o."""
    return [(d_model, d_k)]


@matrices.slip
def two_maps(d_model, d_k):
    """Two matrices are counted. There are four: W_q, W_k, W_v and W_o."""
    return [(d_model, d_k)] * 2


@matrices.slip
def five_maps(d_model, d_k):
    """Five matrices are counted. There are four: W_q, W_k, W_v and W_o."""
    return [(d_model, d_k)] * 4 + [(d_k, d_model)]


@matrices.slip
def square_maps(d_model, d_k):
    """Every matrix is counted as d_model by d_model. Three of them lead to d_k, and the fourth comes from there."""
    return [(d_model, d_model)] * 4


@matrices.slip
def square_maps_of_d_k(d_model, d_k):
    """Every matrix is counted as d_k by d_k. Three of them start at d_model, and the fourth leads there."""
    return [(d_k, d_k)] * 4


@matrices.slip
def W_o_square(d_model, d_k):
    """One of the four matrices is counted as d_model by d_model, such as W_o. Three lead from d_model to d_k, and W_o
    from d_k to d_model."""
    return [(d_model, d_k)] * 3 + [(d_model, d_model)]


@matrices.slip
def W_o_square_of_d_k(d_model, d_k):
    """One of the four matrices is counted as d_k by d_k, such as W_o. Three lead from d_model to d_k, and W_o from d_k
    to d_model."""
    return [(d_model, d_k)] * 3 + [(d_k, d_k)]


@matrices.slip
def values_and_W_o_square(d_model, d_k):
    """Two of the four matrices are counted as d_model by d_model, as if the values had that size. They have d_k numbers
    too."""
    return [(d_model, d_k)] * 2 + [(d_model, d_model)] * 2


@matrices.slip
def scores_counted(d_model, d_k):
    """A matrix of d_k by d_k is counted besides the four, as if the scores had one. They are computed from queries and
    keys."""
    return [(d_model, d_k)] * 3 + [(d_k, d_model), (d_k, d_k)]


@matrices.slip
def half_of_one_matrix(d_model, d_k):
    """Three and a half matrices are counted: one, such as W_o, with half its entries. All four have d_model times d_k
    entries."""
    return [(d_model, d_k)] * 3 + [(d_k, d_model / 2)]


@matrices.slip
def several_heads(d_model, d_k):
    """The three matrices to d_k are counted d_model / d_k times, as if there were as many heads. This layer has one."""
    return [(d_model, d_k)] * (3 * (d_model // d_k)) + [(d_k, d_model)]


@Stage
def entries(matrices):
    return sum(inputs * outputs for inputs, outputs in matrices)


@entries.slip
def sizes_added(matrices):
    """Rows and columns are added. A matrix has rows times columns entries."""
    return sum(inputs + outputs for inputs, outputs in matrices)


@entries.slip
def exclusive_or(matrices):
    """The numbers are those that `^` gives, which compares bits and is no power. A matrix has rows times columns
    entries."""
    return sum(inputs ^ 2 for inputs, _ in matrices)


@entries.slip
def outputs_alone(matrices):
    """Each matrix is counted with as many numbers as its output has. It has inputs times outputs entries."""
    return sum(outputs for _, outputs in matrices)


@entries.slip
def one_per_matrix(matrices):
    """Each matrix is counted as one. What training finds are the numbers in it."""
    return len(matrices)


@entries.slip
def entries_multiplied(matrices):
    """The numbers of entries are multiplied with each other. They are added: each matrix has its own."""
    product = 1
    for inputs, outputs in matrices:
        product *= inputs * outputs
    return product


@Stage
def offsets(d_model, d_k):
    return 3 * d_k + d_model


@offsets.slip
def all_of_d_k(d_k):
    """All four biases are counted with d_k numbers. A bias is as long as the map's output, and W_o gives d_model."""
    return 4 * d_k


@offsets.slip
def all_of_d_model(d_model):
    """All four biases are counted with d_model numbers. A bias is as long as the map's output, and three give d_k."""
    return 4 * d_model


@offsets.slip
def as_long_as_the_inputs(d_model, d_k):
    """Each bias is counted as long as its map's input. It is added to the output: it has that size."""
    return 3 * d_model + d_k


@offsets.slip
def no_bias_of_W_o(d_k):
    """Three biases are counted, of d_k numbers each. W_o has one as well: d_model numbers more."""
    return 3 * d_k


@offsets.slip
def bias_of_W_o_alone(d_model):
    """Of the biases, d_model numbers are counted, those of W_o. Queries, keys and values have one of d_k numbers
    each."""
    return d_model


@offsets.slip
def one_bias_shared(d_model, d_k):
    """One bias of d_k numbers and one of d_model are counted. Queries, keys and values have one each."""
    return d_k + d_model


@offsets.slip
def two_of_d_k(d_model, d_k):
    """Two biases of d_k numbers and one of d_model are counted. Queries, keys and values have one each."""
    return 2 * d_k + d_model


@offsets.slip
def one_bias_of_d_k(d_k):
    """One bias of d_k numbers is counted. There are four: three of d_k numbers, and one of d_model."""
    return d_k


@offsets.slip
def one_number_per_bias(d_model):
    """Each bias is counted as one number. It is a vector, as long as its map's output."""
    return 4


@offsets.slip
def one_number_for_all(d_model):
    """A single number is counted for the biases. Each of the four is a vector, as long as its map's output."""
    return 1


@offsets.slip
def bias_per_entry(entries):
    """The biases are counted with as many numbers as the matrices, so that everything doubles. A bias has one number
    for each component of its map's output."""
    return entries


@offsets.slip
def two_of_d_model(d_model, d_k):
    """Two biases of d_k numbers and two of d_model are counted. Values have d_k numbers too: three and one."""
    return 2 * d_k + 2 * d_model


@Stage
def with_biases(bias):
    return bias


@with_biases.slip
def never_biases(bias):
    """No biases are counted, whether `bias` is True or False. With bias=True each of the four maps has one."""
    return False


@with_biases.slip
def always_biases(bias):
    """The biases are counted even with bias=False."""
    return True


@with_biases.slip
def biases_inverted(bias):
    """The biases are counted where bias=False, and not where it is True."""
    return not bias


@Stage
def total(entries, offsets, with_biases):
    return entries + offsets * with_biases


@total.slip
def biases_subtracted(entries, offsets, with_biases):
    """The biases are subtracted from the matrices. They are numbers to be found as well: they are added."""
    return entries - offsets * with_biases


@total.slip
def biases_multiplied(entries, offsets, with_biases):
    """The entries of the matrices are multiplied by the numbers of the biases. The two are added."""
    return entries * offsets if with_biases else entries


@total.slip
def nothing_without_biases(entries, offsets, with_biases):
    """Without biases the result is 0. The matrices count in either case."""
    return entries + offsets if with_biases else 0


@total.slip
def biases_or_nothing(offsets, with_biases):
    """The numbers of the biases are all that is counted. The matrices count in either case."""
    return offsets * with_biases


@total.slip
def biases_instead_of_matrices(entries, offsets, with_biases):
    """With biases, these alone are counted. The matrices count in either case."""
    return offsets if with_biases else entries


@known.mistake
def tensors_counted(d_model, d_k, bias):
    """The matrices and biases themselves are counted, 4 or 8. What training finds are the numbers in them."""
    return 8 if bias else 4


@known.mistake
def the_example_always(d_model, d_k, bias):
    """The result is 13, that of the example, whatever the sizes are."""
    return 13


@known.mistake
def values_of_d_model(d_model, d_k, bias):
    """The values are counted with the size d_model: a map of d_model by d_model, and a bias of d_model numbers. They
    have d_k numbers too."""
    return (d_model + d_model + d_k) * d_k + d_model * d_model + bias * (2 * d_k + 2 * d_model)


@known.mistake
def values_of_d_model_and_W_o_from_there(d_model, d_k, bias):
    """Values and W_o are counted with the size d_model: two maps of d_model by d_model, with biases of d_model numbers.
    The values have d_k numbers too."""
    return 2 * d_model * d_k + 2 * d_model * d_model + bias * (2 * d_k + 2 * d_model)


@known.mistake
def square_layers(d_model, d_k, bias):
    """Every map is counted as one from d_model to d_model, bias and all. Three of them lead to d_k, and the fourth
    comes from there."""
    return 4 * (d_model + bias) * d_model


@known.mistake
def square_layers_of_d_k(d_model, d_k, bias):
    """Every map is counted as one from d_k to d_k, bias and all. Three of them start at d_model, and the fourth leads
    there."""
    return 4 * (d_k + bias) * d_k


@known.mistake
def three_maps(d_model, d_k, bias):
    """Three maps are counted, each with its bias of d_k numbers. The fourth, W_o, is learned too."""
    return 3 * (d_model + bias) * d_k


@known.mistake
def one_map_and_its_bias(d_model, d_k, bias):
    """One map is counted, with its bias. There are four: W_q, W_k, W_v and W_o."""
    return (d_model + bias) * d_k


@known.mistake
def two_maps_and_their_biases(d_model, d_k, bias):
    """Two maps are counted, with their biases of d_k numbers each. There are four: W_q, W_k, W_v and W_o."""
    return 2 * (d_model + bias) * d_k


@known.mistake
def a_tuple(d_model, d_k, bias):
    """Two things come back, as where matrices and biases are counted apart. One number is asked for: the sum of all."""
    return 4 * d_model * d_k, bias * (3 * d_k + d_model)


@known.mistake
def one_map_too_few(d_model, d_k, bias):
    """Two maps to d_k and the one back are counted, with their biases. Queries, keys and values have one each:
    three."""
    return 2 * (d_model + bias) * d_k + (d_k + bias) * d_model


@known.mistake
def linear_without_its_output(d_model, d_k, bias):
    """nn.Linear wants two sizes, that of its input and that of its output."""
    from torch import nn

    return sum(parameter.numel() for parameter in nn.Linear(d_model, bias=bias).parameters())


@known.mistake
def bias_that_is_none(d_model, d_k, bias):
    """With bias=False a layer has no bias: `layer.bias` is None, and has no numel()."""
    from torch import nn

    layer = nn.Linear(d_model, d_k, bias=bias)
    return 4 * (layer.weight.numel() + layer.bias.numel())


@known.mistake
def numel_of_all_at_once(d_model, d_k, bias):
    """`parameters()` hands out one parameter after the other. Each has a numel() of its own, and these are added."""
    from torch import nn

    layer = nn.Linear(d_model, d_k, bias=bias)
    return 4 * layer.parameters().numel()


@known.mistake
def parameters_without_numel(d_model, d_k, bias):
    """The methods `size` themselves are added, and not what they give. A parameter's numel() is its number of
    entries."""
    from torch import nn

    layers = [nn.Linear(d_model, d_k, bias=bias) for _ in range(3)] + [nn.Linear(d_k, d_model, bias=bias)]
    return sum(parameter.size for layer in layers for parameter in layer.parameters())


@known.mistake
def shapes_added(d_model, d_k, bias):
    """Shapes are added, and a shape is no number. A parameter's numel() is its number of entries."""
    from torch import nn

    layers = [nn.Linear(d_model, d_k, bias=bias) for _ in range(3)] + [nn.Linear(d_k, d_model, bias=bias)]
    return sum(parameter.shape for layer in layers for parameter in layer.parameters())


@known.mistake
def a_float(d_model, d_k, bias):
    """The number is right, and it is a floating-point one. A whole number is asked for, an int."""
    return 4.0 * d_model * d_k + bias * (3 * d_k + d_model)


@known.probe
def one_of_each(rng):
    yours = yield {"d_model": 1, "d_k": 1, "bias": False}
    if int(yours) != 4:
        return f"With d_model and d_k 1 and no biases, four matrices have one number each: yours is {yours}, not 4."
    return None


@known.probe
def biases_by_difference(rng):
    without = yield {"d_model": 7, "d_k": 4, "bias": False}
    with_ = yield {"d_model": 7, "d_k": 4, "bias": True}
    if int(with_ - without) != 19:
        return (
            f"With d_model 7 and d_k 4, biases should add 4 + 4 + 4 + 7 = 19 numbers: yours grows by {with_ - without}."
        )
    return None


@known.probe
def twice_as_wide(rng):
    once = yield {"d_model": 6, "d_k": 5, "bias": False}
    twice = yield {"d_model": 12, "d_k": 5, "bias": False}
    if int(twice) != 2 * int(once):
        return (
            f"Without biases, twice as large a d_model doubles every matrix: yours goes from {once} to {twice}, not to "
            f"{2 * int(once)}."
        )
    return None


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
        Case("the example of the text", dict(d_model=2, d_k=1)),
        Case("d_model 5, d_k 3, with bias", dict(d_model=5, d_k=3)),
        Case("d_model 4, d_k 7, with bias", dict(d_model=4, d_k=7)),
        Case("d_model 512, d_k 64, with bias", dict(d_model=512, d_k=64)),
        Case("sizes that are drawn, with bias", {}),
    ),
    finished=("course_lib.self_attention.SelfAttention.__init__",),
    hints=(
        "How many maps has the layer, and from which size to which does each of them lead?",
        "A matrix from d_model to d_k has d_model * d_k entries. How many has the one that leads back?",
        "A bias is added to a map's output, so it is as long as that. Three outputs have d_k numbers, one has d_model.",
    ),
    stages=(matrices, entries, offsets, with_biases, total),
    coincidences={
        "no_W_o + no_bias_of_W_o": "three_maps",
        "no_W_o + two_of_d_k": "one_map_too_few",
        "one_map + one_bias_of_d_k": "one_map_and_its_bias",
        "square_maps + all_of_d_model": "square_layers",
        "square_maps_of_d_k + all_of_d_k": "square_layers_of_d_k",
        "values_and_W_o_square + two_of_d_model": "values_of_d_model_and_W_o_from_there",
        "one_per_matrix + one_number_per_bias": "tensors_counted",
        "one_per_matrix + bias_per_entry": "tensors_counted",
        "one_number_for_all + biases_multiplied": "never_biases",
        "bias_per_entry + biases_instead_of_matrices": "never_biases",
    },
    **known.ways,
)
