"""07.rotate: turn each pair of components by an angle that grows with the position (Su et al. 2021, 3.4.2, eq. 34)."""
# ruff: noqa: RUF059 - a line that stops stands here as people write it

import math

import numpy as np
import torch

from course_lib.positional_encoding import rotate as reference
from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Task
from tasks.angle_stages import angles, exponents, frequencies, positions
from tasks.probes import first_difference

known = Known()
positions = positions.but("parts_of_the_length")


def vectors_from_a_position(rng, length, d_k, start, **leading):
    return {"x": rng.normal(size=(*leading.values(), length, d_k)), "start": start}


def the_example(rng, length, d_k, start):
    return {"x": np.array([[1.0, 0.0, 0.0, 2.0]]), "start": start}


def zeros(rng, length, d_k, start):
    return {"x": np.zeros((length, d_k)), "start": start}


@positions.slip
def always_a_batch_and_heads(x, start):
    """The shape of x is taken apart into four sizes, and x may have no leading axes, or one. The last two are
    x.shape[-2:]."""
    batch, heads, length, d_k = x.shape
    return torch.arange(start, start + length)


angles = angles.but()


@angles.rare
def no_axis_beside_x(positions, x):
    """Positions (length,) and frequencies (d_k / 2,) are multiplied element by element, which fits only where the sizes
    do. Each position meets each frequency: give the positions a second axis, so that they are a column."""
    t, d = positions.to(x.dtype), x.shape[-1]
    return (t * 10000.0 ** (-torch.arange(0, d, 2, dtype=x.dtype) / d)).repeat_interleave(2)


@Stage
def waves(angles):
    """Cosine and sine for each component."""
    return torch.cos(angles), torch.sin(angles)  # (..., length, d_k)


@waves.slip
def the_wrong_way(angles):
    """Everything turns the wrong way round, as by the negative angle. The first component loses sine times the second;
    the second gains sine times the first."""
    return torch.cos(angles), -torch.sin(angles)


@waves.slip
def sine_and_cosine_swapped(angles):
    """Sine and cosine are swapped. At position 0 nothing may turn: there the cosine is 1 and the sine 0."""
    return torch.sin(angles), torch.cos(angles)


@waves.slip
def a_plain_number_wanted(angles):
    """The cosine of a plain number is asked for, and there are several angles. torch.cos and torch.sin take a whole
    tensor."""
    theta = angles[..., 0::2]
    return math.cos(theta) * torch.ones_like(angles), math.sin(theta) * torch.ones_like(angles)


@Stage
def pairs(x):
    """The numbers of the first components of all pairs, and those of the second ones."""
    return torch.arange(x.shape[-1]).reshape(-1, 2).T  # (2, d_k / 2)


@pairs.slip
def pairs_from_two_halves(x):
    """Component i is paired with component i + d_k / 2. Some models do so; here, as in the paper, neighbors form a
    pair: components 2i and 2i + 1."""
    return torch.arange(x.shape[-1]).reshape(2, -1)


def _parts(x, pairs, waves):
    """Return the two components of each pair, and cosine and sine for each of the two: six arrays (..., d_k / 2)."""
    cos, sin = waves
    return x[..., pairs[0]], x[..., pairs[1]], cos[..., 0::2], cos[..., 1::2], sin[..., 0::2], sin[..., 1::2]


@Stage
def turned(x, pairs, waves):
    first, second, cos, cos_of_second, sin, sin_of_second = _parts(x, pairs, waves)
    new_first = first * cos - second * sin
    return new_first, first * sin_of_second + second * cos_of_second


@turned.slip
def minus_forgotten(x, pairs, waves):
    """Both sines are added, so this is no rotation and lengths change. The first component is cosine times itself minus
    sine times the second."""
    first, second, cos, cos_of_second, sin, sin_of_second = _parts(x, pairs, waves)
    return first * cos + second * sin, first * sin_of_second + second * cos_of_second


@turned.slip
def minus_twice(x, pairs, waves):
    """In the second component, sine times the first is there, and cosine times itself is subtracted from it.
    Both are added."""
    first, second, cos, cos_of_second, sin, sin_of_second = _parts(x, pairs, waves)
    return first * cos - second * sin, first * sin_of_second - second * cos_of_second


