"""07.SinusoidalPositions: sines and cosines as a module without parameters (Vaswani et al. 2017, section 3.5)."""

import math

import numpy as np
import torch
from torch import nn

from course_lib.positional_encoding import SinusoidalPositions as Skeleton
from course_lib.positional_encoding import sinusoidal_encoding
from grader.known import Known
from grader.stages import Stage
from grader.task import Build, Case, Task
from tasks.probes import first_difference

known = Known()


def words(rng, length, d_model, start, **leading):
    return {"x": rng.normal(size=(*leading.values(), length, d_model)), "start": start}


def the_example(rng, length, d_model, start):
    return {"x": np.ones((length, d_model)), "start": start}


def long_words(rng, length, d_model, start, scale, **leading):
    """Vectors so long that the last digits of an angle in float32 do not count, and a wrong sine still does."""
    shape = (*leading.values(), length, d_model)
    return {"x": scale * rng.choice([-1, 1], size=shape) * rng.uniform(0.7, 1.5, size=shape), "start": start}


def reference(x, start):
    return x + sinusoidal_encoding(*x.shape[-2:], start=start, like=x)


@Stage
def positions(x, start):
    return torch.arange(start, start + x.shape[-2], device=x.device)  # (length,)


@positions.slip
def start_ignored(x, start):
    """The positions begin at 0, whatever start is. The first element of x stands at position start."""
    return positions(x, 0)


@positions.slip
def positions_from_one(x, start):
    """The positions are one too high. The first element of x stands at position start, which is 0 for a sequence from
    its beginning."""
    return positions(x, start) + 1


@positions.slip
def all_at_the_start(x, start):
    """All elements are taken to stand at position start. The element t steps further on stands at start + t."""
    return positions(x, start)[:1]


@positions.slip
def from_right_to_left(x, start):
    """The positions run backward: the last element of x is put at position start, where the first one stands."""
    return positions(x, start).flip(0)


@positions.slip
def start_times_length(x, start):
    """start is taken for the number of a piece: it is multiplied by the length of x. It is a position, that of the
    first element."""
    return positions(x, start * x.shape[-2])


@positions.slip
def along_the_first_axis(x, start):
    """In a batch, the positions are counted along the first axis, so that all elements of a sequence stand at the same
    position. They run along the second axis from the right: x.shape[-2]."""
    return torch.arange(start, start + len(x), device=x.device).reshape(len(x), *[1] * (x.ndim - 2))


@Stage
def angles(x, positions):
    return positions[..., None] * 10000.0 ** -exponents(x)  # (length, d_model / 2)


def exponents(x, dtype=None):
    """2i / d_model of every pair i."""
    return torch.arange(0, x.shape[-1], 2, dtype=dtype, device=x.device) / x.shape[-1]


@angles.slip
def exponents_without_the_two(x, positions):
    """The exponent of a pair i is i / d_model here. In the formula it is 2i / d_model, the even component's own
    number."""
    return positions[..., None] * 100.0 ** -exponents(x)


@angles.slip
def wavelengths_rising_the_wrong_way(x, positions):
    """The positions are multiplied by powers of 10,000, where they are divided by them: later pairs should turn more
    slowly."""
    return positions[..., None] * 10000.0 ** exponents(x)


@angles.slip
def angles_in_the_dtype_of_x(x, positions):
    """The angles are computed in the dtype of x. Half precision knows whole numbers to 2,048 alone, so far positions
    are rounded away. Compute in float32, and bring the vectors to x's dtype at the end."""
    return positions[..., None].to(x.dtype) * 10000.0 ** -exponents(x, x.dtype)


@Stage
def vectors(angles):
    return torch.stack([torch.sin(angles), torch.cos(angles)], dim=-1).flatten(-2)  # (length, d_model)


@vectors.slip
def cosine_first(angles):
    """Sine and cosine are swapped. The sine stands in the even components, counted from 0, and the cosine in the odd
    ones."""
    return torch.stack([torch.cos(angles), torch.sin(angles)], dim=-1).flatten(-2)


@vectors.slip
def halves_instead_of_pairs(angles):
    """All sines stand in the first half of the vector, all cosines in the second. The two take turns: component 2i,
    then 2i + 1."""
    return torch.cat([torch.sin(angles), torch.cos(angles)], dim=-1)


@Stage
def added(x, vectors):
    return x + vectors.to(x.dtype)


@added.slip
def vectors_alone(x, vectors):
    """These are the vectors of the positions alone, and x is lost. Add them to x."""
    return (0 * x + vectors).to(x.dtype)


