"""The angles of sines, cosines and rotations as stages: positions, frequencies, and their products, with the slips that
people make in them (Vaswani et al. 2017, section 3.5; Su et al. 2021, eq. 34).

A task gives its inputs the names x, a tensor (..., length, d), and start, the position of the first element. All is
computed in float32, as most people do.
"""
# ruff: noqa: RUF059 - a line that stops stands here as people write it

import math

import torch

from grader.stages import Stage


@Stage
def positions(x, start):
    return torch.arange(start, start + x.shape[-2])  # (length,)


@positions.slip
def positions_from_one(x, start):
    """The positions are one too high. The first element of x stands at position start, which is 0 for a sequence from
    its beginning."""
    return positions(x, start) + 1


@positions.slip
def positions_one_too_low(x, start):
    """The positions are one too low. The first element of x stands at position start."""
    return positions(x, start) - 1


@positions.slip
def start_ignored(x, start):
    """The positions begin at 0, whatever start is. The first element of x stands at position start."""
    return positions(x, 0)


@positions.slip
def start_twice(x, start):
    """start counts twice: the first element is put at 2 * start. It stands at position start."""
    return positions(x, 2 * start)


@positions.slip
def all_at_the_start(x, start):
    """All elements are taken to stand at position start. The element t steps further on stands at start + t."""
    return positions(x, start)[:1]


@positions.slip
def from_right_to_left(x, start):
    """The positions run backward: the last element of x is put at position start, where the first one stands."""
    return positions(x, start).flip(0)


@positions.slip
def parts_of_the_length(x, start):
    """The positions are divided by the length of the sequence. They are whole numbers: start, start + 1, and so on."""
    return positions(x, start) / x.shape[-2]


@positions.slip
def along_the_first_axis(x, start):
    """In a batch, the positions are counted along the first axis, so that all elements of a sequence
    stand at the same position. They run along the second axis from the right: x.shape[-2]."""
    return torch.arange(start, start + len(x)).reshape(len(x), *[1] * (x.ndim - 2))


@positions.slip
def along_the_second_axis(x, start):
    """The second axis from the left is taken for the length of a sequence. That is so with one batch axis alone: with
    none it is the size of a vector. Count from the right: x.shape[-2]."""
    return positions(x.swapaxes(1, -2), start)


@positions.slip
def on_through_the_batch(x, start):
    """In a batch, the positions run on from the end of one sequence to the beginning of the next. Each begins at
    start."""
    return torch.arange(start, start + x[..., 0].numel()).reshape(x.shape[:-1])


@positions.slip
def from_start_to_length(x, start):
    """The positions end at length - 1, wherever they begin: start to length holds too few of them, or none. The last
    element stands at start + length - 1."""
    return torch.arange(start, x.shape[-2])


@positions.slip
def always_a_batch(x, start):
    """The shape of x is taken apart into three sizes, and x may have no batch, or several leading axes. The last two
    are x.shape[-2:]."""
    batch, length, d_model = x.shape
    return torch.arange(start, start + length)


@Stage
def exponents(x):
    """For each component: 2i / d, where i is the number of its pair."""
    return torch.arange(0, x.shape[-1], 2).repeat_interleave(2) / x.shape[-1]  # (d,)


@exponents.slip
def exponent_without_the_two(x):
    """The exponent is i / d, with d for the size of a vector. It is 2i / d, where i counts the pairs: for d = 4, the
    second pair turns 100 times more slowly than the first, not 10 times."""
    return exponents(x) / 2


@exponents.slip
def exponent_with_two_twos(x):
    """The exponent is 4i / d, with d for the size of a vector. 2i is already the number of an even component: divide
    that by d, without another factor of 2."""
    return 2 * exponents(x)


@exponents.slip
def an_angle_for_each_component(x):
    """Every component has a frequency of its own: component j the exponent j / d, with d for the size of a vector. The
    two components of a pair share one angle, with the exponent 2i / d: at 2i + 1 it is the same as at 2i."""
    return torch.arange(x.shape[-1]) / x.shape[-1]


@exponents.slip
def components_for_pairs(x):
    """Component j has the exponent 2j / d, with d for the size of a vector. In the formula i counts the pairs: the
    components 2i and 2i + 1 share the exponent 2i / d."""
    return 2 * torch.arange(x.shape[-1]) / x.shape[-1]


@exponents.slip
def exponents_side_by_side(x):
    """The exponents of all pairs stand side by side, and then once more, so that neighbors have different ones. The
    components 2i and 2i + 1 share one."""
    return exponents(x)[::2].repeat(2)


