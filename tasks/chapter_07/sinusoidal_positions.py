"""07.sinusoidal_positions: sines and cosines, added along the right axis (Vaswani et al. 2017, section 3.5)."""

import math

import numpy as np
import torch

from course_lib.positional_encoding import sinusoidal_encoding
from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Task
from tasks.angle_stages import angles, exponents, frequencies, positions
from tasks.probes import first_difference

known = Known()


def words_from_a_position(rng, length, d_model, start, **leading):
    return {"x": rng.normal(size=(*leading.values(), length, d_model)), "start": start}


def the_example(rng, length, d_model, start):
    return {"x": np.zeros((length, d_model)), "start": start}


def long_words(rng, scale, **sizes):
    """Vectors so long that the last digits of an angle in float32 do not count, and a wrong sine still does."""
    inputs = words_from_a_position(rng, **sizes)
    return {**inputs, "x": scale * np.sign(inputs["x"]) * rng.uniform(0.7, 1.5, size=inputs["x"].shape)}


def reference(x, start):
    return x + sinusoidal_encoding(start + x.shape[-2], x.shape[-1], like=x)[start:]


@Stage
def waves(angles):
    """The components 2i and 2i + 1, each (..., length, d_model / 2)."""
    return torch.sin(angles[..., 0::2]), torch.cos(angles[..., 1::2])


@waves.slip
def cosine_first(angles):
    """Sine and cosine are swapped. The sine stands in the even components, counted from 0, and the cosine in the odd
    ones."""
    return torch.cos(angles[..., 0::2]), torch.sin(angles[..., 1::2])


@waves.slip
def sines_everywhere(angles):
    """Both components of a pair hold the sine. The second one holds the cosine of the same angle."""
    return torch.sin(angles[..., 0::2]), torch.sin(angles[..., 1::2])


@waves.slip
def cosines_everywhere(angles):
    """Both components of a pair hold the cosine. The first one holds the sine of the same angle."""
    return torch.cos(angles[..., 0::2]), torch.cos(angles[..., 1::2])


@waves.slip
def cosines_left_at_zero(angles):
    """To the odd components nothing is added. They hold the cosine of the angle whose sine stands beside it."""
    first, second = waves(angles)
    return first, torch.zeros_like(second)


@waves.slip
def turning_back(angles):
    """The sines have the wrong sign, as those of negative angles have."""
    first, second = waves(angles)
    return -first, second


@waves.slip
def by_turns_along_the_sequence(angles):
    """Sine and cosine take turns from element to element: the first element of a sequence has sines alone, the second
    one cosines. They take turns from component to component."""
    even = torch.arange(angles.shape[-2])[:, None] % 2 == 0
    return tuple(torch.where(even, torch.sin(part), torch.cos(part)) for part in (angles[..., 0::2], angles[..., 1::2]))


@waves.slip
def angles_alone(angles):
    """The angles themselves are added, without sine and cosine."""
    return angles[..., 0::2], angles[..., 1::2]


@Stage
def vectors(waves):
    return torch.stack(waves, dim=-1).flatten(-2)  # (..., length, d_model)


@vectors.slip
def halves_instead_of_pairs(waves):
    """All that belongs into the even components stands in the first half of the vector, and all that belongs into the
    odd ones in the second half. The two take turns: component 2i, then 2i + 1."""
    return torch.cat(waves, dim=-1)


@vectors.slip
def one_after_the_other(waves):
    """The even components of all positions stand before the odd ones of all positions, and are then cut into rows: a
    reshape reads row after row. Stack on a last axis, so that the two of a pair stand side by side."""
    return torch.stack(waves).reshape(*waves[0].shape[:-1], -1)


@vectors.slip
def one_column_for_each_pair(waves):
    """The vectors of the positions have d_model / 2 components, one for each pair. A pair has two: the sine and the
    cosine."""
    return waves[0]


@vectors.slip
def two_columns_for_each_component(waves):
    """The vectors of the positions have 2 * d_model components: a sine and a cosine for each component. There are
    d_model / 2 angles, so that both together fill d_model."""
    return torch.stack([*waves, *waves], dim=-1).flatten(-2)


@Stage
def added(x, vectors):
    return x + vectors


@added.slip
def not_added(x, vectors):
    """These are the vectors of the positions alone, and x is lost. Add them to x."""
    return vectors.to(x.dtype).expand(x.shape)


@added.slip
def not_added_to_the_batch(x, vectors):
    """These are the vectors of the positions alone, (length, d_model), also for a batch. Add them to x: they broadcast
    over its leading axes."""
    return vectors


@added.slip
def x_scaled_as_well(x, vectors):
    """x is multiplied by the square root of d_model before the sum. Vaswani et al. do so in their embedding layer;
    here x comes as it is."""
    return x * math.sqrt(x.shape[-1]) + vectors


@added.slip
def multiplied(x, vectors):
    """x is multiplied by the vectors of the positions. They are added."""
    return x * vectors


@added.slip
def subtracted(x, vectors):
    """The vectors of the positions are subtracted from x. They are added."""
    return x - vectors


@added.slip
def to_the_first_sequence(x, vectors):
    """In a batch, the vectors are added to the first sequence alone; the others come back as they were."""
    result = x.clone()
    first = result if x.ndim == 2 else result[0]
    first += vectors[0] if vectors.ndim == x.ndim > 2 else vectors
    return result


