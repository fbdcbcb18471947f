"""06.in_projection: queries, keys and values of all heads from the one stacked matrix of PyTorch's layer."""

import math

import torch
from torch.nn.functional import linear

from course_lib.multi_head import split_heads
from grader.known import Known
from grader.task import Case, Task

known = Known()


def draw(rng, length, num_heads, d_k, **leading):
    d_model = num_heads * d_k
    return {
        "x": rng.normal(size=(*leading.values(), length, d_model)),
        "in_proj_weight": rng.normal(size=(3 * d_model, d_model)) / math.sqrt(d_model),
        "in_proj_bias": rng.normal(size=3 * d_model),
        "num_heads": num_heads,
    }


def reference(x, in_proj_weight, in_proj_bias, num_heads):
    return _stacked(linear(x, in_proj_weight, in_proj_bias), num_heads)


def _stacked(projected, num_heads):
    return torch.stack([split_heads(each, num_heads) for each in projected.chunk(3, dim=-1)])


@known.mistake
def not_transposed(x, in_proj_weight, in_proj_bias, num_heads):
    """The three matrices are used as they are stored. PyTorch stores a map with one row for every output: each matrix
    has to be transposed before x is multiplied by it. They are square, so nothing complains."""
    parts = zip(in_proj_weight.chunk(3), in_proj_bias.chunk(3), strict=True)
    return torch.stack([split_heads(x @ weight + bias, num_heads) for weight, bias in parts])


@known.mistake
def stack_not_transposed(x, in_proj_weight, in_proj_bias, num_heads):
    """The matrix product does not fit: in_proj_weight has one row for every output and one column for every component
    of x. Transpose it, or hand it to torch.nn.functional.linear, which does."""
    return _stacked(x @ in_proj_weight + in_proj_bias, num_heads)


@known.mistake
def reshaped_instead_of_transposed(x, in_proj_weight, in_proj_bias, num_heads):
    """The stacked matrix was reshaped to (d_model, 3 * d_model), which shuffles its numbers. Transpose it."""
    return _stacked(x @ in_proj_weight.reshape(in_proj_weight.shape[::-1]) + in_proj_bias, num_heads)


@known.mistake
def bias_forgotten(x, in_proj_weight, in_proj_bias, num_heads):
    """The matrix is right, and in_proj_bias has no effect. It is added to x times the matrix."""
    return _stacked(linear(x, in_proj_weight), num_heads)


@known.mistake
def same_bias_thrice(x, in_proj_weight, in_proj_bias, num_heads):
    """Keys and values got the bias of the queries. in_proj_bias is stacked like the matrix: three parts."""
    first = in_proj_bias.chunk(3)[0]
    return _stacked(linear(x, in_proj_weight, first.repeat(3)), num_heads)


@known.mistake
def three_in_every_head(x, in_proj_weight, in_proj_bias, num_heads):
    """The rows are taken head by head: queries, keys and values of head 0, then those of head 1. Some models store them
    so. PyTorch stores all queries first, then all keys, then all values."""
    projected = linear(x, in_proj_weight, in_proj_bias)
    return projected.unflatten(-1, (num_heads, 3, -1)).movedim(-2, 0).swapaxes(-3, -2)


@known.mistake
def every_third_row(x, in_proj_weight, in_proj_bias, num_heads):
    """Queries are made of rows 0, 3, 6 and so on. They are the first third of the rows, in one piece."""
    projected = linear(x, in_proj_weight, in_proj_bias).unflatten(-1, (-1, 3))
    return torch.stack([split_heads(each, num_heads) for each in projected.unbind(dim=-1)])


@known.mistake
def keys_first(x, in_proj_weight, in_proj_bias, num_heads):
    """Queries and keys are exchanged. The order is queries, keys, values."""
    return reference(x, in_proj_weight, in_proj_bias, num_heads)[[1, 0, 2]]


@known.mistake
def values_first(x, in_proj_weight, in_proj_bias, num_heads):
    """The order is turned around: values, keys, queries. It should be queries, keys, values."""
    return reference(x, in_proj_weight, in_proj_bias, num_heads).flip(0)


@known.mistake
def split_by_reshape(x, in_proj_weight, in_proj_bias, num_heads):
    """The projections are right. The split into heads is a reshape without a swap, so that head 0 has whole words. Cut
    every vector first, then swap the words and the heads."""
    parts = linear(x, in_proj_weight, in_proj_bias).chunk(3, dim=-1)
    return torch.stack([part.reshape(*part.shape[:-2], num_heads, part.shape[-2], -1) for part in parts])