@exponents.slip
def frequencies_to_the_end(x):
    """The exponents run from 0 to 1 and include both ends. In the formula the last one is that of the last pair,
    (d - 2) / d, which is below 1."""
    return torch.linspace(0, 1, x.shape[-1] // 2).repeat_interleave(2)


@exponents.slip
def pairs_from_one(x):
    """The pairs are counted from 1. They count from 0: the exponent of the first pair is 0, and its angle the position
    itself."""
    return exponents(x) + 2 / x.shape[-1]


@exponents.slip
def pairs_backward(x):
    """The pairs are in reverse order: the last one has the exponent 0. It should be the first one."""
    return exponents(x).flip(0)


@exponents.slip
def the_same_speed_for_all_pairs(x):
    """All pairs have the same angle, the position itself, as with the exponent 0. Pair i turns 10000 to the power of
    2i / d times more slowly than the first, d being the size of a vector."""
    return 0 * exponents(x)


@exponents.slip
def exponent_not_divided(x):
    """The exponent is 2i. It is divided by the size of a vector, so that it stays below 1."""
    return exponents(x) * x.shape[-1]


@Stage
def frequencies(exponents):
    return 10000.0**-exponents  # (d,)


@frequencies.slip
def a_thousand(exponents):
    """The base is 1000. In the formula it is 10000."""
    return 1000.0**-exponents


@frequencies.slip
def base_e(exponents):
    """The frequencies are powers of e. The base is 10000: as an exponential, that is exp(-log(10000) * 2i / d),
    with the natural logarithm."""
    return torch.exp(-exponents)


@frequencies.slip
def logarithm_of_base_ten(exponents):
    """The logarithm of 10000 is taken to base 10, where it is 4. Under an exponential it is the natural one, 9.21."""
    return torch.exp(-math.log10(10000) * exponents)


@frequencies.slip
def multiplied_by_the_power(exponents):
    """The position is multiplied by the power of 10000. It is divided by it: later pairs turn more slowly, not
    faster."""
    return 10000.0**exponents


@frequencies.slip
def divided_after_the_power(exponents, x):
    """10000 is raised to the power of -2i, and then comes the division by d, the size of a vector. The exponent is
    -2i / d as a whole: powers bind before divisions."""
    return 10000.0 ** (-exponents * x.shape[-1]) / x.shape[-1]


@frequencies.slip
def only_the_power_divided(exponents, x):
    """10000 is raised to the power of 2i, and the result, divided by d, the size of a vector, divides the position. The
    exponent is 2i / d as a whole: powers bind before divisions."""
    return x.shape[-1] * 10000.0 ** (-exponents * x.shape[-1])


@Stage
def angles(positions, frequencies):
    return positions[..., None] * frequencies  # (..., length, d)


@angles.slip
def full_turns(positions, frequencies):
    """The angles are multiplied by 2 pi. The formula has none: at position 1 the first pair turns by 1 radian."""
    return 2 * math.pi * positions[..., None] * frequencies


@angles.slip
def degrees(positions, frequencies):
    """The angles are taken for degrees, and converted. They are radians already, as torch.sin and torch.cos expect."""
    return torch.deg2rad(positions[..., None] * frequencies)


@angles.slip
def whole_angles(positions, frequencies):
    """The angles are rounded down to whole numbers. Small angles tell neighboring positions apart."""
    return torch.floor(positions[..., None] * frequencies)


@angles.slip
def power_of_the_quotient(positions, exponents):
    """The position is divided by 10000 first, and the quotient raised to the power of 2i / d. 10000 alone is
    raised."""
    return (positions[..., None] / 10000.0) ** exponents


@angles.slip
def no_axis_for_the_frequencies(positions, frequencies):
    """Positions (length,) and frequencies (d / 2,) are multiplied element by element. Each position meets each
    frequency: give the positions a second axis, so that they are a column."""
    t, freq = positions, frequencies[::2]
    return (t * freq).repeat_interleave(2)


@angles.slip
def no_axis_for_the_positions(positions, frequencies):
    """The positions, as floating-point numbers of shape (length,), are multiplied with frequencies (d / 2,)
    element by element, where each position should meet each frequency. Positions in a column do that."""
    t, freq = positions.float(), frequencies[::2]
    return (t * freq).repeat_interleave(2)


@angles.rare
def no_axis_where_the_power_is_taken(positions, exponents):
    """Positions (length,) and the powers of 10000, (d / 2,), are multiplied element by element, which fits only where
    the sizes do. Each position meets each frequency: give the positions a second axis, so that they are a column."""
    t, i = positions.float(), exponents.tolist()[::2]
    return (t * 10000.0 ** -torch.tensor(i)).repeat_interleave(2)