@added.slip
def with_an_axis_in_front(x, vectors):
    """The vectors of the positions have an axis in front, (1, length, d_model), so that a sequence without a batch
    comes back with one. As (length, d_model) they broadcast over any leading axes, and over none."""
    return x + vectors[None]


@added.slip
def side_by_side(x, vectors):
    """The vectors of the positions are put beside x, so that the result is 2 * d_model wide. They are added to it."""
    return torch.cat([x, vectors.expand(x.shape)], dim=-1)


@known.mistake
def as_in_the_example(x, start):
    """The frequencies are 1 and 1/100, as for d_model 4, whatever d_model is: the vectors have 4 components. There are
    d_model / 2 frequencies."""
    t = positions(x, start)
    pe = torch.stack([torch.sin(t), torch.cos(t), torch.sin(t / 100), torch.cos(t / 100)], dim=-1)
    return x + pe


@known.mistake
def of_a_plain_number(x, start):
    """The sine is taken of a plain number. For those there are math.sin and math.cos, and torch.sin wants a tensor."""
    angle = start / 10000.0
    return x + torch.sin(angle)


@known.probe
def x_of_other_lengths(rng):
    inputs = words_from_a_position(rng, batch=2, length=3, d_model=4, start=1)
    once = yield inputs
    three_times = yield {**inputs, "x": 3 * inputs["x"]}
    found = first_difference(three_times - 3 * inputs["x"], once - inputs["x"])
    return found and (
        f"What you add depends on x: at [{found[0]}] the difference between your result and x is {found[2]:.4g}, and "
        f"with x three times as long it is {found[1]:.4g}. It should be the same, that of the position."
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
def one_position_from_two_sides(rng):
    word = rng.normal(size=(1, 4)).astype(np.float32)
    later = yield {"x": np.tile(word, (6, 1)), "start": 0}
    first = yield {"x": np.tile(word, (6, 1)), "start": 5}
    found = first_difference(first[0], later[5])
    return found and (
        f"The same word at position 5 has two vectors: component {found[0]} is {found[2]:.4g} where it is the sixth "
        f"element from start 0, and {found[1]:.4g} where it is the first from start 5."
    )


@known.probe
def position_zero(rng):
    yours = yield {"x": np.zeros((1, 4), dtype=np.float32), "start": 0}
    found = first_difference(yours, np.tile([0.0, 1.0], 2))
    return found and f"At position 0 every angle is 0, so 0, 1, 0, 1 is added. Yours adds {_row(yours)}."


@known.probe
def position_one(rng):
    yours = yield {"x": np.zeros((1, 4), dtype=np.float32), "start": 1}
    right = [np.sin(1), np.cos(1), np.sin(0.01), np.cos(0.01)]
    found = first_difference(yours, np.array(right))
    return found and (
        f"At position 1, with d_model 4, the angles are 1 and 1/100, so {_row(right)} is added. Yours adds "
        f"{_row(yours)}."
    )


def _row(numbers):
    return ", ".join(f"{number:.3g}" for number in np.ravel(numbers))


@known.always
def pairs_of_length_one(inputs, output):
    """In what you add, each pair (2i, 2i + 1) should be a sine and the cosine of the same angle, whose squares sum to
    1."""
    added = output - inputs["x"]
    return np.allclose(added[..., 0::2] ** 2 + added[..., 1::2] ** 2, 1, atol=1e-2)


def _angles(x, start):
    return torch.arange(start, start + x.shape[-2])[:, None] * 10000.0 ** -(
        torch.arange(0, x.shape[-1], 2) / x.shape[-1]
    )


@known.legal
def filling_columns(x, start):
    vectors = torch.zeros(x.shape[-2:], dtype=x.dtype)
    angles = _angles(x, start)
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
    angles = torch.outer(torch.arange(start, start + x.shape[-2]).float(), frequencies)
    return x + torch.stack([torch.sin(angles), torch.cos(angles)], dim=-1).flatten(-2)


@known.legal
def one_wave_moved_by_a_quarter(x, start):
    """cos(a) is sin(a + pi / 2)."""
    components = torch.arange(x.shape[-1])
    frequencies = 10000.0 ** (-(components - components % 2) / x.shape[-1])
    angles = torch.arange(start, start + x.shape[-2], dtype=torch.float64)[:, None] * frequencies.double()
    return x + torch.sin(angles + components % 2 * (math.pi / 2)).to(x.dtype)


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
    part=True,
    reference=reference,
    draw=words_from_a_position,
    library="torch",
    cases=(
        Case("the example of the text", dict(length=2, d_model=4, start=0), dtype="float32", draw=the_example),
        Case("5 positions from position 2 on", dict(length=5, d_model=8, start=2), dtype="float32"),
        Case("the same from position 120 on", dict(length=5, d_model=8, start=120), dtype="float32"),
        Case("a batch of sequences", dict(batch=3, length=5, d_model=8, start=0), dtype="float32"),
        Case(
            "two leading axes",
            dict(scale=50, groups=2, batch=4, length=5, d_model=6, start=1),
            dtype="float32",
            draw=long_words,
        ),
        Case(
            "one element, one pair, at position 10,000",
            dict(scale=1000, length=1, d_model=2, start=10_000),
            dtype="float32",
            draw=long_words,
        ),
        Case("float64, at position 0", dict(scale=1000, length=1, d_model=4, start=0), draw=long_words),
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
    stages=(positions, exponents, frequencies, angles, waves, vectors, added),
    **known.ways,
)
