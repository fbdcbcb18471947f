"""07.sinusoidal_positions: sines and cosines, added along the right axis (Vaswani et al. 2017, section 3.5)."""

import math

import numpy as np
import torch

from course_lib.positional_encoding import sinusoidal_encoding
from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Task
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
    """Every element gets the vector of position start. The element t steps further on stands at start + t."""
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
    """In a batch, the positions are counted along the first axis, so that all elements of a sequence get the same
    vector. Positions run along the second axis from the right: x.shape[-2]."""
    return torch.arange(start, start + len(x)).reshape(len(x), *[1] * (x.ndim - 2))


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
    """For each component: 2i / d_model, where i is the number of its pair."""
    return torch.arange(0, x.shape[-1], 2).repeat_interleave(2) / x.shape[-1]  # (d_model,)


@exponents.slip
def exponent_without_the_two(x):
    """The exponent is i / d_model. It is 2i / d_model, where i counts the pairs. With d_model 4, the
    second pair turns 100 times more slowly than the first, not 10 times."""
    return exponents(x) / 2


@exponents.slip
def exponent_with_two_twos(x):
    """The exponent is twice too large. 2i is already the number of an even component: divide that by d_model, without
    another factor of 2."""
    return 2 * exponents(x)


@exponents.slip
def an_angle_for_each_component(x):
    """Every component has a frequency of its own: component j the exponent j / d_model. The two components of a pair
    share one angle: the cosine at 2i + 1 uses the same exponent 2i / d_model as the sine at 2i."""
    return torch.arange(x.shape[-1]) / x.shape[-1]


@exponents.slip
def components_for_pairs(x):
    """Component j has the exponent 2j / d_model. In the formula i counts the pairs: the components 2i and 2i + 1 share
    the exponent 2i / d_model."""
    return 2 * torch.arange(x.shape[-1]) / x.shape[-1]


@exponents.slip
def exponents_side_by_side(x):
    """The exponents of all pairs stand side by side, and then once more, so that neighbors have different ones. The
    components 2i and 2i + 1 share the exponent 2i / d_model."""
    return exponents(x)[::2].repeat(2)


@exponents.slip
def frequencies_to_the_end(x):
    """The exponents run from 0 to 1 and include both ends. In the formula the last one is 2i / d_model for the last
    pair, which is a little below 1."""
    return torch.linspace(0, 1, x.shape[-1] // 2).repeat_interleave(2)


@exponents.slip
def pairs_from_one(x):
    """The pairs are counted from 1, so that the first one has the exponent 2 / d_model. It has 0: at i = 0 the angle
    is the position itself."""
    return exponents(x) + 2 / x.shape[-1]


@exponents.slip
def pairs_backward(x):
    """The pairs are in reverse order: the last one has the exponent 0. It should be the first one."""
    return exponents(x).flip(0)


@exponents.slip
def the_same_speed_for_all_pairs(x):
    """All pairs have the same angle, as with the exponent 0. Pair i turns 10000 to the power of 2i / d_model times more
    slowly than the first; an exponent that is rounded down, as // does, is always 0."""
    return 0 * exponents(x)


@exponents.slip
def exponent_not_divided(x):
    """The exponent is 2i. It is 2i / d_model: from 0 to a little below 1."""
    return exponents(x) * x.shape[-1]


@Stage
def frequencies(exponents):
    return 10000.0**-exponents  # (d_model,)


@frequencies.slip
def a_thousand(exponents):
    """The base is 1000. In the formula it is 10000."""
    return 1000.0**-exponents


@frequencies.slip
def base_e(exponents):
    """The frequencies are powers of e. The base is 10000: as an exponential, that is exp(-log(10000) * 2i / d_model),
    with the natural logarithm."""
    return torch.exp(-exponents)


@frequencies.slip
def multiplied_by_the_power(exponents):
    """The position is multiplied by the power of 10000. It is divided by it: later pairs turn more slowly, not
    faster."""
    return 10000.0**exponents


@frequencies.slip
def divided_after_the_power(exponents, x):
    """10000 is raised to the power of -2i, and then comes the division by d_model. The exponent is -2i / d_model as a
    whole: powers bind before divisions."""
    return 10000.0 ** (-exponents * x.shape[-1]) / x.shape[-1]


@frequencies.slip
def no_power(exponents):
    """The frequencies fall along a straight line from 1: 1 - 2i / d_model. They are powers of 10000."""
    return 1 - exponents


@Stage
def angles(positions, frequencies):
    return positions[..., None] * frequencies  # (..., length, d_model)


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
    """The angles are rounded down to whole numbers, as // does. Small angles tell neighboring positions apart."""
    return torch.floor(positions[..., None] * frequencies)


@angles.slip
def power_of_the_quotient(positions, exponents):
    """The position is divided by 10000 first, and the quotient raised to the power of 2i / d_model. 10000 alone is
    raised."""
    return (positions[..., None] / 10000.0) ** exponents


@angles.slip
def no_axis_for_the_frequencies(positions, frequencies):
    """Positions (length,) and frequencies (d_model / 2,) are multiplied element by element. Each position meets each
    frequency: give the positions a second axis, so that they are a column."""
    t, freq = positions, frequencies[::2]
    return (t * freq).repeat_interleave(2)


@angles.slip
def no_axis_for_the_positions(positions, frequencies):
    """The positions, as floating-point numbers of shape (length,), are multiplied with frequencies (d_model / 2,)
    element by element, where each position should meet each frequency. Positions in a column do that."""
    t, freq = positions.float(), frequencies[::2]
    return (t * freq).repeat_interleave(2)


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
        f"Three equal sequences in a batch come out different: at [{found[0]}] stands {found[1]:.4g}, at the same place "
        f"of the first sequence {found[2]:.4g}."
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
    return torch.arange(start, start + x.shape[-2])[:, None] * 10000.0 ** -(torch.arange(0, x.shape[-1], 2) / x.shape[-1])


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
