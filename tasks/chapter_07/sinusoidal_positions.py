"""07.sinusoidal_positions: sines and cosines, added along the right axis (Vaswani et al. 2017, section 3.5)."""

import math

import numpy as np
import torch

from course_lib.positional_encoding import sinusoidal_encoding
from grader.known import Known
from grader.task import Case, Task

known = Known()


def words_from_a_position(rng, length, d_model, start, **leading):
    return {"x": rng.normal(size=(*leading.values(), length, d_model)), "start": start}


def zeros_from_a_position(rng, length, d_model, start):
    return {"x": np.zeros((length, d_model)), "start": start}


def reference(x, start):
    return x + sinusoidal_encoding(start + x.shape[-2], x.shape[-1], like=x)[start:]


def _angles(x, first, exponents):
    positions = torch.arange(first, first + x.shape[-2])[:, None]
    return positions * 10000.0**-exponents  # (length, d_model / 2)


def _pairs(x):
    """The right exponents: 2i / d_model for the pairs i."""
    return torch.arange(0, x.shape[-1], 2) / x.shape[-1]


def _interleaved(first, second):
    return torch.stack([first, second], dim=-1).flatten(-2)


def _waves(angles):
    return _interleaved(torch.sin(angles), torch.cos(angles))


@known.mistake
def halves_instead_of_pairs(x, start):
    """All the sines stand in the first half and all the cosines in the second. Here they take turns: sine in component
    2i, cosine in component 2i + 1."""
    angles = _angles(x, start, _pairs(x))
    return x + torch.cat([torch.sin(angles), torch.cos(angles)], dim=-1)


@known.mistake
def cosine_first(x, start):
    """Sine and cosine are swapped. The sine stands in the even components, counted from 0, and the cosine in the odd
    ones."""
    angles = _angles(x, start, _pairs(x))
    return x + _interleaved(torch.cos(angles), torch.sin(angles))


@known.mistake
def sines_everywhere(x, start):
    """Both components of a pair hold the sine. The second one holds the cosine of the same angle."""
    angles = _angles(x, start, _pairs(x))
    return x + _interleaved(torch.sin(angles), torch.sin(angles))


@known.mistake
def exponent_without_the_two(x, start):
    """The exponent is i / d_model. It is 2i / d_model, where i counts the pairs. With d_model 4, the
    second pair turns 100 times more slowly than the first, not 10 times."""
    return x + _waves(_angles(x, start, _pairs(x) / 2))


@known.mistake
def exponent_with_two_twos(x, start):
    """The exponent is twice too large. 2i is already the number of an even component: divide that by d_model, without
    another factor of 2."""
    return x + _waves(_angles(x, start, 2 * _pairs(x)))


@known.mistake
def an_angle_for_each_component(x, start):
    """Every component has a frequency of its own. The two components of a pair share one angle: the cosine at 2i + 1
    uses the same exponent 2i / d_model as the sine at 2i."""
    angles = torch.arange(start, start + x.shape[-2])[:, None] * 10000.0 ** -(torch.arange(x.shape[-1]) / x.shape[-1])
    return x + torch.where(torch.arange(x.shape[-1]) % 2 == 0, torch.sin(angles), torch.cos(angles))


