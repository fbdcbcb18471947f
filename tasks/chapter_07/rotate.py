"""07.rotate: turn each pair of components by an angle that grows with the position (Su et al. 2021, 3.4.2, eq. 34)."""

import numpy as np
import torch

from course_lib.positional_encoding import rotate as reference
from grader.known import Known
from grader.task import Case, Task

known = Known()


def vectors_from_a_position(rng, length, d_k, start, **leading):
    return {"x": rng.normal(size=(*leading.values(), length, d_k)), "start": start}


def ones_and_zeros(rng, length, d_k, start):
    """Each pair is [1, 0], so that the result shows cosine and sine."""
    return {"x": np.tile([1.0, 0.0], (length, d_k // 2)), "start": start}


def _cos_sin(x, first, exponents=None):
    exponents = torch.arange(0, x.shape[-1], 2) / x.shape[-1] if exponents is None else exponents
    angles = torch.arange(first, first + x.shape[-2])[:, None] * 10000.0**-exponents  # (length, d_k / 2)
    return torch.cos(angles), torch.sin(angles)


def _turned(x, cos, sin):
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack([even * cos - odd * sin, even * sin + odd * cos], dim=-1).flatten(-2)


@known.mistake
def start_ignored(x, start):
    """The positions begin at 0, whatever start is. The first element of x stands at position start."""
    return _turned(x, *_cos_sin(x, 0))


@known.mistake
def positions_from_one(x, start):
    """The positions are one too high. The first element of x stands at position start, and at position 0 nothing
    turns."""
    return _turned(x, *_cos_sin(x, start + 1))


@known.mistake
def all_by_the_same_angle(x, start):
    """Every element is turned by the angle of position start. The element t steps further on stands at start + t."""
    return _turned(x, *_cos_sin(x[..., :1, :], start))


@known.mistake
def the_wrong_way(x, start):
    """Everything turns the wrong way round: the minus stands at the other sine. The first component loses sine times
    the second; the second gains sine times the first."""
    cos, sin = _cos_sin(x, start)
    return _turned(x, cos, -sin)


@known.mistake
def minus_forgotten(x, start):
    """There is no minus, so this is no rotation and lengths change. The first component is cosine times itself minus
    sine times the second."""
    cos, sin = _cos_sin(x, start)
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack([even * cos + odd * sin, even * sin + odd * cos], dim=-1).flatten(-2)


@known.mistake
def sine_and_cosine_swapped(x, start):
    """Sine and cosine are swapped. At position 0 nothing may turn: there the cosine is 1 and the sine 0."""
    cos, sin = _cos_sin(x, start)
    return _turned(x, sin, cos)


@known.mistake
def pairs_from_two_halves(x, start):
    """Component i is paired with component i + d_k / 2. Some models do so; here, as in the paper, neighbors form a
    pair: components 2i and 2i + 1."""
    cos, sin = _cos_sin(x, start)
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cos - second * sin, first * sin + second * cos], dim=-1)


@known.mistake
def results_in_two_halves(x, start):
    """The pairs are turned rightly, but then all the first components are put in front of all the second ones. Put
    each back in its place: 2i and 2i + 1."""
    cos, sin = _cos_sin(x, start)
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.cat([even * cos - odd * sin, even * sin + odd * cos], dim=-1)


@known.mistake
def partners_from_two_halves(x, start):
    """The angles go by neighbors, but the partner of each component is taken from the other half of the vector. The
    partner of component 2i is 2i + 1."""
    cos, sin = (values.repeat_interleave(2, dim=-1) for values in _cos_sin(x, start))
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat([-second, first], dim=-1) * sin


@known.mistake
def degrees(x, start):
    """The angles are taken for degrees. They are radians, which torch.cos and torch.sin expect: no conversion is
    needed."""
    exponents = torch.arange(0, x.shape[-1], 2) / x.shape[-1]
    angles = torch.deg2rad(torch.arange(start, start + x.shape[-2])[:, None] * 10000.0**-exponents)
    return _turned(x, torch.cos(angles), torch.sin(angles))


@known.mistake
def overwritten_on_the_way(x, start):
    """The first component of each pair is overwritten before the second is computed from it. Both need the old
    values."""
    cos, sin = _cos_sin(x, start)
    turned = x.clone()
    turned[..., 0::2] = turned[..., 0::2] * cos - turned[..., 1::2] * sin
    turned[..., 1::2] = turned[..., 0::2] * sin + turned[..., 1::2] * cos
    return turned


@known.mistake
def exponent_without_the_two(x, start):
    """The exponent is i / d_k. It is 2i / d_k, where i counts the pairs."""
    return _turned(x, *_cos_sin(x, start, torch.arange(x.shape[-1] // 2) / x.shape[-1]))


@known.mistake
def exponent_with_two_twos(x, start):
    """The exponent is twice too large. 2i is already the number of an even component: divide that by d_k, without
    another factor of 2."""
    return _turned(x, *_cos_sin(x, start, 2 * torch.arange(0, x.shape[-1], 2) / x.shape[-1]))


@known.mistake
def the_same_speed_for_all_pairs(x, start):
    """All pairs turn by the same angle, the position itself. Pair i turns 10000 to the power of 2i / d_k times more
    slowly."""
    return _turned(x, *_cos_sin(x, start, torch.zeros(x.shape[-1] // 2)))


@known.mistake
def only_stretched(x, start):
    """Each component is multiplied by a cosine or a sine, and the pairs do not mix. A rotation takes both components
    into both results."""
    cos, sin = _cos_sin(x, start)
    return torch.stack([x[..., 0::2] * cos, x[..., 1::2] * sin], dim=-1).flatten(-2)


@known.mistake
def added_instead_of_turned(x, start):
    """Sines and cosines are added to x. Rotary positions add nothing: they turn each pair of components."""
    cos, sin = _cos_sin(x, start)
    return x + torch.stack([sin, cos], dim=-1).flatten(-2)


@known.always
def lengths_stay(inputs, output):
    """A rotation leaves the length of every pair (2i, 2i + 1) as it was. Yours changes."""

    def squares(x):
        return x[..., 0::2] ** 2 + x[..., 1::2] ** 2

    return np.allclose(squares(output), squares(inputs["x"]), rtol=1e-3, atol=1e-4)


@known.legal
def by_stacking(x, start):
    return _turned(x, *_cos_sin(x, start))


@known.legal
def by_complex_numbers(x, start):
    cos, sin = _cos_sin(x, start)
    numbers = torch.view_as_complex(x.reshape(*x.shape[:-1], -1, 2).contiguous())
    return torch.view_as_real(numbers * torch.complex(cos, sin)).flatten(-2)


@known.legal
def with_matrices(x, start):
    length, d_k = x.shape[-2:]
    turned = x.clone()
    for t in range(length):
        for i in range(d_k // 2):
            angle = torch.tensor((start + t) / 10000 ** (2 * i / d_k))
            matrix = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()]).reshape(2, 2)
            turned[..., t, 2 * i : 2 * i + 2] = x[..., t, 2 * i : 2 * i + 2] @ matrix.T
    return turned


@known.legal
def with_a_swapped_copy(x, start):
    cos, sin = (values.repeat_interleave(2, dim=-1) for values in _cos_sin(x, start))
    swapped = torch.stack([-x[..., 1::2], x[..., 0::2]], dim=-1).flatten(-2)
    return x * cos + swapped * sin


@known.borrowed
def by_course_lib(x, start):
    from course_lib.positional_encoding import rotate

    return rotate(x, start)


TASK = Task(
    id="07.rotate",
    title="Turn by the position",
    difficulty=2,
    minutes=12,
    reference=reference,
    draw=vectors_from_a_position,
    library="torch",
    cases=(
        Case(
            "all pairs are [1, 0], from position 0 on",
            dict(length=3, d_k=4, start=0),
            dtype="float32",
            draw=ones_and_zeros,
        ),
        Case("4 positions from position 2 on", dict(length=4, d_k=6, start=2), dtype="float32"),
        Case("a batch of sequences", dict(batch=2, length=5, d_k=4, start=0), dtype="float32"),
        Case("a batch, several heads", dict(batch=2, num_heads=3, length=5, d_k=8, start=11), dtype="float32"),
    ),
    finished=("course_lib.positional_encoding.rotate",),
    hints=(
        "What happens to a vector at position 0? And to the pair [1, 0] at position 1, if it turns by one radian?",
        (
            "Take the pairs apart: `even = x[..., 0::2]` and `odd = x[..., 1::2]`, each (..., length, d_k / 2). The "
            "angles have shape (length, d_k / 2) and broadcast."
        ),
        (
            "The angle of pair i at position t is t times 10000.0 to the power of -2i / d_k; the positions go from "
            "start to start + length - 1."
        ),
        (
            "The new even components are even * cos - odd * sin, the new odd ones even * sin + odd * cos. To put them "
            "back, stack them on a new last axis and flatten the last two, or fill a copy of x."
        ),
    ),
    **known.ways,
)