@added.slip
def x_twice(x, vectors):
    """x counts twice: the vectors are added to x, and then x is added once more. A function that adds the vectors to
    what it gets returns them alone if it gets zeros."""
    return 2 * x + vectors.to(x.dtype)


@added.slip
def vectors_twice(x, vectors):
    """The vectors of the positions are added twice. Once is enough."""
    return x + 2 * vectors.to(x.dtype)


@added.slip
def in_float32(x, vectors):
    """The result is float32 whatever x is. It should keep the dtype of x, whether that is more or less exact."""
    return (x + vectors).float()


@added.slip
def of_the_coarser_dtype(x, vectors):
    """A sum of float16 and float32 is float32, so for an x in half precision the result is not. Bring the vectors to
    the dtype of x before they are added."""
    return x + vectors


@added.slip
def words_made_longer(x, vectors):
    """x is multiplied by the square root of d_model before the sum. Some models do that to their embeddings; here x is
    added as it is."""
    return (math.sqrt(x.shape[-1]) * x + vectors).to(x.dtype)


@added.slip
def multiplied(x, vectors):
    """x and the vectors of the positions are multiplied. They are added."""
    return x * vectors.to(x.dtype)


@known.legal
class ByZeros(nn.Module):
    """The function of zeros, brought to where x is."""

    def forward(self, x, start=0):
        length, d_model = x.shape[-2:]
        angles = torch.arange(start, start + length)[:, None] * 10000.0 ** (-torch.arange(0, d_model, 2) / d_model)
        vectors = torch.zeros(length, d_model)
        vectors[:, 0::2], vectors[:, 1::2] = torch.sin(angles), torch.cos(angles)
        return x + vectors.to(x)