@known.mistake
def heads_behind_the_words(x, in_proj_weight, in_proj_bias, num_heads):
    """The projections are right and the vectors are cut, but the heads stand behind the words. Swap these two axes."""
    return reference(x, in_proj_weight, in_proj_bias, num_heads).swapaxes(-3, -2)


@known.mistake
def not_split(x, in_proj_weight, in_proj_bias, num_heads):
    """The three projections are right, and not split into heads yet: (3, ..., num_heads, length, d_k)."""
    return torch.stack(linear(x, in_proj_weight, in_proj_bias).chunk(3, dim=-1))


@known.mistake
def three_behind_the_batch(x, in_proj_weight, in_proj_bias, num_heads):
    """Right for one sentence. In a batch the axis of the three comes first: (3, batch, num_heads, length, d_k)."""
    return reference(x, in_proj_weight, in_proj_bias, num_heads).movedim(0, -4)


@known.mistake
def three_on_axis_1(x, in_proj_weight, in_proj_bias, num_heads):
    """Queries, keys and values are stacked on axis 1. Their axis comes first: (3, ..., num_heads, length, d_k)."""
    return reference(x, in_proj_weight, in_proj_bias, num_heads).movedim(0, 1)


@known.mistake
def three_by_reshape(x, in_proj_weight, in_proj_bias, num_heads):
    """The projections are right, and then one reshape brings them to the shape of the result, which deals the numbers
    out in the order of memory. Cut the last axis first; then move the axes."""
    projected = linear(x, in_proj_weight, in_proj_bias)
    return projected.reshape(3, *x.shape[:-2], num_heads, x.shape[-2], -1)


@known.mistake
def joined_instead_of_stacked(x, in_proj_weight, in_proj_bias, num_heads):
    """The three parts are right and were joined along an axis that is there already. They need a new first axis."""
    return torch.cat(list(reference(x, in_proj_weight, in_proj_bias, num_heads)))


@known.legal
def with_three_matrices(x, in_proj_weight, in_proj_bias, num_heads):
    parts = zip(in_proj_weight.chunk(3), in_proj_bias.chunk(3), strict=True)
    return torch.stack([split_heads(x @ weight.T + bias, num_heads) for weight, bias in parts])


@known.legal
def with_slices(x, in_proj_weight, in_proj_bias, num_heads):
    d_model = x.shape[-1]
    d_k = d_model // num_heads
    stacked = []
    for start in (0, d_model, 2 * d_model):
        rows = [slice(start + head * d_k, start + (head + 1) * d_k) for head in range(num_heads)]
        stacked.append(torch.stack([x @ in_proj_weight[row].T + in_proj_bias[row] for row in rows], dim=-3))
    return torch.stack(stacked)


@known.legal
def with_unflatten(x, in_proj_weight, in_proj_bias, num_heads):
    projected = x @ in_proj_weight.mT + in_proj_bias
    return projected.unflatten(-1, (3, num_heads, -1)).movedim(-3, 0).transpose(-3, -2)


@known.legal
def with_einsum(x, in_proj_weight, in_proj_bias, num_heads):
    weight = in_proj_weight.unflatten(0, (3, num_heads, -1))
    bias = in_proj_bias.unflatten(0, (3, num_heads, -1))
    heads = torch.einsum("...ld,thkd->t...hlk", x, weight)
    shape = (3, *[1] * (x.ndim - 2), num_heads, 1, bias.shape[-1])
    return heads + bias.reshape(shape)


TASK = Task(
    id="06.in_projection",
    title="PyTorch's stacked matrix",
    difficulty=2,
    minutes=12,
    reference=reference,
    draw=draw,
    library="torch",
    cases=(
        Case("one sentence, 2 heads", dict(length=5, num_heads=2, d_k=4)),
        Case("a batch, 3 heads", dict(batch=2, length=5, num_heads=3, d_k=4), points=2),
        Case("4 heads, float32", dict(batch=3, length=2, num_heads=4, d_k=5), dtype="float32"),
    ),
    hints=(
        "`in_proj_weight` has 3 * d_model rows. Which of them make the queries?",
        "PyTorch computes x W^T + b. Which shape has that, with all 3 * d_model rows at once?",
        (
            "The last axis of x W^T + b holds all queries, then all keys, then all values. `.chunk(3, dim=-1)` cuts it "
            "into three equal parts."
        ),
        (
            "Split each part into heads (your split_heads does it, or the course's), and put the three on a new first "
            "axis: `torch.stack([...])`."
        ),
    ),
    **known.ways,
)