@known.mistake
def frequencies_to_the_end(x, start):
    """The exponents run from 0 to 1 and include both ends. In the formula the last one is 2i / d_model for the last
    pair, which is a little below 1."""
    return x + _waves(_angles(x, start, torch.linspace(0, 1, x.shape[-1] // 2)))


@known.mistake
def the_same_speed_for_all_pairs(x, start):
    """All pairs have the same angle, the position itself. Pair i is 10000 to the power of 2i / d_model times slower; an
    exponent that is rounded down, as // does, is always 0."""
    return x + _waves(_angles(x, start, 0 * _pairs(x)))


@known.mistake
def a_thousand(x, start):
    """The base is 1000. In the formula it is 10000."""
    return x + _waves(_angles(x, start, _pairs(x) * 0.75))


@known.mistake
def multiplied_by_the_power(x, start):
    """The position is multiplied by the power of 10000. It is divided by it: later pairs turn more slowly, not
    faster."""
    positions = torch.arange(start, start + x.shape[-2])[:, None]
    return x + _waves(positions * 10000.0 ** _pairs(x))


@known.mistake
def positions_from_one(x, start):
    """The positions are one too high. The first element of x stands at position start, which is 0 for a sequence from
    its beginning."""
    return x + _waves(_angles(x, start + 1, _pairs(x)))


@known.mistake
def start_ignored(x, start):
    """The positions begin at 0, whatever start is. The first element of x stands at position start."""
    return x + _waves(_angles(x, 0, _pairs(x)))


@known.mistake
def all_at_the_start(x, start):
    """Every element gets the vector of position start. The element t steps further on stands at start + t."""
    return x + _waves(_angles(x[..., :1, :], start, _pairs(x)))


@known.mistake
def along_the_first_axis(x, start):
    """Right for one sequence. With a batch, the positions are counted along the first axis, so that all elements of a
    sequence get the same vector. Positions run along the second axis from the right: x.shape[-2]."""
    vectors = _waves(torch.arange(start, start + len(x))[:, None] * 10000.0 ** -_pairs(x))
    return x + vectors.reshape(len(x), *[1] * (x.ndim - 2), x.shape[-1])


@known.mistake
def not_added(x, start):
    """These are the vectors of the positions alone, and x is lost. Add them to x."""
    return _waves(_angles(x, start, _pairs(x))).expand(x.shape)


@known.mistake
def x_scaled_as_well(x, start):
    """x is multiplied by the square root of d_model before the sum. Vaswani et al. do so in their embedding layer;
    here x comes as it is."""
    return x * math.sqrt(x.shape[-1]) + _waves(_angles(x, start, _pairs(x)))


@known.always
def pairs_of_length_one(inputs, output):
    """In what you add, each pair (2i, 2i + 1) should be a sine and the cosine of the same angle, whose squares sum to
    1."""
    added = output - inputs["x"]
    return np.allclose(added[..., 0::2] ** 2 + added[..., 1::2] ** 2, 1, atol=1e-4)


@known.legal
def filling_columns(x, start):
    vectors = torch.zeros(x.shape[-2:], dtype=x.dtype)
    angles = _angles(x, start, _pairs(x))
    vectors[:, 0::2] = torch.sin(angles)
    vectors[:, 1::2] = torch.cos(angles)
    return x + vectors


@known.legal
def with_loops(x, start):
    result = x.clone()
    d_model = x.shape[-1]
    for t in range(x.shape[-2]):
        for i in range(d_model // 2):
            angle = (start + t) / 10000 ** (2 * i / d_model)
            result[..., t, 2 * i] += math.sin(angle)
            result[..., t, 2 * i + 1] += math.cos(angle)
    return result


@known.legal
def by_exponential_of_logarithm(x, start):
    frequencies = torch.exp(torch.arange(0, x.shape[-1], 2) * (-math.log(10000.0) / x.shape[-1]))
    return x + _waves(torch.outer(torch.arange(start, start + x.shape[-2]).float(), frequencies))


@known.legal
def with_numpy(x, start):
    angles = np.outer(np.arange(start, start + x.shape[-2]), 1 / 10000 ** (np.arange(0, x.shape[-1], 2) / x.shape[-1]))
    waves = np.exp(1j * angles)
    vectors = np.stack([waves.imag, waves.real], axis=-1).reshape(x.shape[-2:])
    return x + torch.from_numpy(vectors).to(x.dtype)


@known.borrowed
def by_course_lib(x, start):
    from course_lib.positional_encoding import SinusoidalPositions

    return SinusoidalPositions()(x, start)


TASK = Task(
    id="07.sinusoidal_positions",
    title="Sines and cosines for positions",
    difficulty=2,
    minutes=12,
    reference=reference,
    draw=words_from_a_position,
    library="torch",
    cases=(
        Case(
            "zeros, so that you see what is added",
            dict(length=3, d_model=4, start=0),
            dtype="float32",
            draw=zeros_from_a_position,
        ),
        Case("5 positions from position 2 on", dict(length=5, d_model=6, start=2), dtype="float32"),
        Case("a batch of sequences", dict(batch=3, length=4, d_model=10, start=0), dtype="float32"),
        Case("a batch, further on", dict(batch=2, length=7, d_model=8, start=20), dtype="float32"),
    ),
    finished=(
        "course_lib.positional_encoding.sinusoidal_encoding",
        "course_lib.positional_encoding.SinusoidalPositions.forward",
    ),
    hints=(
        "How many different angles does one position have: d_model, or half as many? What are the positions of x?",
        (
            "The positions are `torch.arange(start, start + length)`, with length = x.shape[-2]. As a column (length, "
            "1), they broadcast against a row of frequencies."
        ),
        (
            "`torch.arange(0, d_model, 2)` is 2i for all pairs i. The frequencies are 10000.0 to the power of minus "
            "2i / d_model."
        ),
        (
            "Make `vectors = torch.zeros(length, d_model)`, then fill `vectors[:, 0::2]` with the sines of the angles "
            "and `vectors[:, 1::2]` with their cosines; the sum with x broadcasts over the batch."
        ),
    ),
    **known.ways,
)