@known.legal
class MadeWhereXIs(nn.Module):
    def forward(self, x, start=0):
        length, d_model = x.shape[-2:]
        t = torch.arange(start, start + length, device=x.device, dtype=torch.float32)
        i = torch.arange(d_model // 2, device=x.device, dtype=torch.float32)
        angles = torch.outer(t, torch.exp(i * (-2 * math.log(10000) / d_model)))
        turned = torch.polar(torch.ones_like(angles), math.pi / 2 - angles)  # its real part is the sine
        return x + torch.view_as_real(turned).flatten(-2).to(x.dtype)


@known.legal
class NumberByNumber(nn.Module):
    def forward(self, x, start=0):
        d_model = x.shape[-1]
        rows = [
            [
                (math.cos if column % 2 else math.sin)(t / 10000 ** ((column - column % 2) / d_model))
                for column in range(d_model)
            ]
            for t in range(start, start + x.shape[-2])
        ]
        return x + torch.tensor(rows, dtype=x.dtype, device=x.device)


@known.legal
class KeptInABuffer(nn.Module):
    """Computes the vectors of all positions so far once, and keeps them; a buffer is no parameter."""

    def __init__(self):
        super().__init__()
        self.register_buffer("table", torch.zeros(0, 1), persistent=False)

    def forward(self, x, start=0):
        end, d_model = start + x.shape[-2], x.shape[-1]
        if self.table.shape[0] < end or self.table.shape[1] != d_model:
            wave = torch.arange(d_model, device=x.device)
            angles = torch.arange(end, device=x.device)[:, None].double() * 1e4 ** -((wave - wave % 2) / d_model)
            self.table = torch.where(wave % 2 == 0, angles.sin(), angles.cos())
        return x + self.table[start:end].to(x.dtype)


@known.borrowed
class ByCourseLib(nn.Module):
    def forward(self, x, start=0):
        return Skeleton()(x, start)


def _vectors(length, d_model, start):
    angles = torch.arange(start, start + length)[:, None] * 10000.0 ** (-torch.arange(0, d_model, 2) / d_model)
    return vectors(angles)


@known.mistake
class MadeOnTheCpu(nn.Module):
    """The vectors of the positions are made on the CPU, and on a GPU they would meet an x that stands there. Bring them
    to it: .to(x.device)."""

    def forward(self, x, start=0):
        return x + _vectors(*x.shape[-2:], start).to(x.dtype)


@known.mistake
class CutOff(nn.Module):
    """The sum is right, but x is cut off from what made it, by detach(), .data or a copy of its numbers, so nothing
    before this module would ever learn. Add the vectors to x itself."""

    def forward(self, x, start=0):
        return x.detach() + _vectors(*x.shape[-2:], start).to(x)


@known.mistake
class ThreeAxesAlone(nn.Module):
    """The shape of x is taken apart into three names, and x may have two axes, or four. The last two are
    x.shape[-2:]."""

    def forward(self, x, start=0):
        _, length, d_model = x.shape
        return x + _vectors(length, d_model, start).to(x)


@known.mistake
class TheSecondAxisAlone(nn.Module):
    """The second axis from the left is taken for the length. With no batch that is d_model, with two leading axes it is
    one of them. Count from the right: x.shape[-2]."""

    def forward(self, x, start=0):
        return x + _vectors(x.shape[1], x.shape[-1], start).to(x)


@known.probe
def one_added(rng):
    x = rng.normal(size=(2, 3, 4)).astype(np.float32)
    before = yield {"x": x, "start": 1}
    after = yield {"x": x + 1, "start": 1}
    differs = first_difference(after - before, np.ones(x.shape))
    return differs and (
        "When 1 is added to x, your result grows by {1:.4g} at [{0}]. It should grow by 1, because x is a term of the "
        "sum, once and as it is."
    ).format(*differs)


@known.probe
def zeros(rng):
    found = yield {"x": np.zeros((3, 4), dtype=np.float32), "start": 2}
    squares = found[:, 0::2] ** 2 + found[:, 1::2] ** 2
    if differs := first_difference(squares, np.ones((3, 2))):
        return (
            "Of zeros, your module makes the vectors of the positions. Sine and cosine of one angle stand side by "
            "side, so the squares of each pair sum to 1: at pair [{}] yours sum to {:.4g}."
        ).format(*differs)
    return None


@known.probe
def step_by_step(rng):
    x = rng.normal(size=(4, 6)).astype(np.float32)
    whole = yield {"x": x, "start": 3}
    last = yield {"x": x[3:], "start": 6}
    differs = first_difference(last, whole[3:])
    return differs and (
        "Asked about four elements with start=3, and about the last of them alone with start=6, your module should say "
        "the same of it: at [{}] it says {:.4g} the second time and {:.4g} the first."
    ).format(*differs)


@known.probe
def every_sequence_alike(rng):
    x = np.broadcast_to(rng.normal(size=(1, 4, 6)), (3, 4, 6)).astype(np.float32)
    found = yield {"x": x, "start": 1}
    differs = first_difference(found, found[:1])
    return differs and (
        "In a batch of three equal sequences all should come out alike: at [{}] yours is {:.4g}, in the first sequence "
        "{:.4g}."
    ).format(*differs)


TASK = Task(
    id="07.SinusoidalPositions",
    title="Positions as a module",
    difficulty=2,
    minutes=12,
    reference=reference,
    draw=words,
    build=Build(takes=("x", "start"), module="SinusoidalPositions"),
    skeleton=Skeleton,
    part=True,
    library="torch",
    cases=(
        Case("the example of the text", dict(length=2, d_model=4, start=1), dtype="float32", draw=the_example),
        Case("a batch, from its beginning", dict(batch=3, length=5, d_model=8, start=0), dtype="float32"),
        Case("no batch, from position 7 on", dict(length=4, d_model=6, start=7), dtype="float32"),
        Case("two leading axes", dict(groups=2, batch=4, length=3, d_model=10, start=5), dtype="float32"),
        Case("one element, written at position 40", dict(batch=2, length=1, d_model=8, start=40), dtype="float32"),
        Case("float64", dict(batch=2, length=3, d_model=4, start=1, scale=1000), draw=long_words),
        Case("float16, far along", dict(batch=2, length=5, d_model=6, start=3001), dtype="float16", draw=words),
        Case("gradients", dict(batch=2, length=3, d_model=4, start=5), dtype="float32", asks="gradients"),
        Case("another device", dict(batch=2, length=3, d_model=4, start=5), dtype="float32", asks="device"),
    ),
    finished=(
        "course_lib.positional_encoding.sinusoidal_encoding",
        "course_lib.positional_encoding.SinusoidalPositions.forward",
    ),
    hints=(
        "Nothing here is learned. What is left for __init__ to do? And what does forward have to find out from x?",
        "Your sinusoidal_positions adds the vectors to what it gets. What would it have to get, so that the vectors "
        "alone come back?",
        "vectors = sinusoidal_positions(zeros of shape (length, d_model), start) are float32 on the CPU. A tensor's "
        ".to(...) takes a device, a dtype, or both.",
        "return x + vectors.to(device=..., dtype=...), with what x itself says of the two.",
    ),
    stages=(positions, angles, vectors, added),
    **known.ways,
)