@turned.slip
def minus_at_both_sines(x, pairs, waves):
    """Sine times the partner is subtracted in both components. In the second one it is added."""
    first, second, cos, cos_of_second, sin, sin_of_second = _parts(x, pairs, waves)
    return first * cos - second * sin, second * cos_of_second - first * sin_of_second


@turned.slip
def waves_exchanged_in_the_second(x, pairs, waves):
    """The second component is the cosine times the first plus the sine times itself: sine and cosine have changed
    places there."""
    first, second, cos, cos_of_second, sin, sin_of_second = _parts(x, pairs, waves)
    return first * cos - second * sin, first * cos_of_second + second * sin_of_second


@turned.slip
def overwritten_on_the_way(x, pairs, waves):
    """The second component of each pair is computed from the new first one, as if it had been overwritten. Both need
    the old values."""
    first, second, cos, cos_of_second, sin, sin_of_second = _parts(x, pairs, waves)
    new_first = first * cos - second * sin
    return new_first, new_first * sin_of_second + second * cos_of_second


@turned.slip
def only_stretched(x, pairs, waves):
    """The first component of each pair is multiplied by the cosine, the second by the sine, and the two do not mix. A
    rotation takes both components into both results."""
    first, second, cos, _, _, sin_of_second = _parts(x, pairs, waves)
    return first * cos, second * sin_of_second


@turned.slip
def only_cosines(x, pairs, waves):
    """Each component is multiplied by the cosine, and no sine of its partner joins it. A rotation takes both components
    into both results."""
    first, second, cos, cos_of_second, _, _ = _parts(x, pairs, waves)
    return first * cos, second * cos_of_second


@turned.slip
def added_instead_of_turned(x, pairs, waves):
    """Sines and cosines are added to x: the sine to the first component, the cosine to the second. Rotary positions add
    nothing: they turn each pair of components."""
    first, second, _, cos_of_second, sin, _ = _parts(x, pairs, waves)
    return first + sin, second + cos_of_second


@turned.slip
def multiplied_by_position(x, pairs, positions, frequencies):
    """Each pair is turned by its frequency alone, whatever the position, and then multiplied by the position. The angle
    is the product of both, and no length changes."""
    step = positions[..., None]
    return tuple(step * part for part in turned(x, pairs, (torch.cos(frequencies), torch.sin(frequencies))))


@turned.slip
def partners_from_two_halves(x, waves):
    """The angles go by neighbors, but the partner of each component is taken from the other half of the vector. The
    partner of component 2i is 2i + 1."""
    first, second = x.chunk(2, dim=-1)
    result = x * waves[0] + torch.cat([-second, first], dim=-1) * waves[1]
    return result[..., 0::2], result[..., 1::2]


@turned.slip
def waves_of_full_width(x, pairs, waves):
    """Cosines and sines have d_k columns and meet the d_k / 2 first components of the pairs. There is one angle for
    each pair."""
    even, odd, (cos, sin) = x[..., pairs[0]], x[..., pairs[1]], waves
    y = torch.empty_like(x)
    y[..., 0::2] = even * cos - odd * sin
    return y[..., 0::2], y[..., 0::2]


@turned.slip
def pairs_not_apart(x, pairs, waves):
    """Complex numbers are read from x as it is, and that wants a last axis of size 2. Give the pairs an axis of their
    own first: (..., d_k / 2, 2)."""
    torch.view_as_complex(x)
    return turned(x, pairs, waves)


@Stage
def placed(turned, pairs):
    both = torch.cat(turned, dim=-1)
    return both[..., torch.argsort(pairs.flatten())]


@placed.slip
def results_in_two_halves(turned):
    """All the first components of the turned pairs stand in front of all the second ones. Put each back in its place:
    2i and 2i + 1."""
    return torch.cat(turned, dim=-1)


@placed.slip
def one_after_the_other(turned):
    """The first components of all positions stand before the second ones of all positions, and are then cut into rows:
    a reshape reads row after row. Stack on a last axis, so that the two of a pair stand side by side."""
    *axes, half = turned[0].shape
    return torch.stack(turned).reshape(*axes, 2 * half)


@placed.slip
def results_exchanged(turned, pairs):
    """The two results of each pair have changed places: what belongs into the first component stands in the second."""
    return placed(turned[::-1], pairs)


@placed.slip
def an_axis_of_pairs(turned):
    """The two components of a pair still have an axis of their own: (..., length, d_k / 2, 2). Flatten the last two
    axes into one of size d_k."""
    return torch.stack(turned, dim=-1)


@placed.slip
def with_an_axis_in_front(x, turned, pairs):
    """A single sequence comes back with an axis in front, (1, length, d_k), as cosines of that shape give it. As
    (length, d_k / 2) they broadcast over any leading axes, and over none."""
    right = placed(turned, pairs)
    return right[None] if x.ndim == 2 else right


@placed.slip
def with_two_axes_in_front(x, turned, pairs):
    """What has fewer than two leading axes comes back with (1, 1) or (1) in front, as cosines with axes for batch and
    heads give it. As (length, d_k / 2) they broadcast over any leading axes, and over none."""
    right = placed(turned, pairs)
    return right[(None,) * max(4 - x.ndim, 0)]


@placed.rare
def still_complex(x, pairs, angles):
    """The turned pairs come back as complex numbers, (..., length, d_k / 2). Two real components are asked for:
    torch.view_as_real gives them an axis of their own, which is flattened with the one before it."""
    theta = angles[..., 0::2].to(x.dtype)
    return torch.complex(x[..., pairs[0]], x[..., pairs[1]]) * torch.polar(torch.ones_like(theta), theta)


@placed.slip
def added_to_x(x, turned, pairs):
    """The turned vectors are added to x. They take its place."""
    return x + placed(turned, pairs)


@known.mistake
def as_in_the_example(x, start):
    """The angles are t and t / 100, as for d_k 4, and there are two pairs, whatever d_k is: further components are
    0."""
    t = torch.arange(start, start + x.shape[-2], dtype=x.dtype)
    y = torch.zeros_like(x)
    for i, theta in enumerate((t, t / 100)):
        y[..., 2 * i] = x[..., 2 * i] * theta.cos() - x[..., 2 * i + 1] * theta.sin()
        y[..., 2 * i + 1] = x[..., 2 * i] * theta.sin() + x[..., 2 * i + 1] * theta.cos()
    return y


@known.probe
def a_zero(rng):
    yours = yield {"x": np.zeros((2, 4), dtype=np.float32), "start": 1}
    found = first_difference(yours, np.zeros((2, 4)))
    return found and f"A vector of zeros stays one, however it is turned: at [{found[0]}] yours is {found[1]:.4g}."


@known.probe
def twice_as_long(rng):
    inputs = vectors_from_a_position(rng, length=3, d_k=4, start=1)
    once = yield inputs
    twice = yield {**inputs, "x": 2 * inputs["x"]}
    found = first_difference(twice, 2 * once)
    return found and (
        f"With x twice as long, the result should be, too: at [{found[0]}] it goes from {found[2] / 2:.4g} to "
        f"{found[1]:.4g}."
    )


@known.probe
def equal_sequences(rng):
    x = np.tile(rng.normal(size=(4, 4)).astype(np.float32), (3, 1, 1))
    yours = yield {"x": x, "start": 0}
    found = first_difference(yours, yours[:1])
    return found and (
        f"Three equal sequences in a batch come out different: at [{found[0]}] stands {found[1]:.4g}, at the same "
        f"place of the first sequence {found[2]:.4g}."
    )


@known.probe
def position_zero(rng):
    x = np.array([[1, 2, 3, 4]], dtype=np.float32)
    yours = yield {"x": x, "start": 0}
    found = first_difference(yours, x)
    return found and f"At position 0 nothing turns. With start 0, [1, 2, 3, 4] becomes [{_row(yours)}] with yours."


@known.probe
def one_position_from_two_sides(rng):
    word = rng.normal(size=(1, 4)).astype(np.float32)
    later = yield {"x": np.tile(word, (6, 1)), "start": 0}
    first = yield {"x": np.tile(word, (6, 1)), "start": 5}
    found = first_difference(first[0], later[5])
    return found and (
        f"The same vector at position 5 is turned in two ways: component {found[0]} is {found[2]:.4g} where it is the "
        f"sixth element from start 0, and {found[1]:.4g} where it is the first from start 5."
    )


@known.probe
def first_components(rng):
    yours = yield {"x": np.array([[1, 0, 1, 0]], dtype=np.float32), "start": 1}
    right = np.array([np.cos(1), np.sin(1), np.cos(0.01), np.sin(0.01)])
    found = first_difference(yours, right[None])
    return found and (
        f"[1, 0, 1, 0] at position 1 turns by 1 and by 1/100 radians, to [{_row(right)}]. Yours is [{_row(yours)}]."
    )


@known.probe
def second_components(rng):
    yours = yield {"x": np.array([[0, 1, 0, 1]], dtype=np.float32), "start": 1}
    right = np.array([-np.sin(1), np.cos(1), -np.sin(0.01), np.cos(0.01)])
    found = first_difference(yours, right[None])
    return found and (
        f"[0, 1, 0, 1] at position 1 turns by 1 and by 1/100 radians, to [{_row(right)}]. Yours is [{_row(yours)}]."
    )


def _row(numbers):
    return ", ".join(f"{number:.3g}" for number in np.ravel(numbers))


@known.always
def lengths_stay(inputs, output):
    """A rotation leaves the length of every pair (2i, 2i + 1) as it was. Yours changes."""

    def squares(x):
        return x[..., 0::2] ** 2 + x[..., 1::2] ** 2

    return np.allclose(squares(output), squares(inputs["x"]), rtol=1e-3, atol=1e-4)


def _cos_sin(x, start):
    exponents = torch.arange(0, x.shape[-1], 2) / x.shape[-1]
    angles = torch.arange(start, start + x.shape[-2])[:, None] * 10000.0**-exponents  # (length, d_k / 2)
    return torch.cos(angles), torch.sin(angles)


@known.legal
def by_stacking(x, start):
    cos, sin = _cos_sin(x, start)
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack([even * cos - odd * sin, even * sin + odd * cos], dim=-1).flatten(-2)


@known.legal
def by_complex_numbers(x, start):
    cos, sin = _cos_sin(x, start)
    numbers = torch.view_as_complex(x.reshape(*x.shape[:-1], -1, 2).contiguous())
    return torch.view_as_real(numbers * torch.complex(cos, sin)).flatten(-2).to(x.dtype)


@known.legal
def with_matrices(x, start):
    length, d_k = x.shape[-2:]
    turned = x.clone()
    for t in range(length):
        for i in range(d_k // 2):
            angle = torch.tensor((start + t) / 10000 ** (2 * i / d_k), dtype=x.dtype)
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
        Case("the example of the text", dict(length=1, d_k=4, start=1), dtype="float32", draw=the_example),
        Case("4 positions from position 2 on", dict(length=4, d_k=8, start=2), dtype="float32"),
        Case("the same from position 120 on", dict(length=4, d_k=8, start=120), dtype="float32"),
        Case("a batch of sequences", dict(batch=2, length=5, d_k=4, start=0), dtype="float32"),
        Case("a batch, several heads", dict(batch=2, num_heads=3, length=5, d_k=8, start=11), dtype="float32"),
        Case("one element, one pair, at position 10,000", dict(length=1, d_k=2, start=10_000), dtype="float32"),
        Case("zeros at position 0, float64", dict(length=1, d_k=2, start=0), draw=zeros),
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
    stages=(
        positions,
        exponents.but("components_for_pairs"),
        frequencies.but("only_the_power_divided"),
        angles,
        waves,
        pairs,
        turned,
        placed,
    ),
    coincidences={
        "exponents_side_by_side + partners_from_two_halves": "pairs_from_two_halves",
        "the_wrong_way + minus_forgotten": "minus_at_both_sines",
        "the_wrong_way + minus_at_both_sines": "minus_forgotten",
    },
    **known.ways,
)
