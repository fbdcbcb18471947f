"""06.in_projection: queries, keys and values of all heads from the one stacked matrix of PyTorch's layer."""

import math

import numpy as np
import torch
from torch.nn.functional import linear

from course_lib.multi_head import split_heads
from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Task
from tasks import heads_stages
from tasks.probes import first_difference

known = Known()


def draw(rng, length, num_heads, d_k, **leading):
    d_model = num_heads * d_k
    return {
        "x": rng.normal(size=(*leading.values(), length, d_model)),
        "in_proj_weight": rng.normal(size=(3 * d_model, d_model)) / math.sqrt(d_model),
        "in_proj_bias": rng.normal(size=3 * d_model),
        "num_heads": num_heads,
    }


def the_example(rng):
    weight = np.array([[1.0, 0], [0, 1], [0, 1], [1, 0], [2, 0], [1, 1]])
    return {"x": np.array([[1.0, 10]]), "in_proj_weight": weight, "in_proj_bias": np.zeros(6), "num_heads": 2}


def one_word(rng, num_heads, d_k):
    """One sentence of one word in a batch: what drops axes of size 1 shows."""
    return draw(rng, 1, num_heads, d_k, batch=1)


def reference(x, in_proj_weight, in_proj_bias, num_heads):
    return _stacked(linear(x, in_proj_weight, in_proj_bias), num_heads)


def _stacked(projected, num_heads):
    return torch.stack([split_heads(each, num_heads) for each in projected.chunk(3, dim=-1)])


@Stage
def turned(in_proj_weight):
    return in_proj_weight.T  # (d_model, 3 * d_model)


@turned.slip
def stack_not_transposed(in_proj_weight):
    """The matrix is used as it is stored, and the product does not fit: it has one row for every output and one column
    for every component of x. Transpose it."""
    return in_proj_weight


@turned.slip
def each_part_not_transposed(in_proj_weight):
    """The three matrices are used as they are stored. PyTorch stores a map with one row for every output: each matrix
    has to be transposed before x is multiplied by it. They are square, so nothing complains."""
    return torch.cat(in_proj_weight.chunk(3), dim=1)


@turned.slip
def reshaped_instead_of_transposed(in_proj_weight):
    """The stacked matrix was reshaped to (d_model, 3 * d_model), which shuffles its numbers. Transpose it."""
    return in_proj_weight.reshape(in_proj_weight.shape[::-1])


@Stage
def product(x, turned):
    return x @ turned  # (..., length, 3 * d_model)


@product.slip
def matrix_first(x, in_proj_weight):
    """The matrix stands on the left of the words, and the sizes do not fit. With one word per row it acts, transposed,
    from the right."""
    return in_proj_weight @ x


@product.slip
def transposed_twice(x, in_proj_weight):
    """The matrix is transposed twice: `linear` takes it as it is stored, and turns it around by itself."""
    return linear(x, in_proj_weight.T)


@product.slip
def columns_as_parts(x, in_proj_weight):
    """The matrix is cut along its columns, and the product does not fit. The three parts are its rows: the first third
    for the queries."""
    return x @ in_proj_weight.chunk(3, dim=1)[0].T


@product.slip
def scaled(x, turned):
    """The products are divided by the root of d_model. A linear map has no scale."""
    return x @ turned / math.sqrt(x.shape[-1])


@Stage
def projected(product, in_proj_bias):
    return product + in_proj_bias  # (..., length, 3 * d_model)


@projected.slip
def bias_forgotten(product):
    """in_proj_bias has no effect. It is added to x times the matrix."""
    return product


@projected.slip
def bias_subtracted(product, in_proj_bias):
    """The bias is subtracted. It is added."""
    return product - in_proj_bias


@projected.slip
def bias_twice(product, in_proj_bias):
    """The bias is added twice. Does one of your steps add it already?"""
    return product + 2 * in_proj_bias


@projected.slip
def bias_multiplied(product, in_proj_bias):
    """The products are multiplied by the bias. It is added."""
    return product * in_proj_bias


@projected.slip
def bias_of_the_queries_for_all(product, in_proj_bias):
    """Keys and values got the bias of the queries. in_proj_bias is stacked like the matrix: three parts."""
    return product + in_proj_bias.chunk(3)[0].repeat(3)


@projected.slip
def bias_of_the_queries_alone(product, in_proj_bias):
    """The queries got their bias, and keys and values none. in_proj_bias is stacked like the matrix: three parts."""
    first = torch.arange(len(in_proj_bias)) < len(in_proj_bias) // 3
    return product + in_proj_bias * first


@projected.slip
def bias_of_the_values_missing(product, in_proj_bias):
    """The values got no bias. in_proj_bias is stacked like the matrix: three parts."""
    return product + in_proj_bias * (torch.arange(len(in_proj_bias)) < len(in_proj_bias) // 3 * 2)


@projected.slip
def bias_in_another_order(product, in_proj_bias):
    """The bias is read as if every third number belonged together. Its first third belongs to the queries, in one
    piece."""
    return product + in_proj_bias.unflatten(0, (-1, 3)).T.flatten()


@projected.slip
def bias_as_a_column(product, in_proj_bias):
    """The bias got a new axis at its end, so that it would lie along the words. As it is, broadcasting lays it along
    the last axis."""
    return product + in_proj_bias[:, None]


@Stage
def parts(projected):
    return torch.stack(projected.chunk(3, dim=-1))  # (3, ..., length, d_model)


@parts.slip
def every_third_row(projected):
    """Queries are made of rows 0, 3, 6 and so on. They are the first third of the rows, in one piece."""
    return projected.unflatten(-1, (-1, 3)).movedim(-1, 0)


@parts.slip
def three_in_every_head(projected, num_heads):
    """The rows are taken head by head: queries, keys and values of head 0, then those of head 1. Some models store them
    so. PyTorch stores all queries first, then all keys, then all values."""
    return projected.unflatten(-1, (num_heads, 3, -1)).movedim(-2, 0).flatten(-2)


@parts.slip
def three_by_reshape(projected, x):
    """The three come to the front by a reshape alone, which deals the numbers out in the order of memory. Cut the last
    axis first; then move the axes."""
    return projected.reshape(3, *x.shape)


@parts.slip
def cut_along_the_words(projected):
    """The product is cut along the words, where the three are pieces of its last axis."""
    return torch.stack(projected.chunk(3, dim=-2))


@parts.slip
def pieces_of_three(projected):
    """The pieces have three numbers each, and there are d_model of them. It is the other way round: three pieces."""
    return torch.stack(projected.split(3, dim=-1))


@parts.slip
def queries_for_all(projected):
    """Keys and values are made of the rows of the queries. Theirs are the second and the last third."""
    return projected.chunk(3, dim=-1)[0].expand(3, *projected.shape[:-1], projected.shape[-1] // 3)


@parts.slip
def values_are_keys(projected):
    """The values are made of the rows of the keys, the second third. Theirs are the last third."""
    return torch.stack(projected.chunk(3, dim=-1))[[0, 1, 1]]


@parts.slip
def keys_are_queries(projected):
    """The keys are made of the rows of the queries, the first third. Theirs are the second third."""
    return torch.stack(projected.chunk(3, dim=-1))[[0, 0, 2]]


@parts.slip
def keys_are_values(projected):
    """The keys are made of the rows of the values, the last third. Theirs are the second third."""
    return torch.stack(projected.chunk(3, dim=-1))[[0, 2, 2]]


cut = heads_stages.cut.but("pieces_too_short", x="parts")
heads = heads_stages.heads.but("first_axes_swapped", "four_axes_expected", "axes_1_and_2_swapped", "heads_before_batch")


@heads.slip
def axes_of_a_batch_swapped(cut):
    """The split swaps axes that are the words and the heads only behind exactly one leading axis. There may be none, or
    two: counted from the end they are -3 and -2."""
    return torch.stack([each.transpose(1, 2) for each in cut])


@Stage
def result(heads):
    return heads


@result.slip
def not_split(parts):
    """The three projections are not split into heads: (3, ..., num_heads, length, d_k) is asked for."""
    return parts


@result.slip
def keys_first(heads):
    """Queries and keys are exchanged. The order is queries, keys, values."""
    return heads[[1, 0, 2]]


@result.slip
def values_before_keys(heads):
    """Keys and values are exchanged. The order is queries, keys, values."""
    return heads[[0, 2, 1]]


@result.slip
def values_first(heads):
    """The order is turned around: values, keys, queries. It should be queries, keys, values."""
    return heads.flip(0)


@result.slip
def values_missing(heads):
    """Queries and keys alone come back: the first axis has size 2. The values belong there too."""
    return heads[:2]


@result.slip
def queries_alone(heads):
    """The queries alone come back. Keys and values belong there too, on a new first axis."""
    return heads[0]


@result.slip
def queries_scaled(heads):
    """The queries are divided by the root of d_k, which belongs to the scores. Here they are as the map gives them."""
    return torch.stack([heads[0] / math.sqrt(heads.shape[-1]), heads[1], heads[2]])


@result.slip
def three_behind_the_batch(heads):
    """The axis of the three stands right before the heads, behind any leading axes. It comes first: (3, batch,
    num_heads, length, d_k)."""
    return heads.movedim(0, -4)


@result.slip
def three_on_axis_1(heads):
    """Queries, keys and values are stacked on axis 1. Their axis comes first: (3, ..., num_heads, length, d_k)."""
    return heads.movedim(0, 1)


@result.slip
def three_at_the_end(heads):
    """Queries, keys and values are stacked on the last axis. Their axis comes first: (3, ..., num_heads, length,
    d_k)."""
    return heads.movedim(0, -1)


@result.slip
def joined_instead_of_stacked(heads):
    """The three parts were joined along an axis that is there already. They need a new first axis."""
    return torch.cat(list(heads))


@result.slip
def joined_at_the_end(heads):
    """The three parts were joined along the last axis: each head has 3 d_k numbers. They need a new first axis."""
    return torch.cat(list(heads), dim=-1)


@result.slip
def of_the_first_sentence(heads):
    """Of a batch, this is the first sentence alone. Leading axes stay as they are."""
    return heads[:, 0] if heads.ndim > 4 else heads


@known.mistake
def batch_expected(x, in_proj_weight, in_proj_bias, num_heads):
    """The shape of x is taken apart into three sizes, as if there were always one leading axis. There may be none, or
    two. Put what stands before the last two axes into *leading."""
    batch, length, d_model = x.shape
    projected = linear(x, in_proj_weight, in_proj_bias)
    return projected.reshape(batch, length, 3, num_heads, d_model // num_heads).permute(2, 0, 3, 1, 4)


@known.mistake
def dealt_out_to_the_shape(x, in_proj_weight, in_proj_bias, num_heads):
    """One reshape brings the projections to the shape of the result, which deals the numbers out in the order of
    memory. Cut the last axis first; then move the axes."""
    projected = linear(x, in_proj_weight, in_proj_bias)
    return projected.reshape(3, *x.shape[:-2], num_heads, x.shape[-2], -1)


@known.mistake
def bias_added_to_the_heads(x, in_proj_weight, in_proj_bias, num_heads):
    """The bias is added to the heads with the axes (3, num_heads, 1, d_k), which fits only where nothing stands in
    front: with a batch, axes are lined up that do not belong together. Add it before the split."""
    heads = _stacked(x @ in_proj_weight.T, num_heads)
    return heads + in_proj_bias.reshape(3, num_heads, 1, -1)


@known.mistake
def bias_as_a_column_at_once(x, in_proj_weight, in_proj_bias, num_heads):
    """The bias is added as a column, one number for each word. It is one number for each output: as it is, broadcasting
    lays it along the last axis."""
    return _stacked(x @ in_proj_weight.T + in_proj_bias[:, None], num_heads)


@known.mistake
def transposed_twice_with_the_bias(x, in_proj_weight, in_proj_bias, num_heads):
    """`linear` got the transposed matrix. It takes the matrix as it is stored, with one row for every output, and turns
    it around by itself."""
    return _stacked(linear(x, in_proj_weight.T, in_proj_bias), num_heads)


@known.mistake
def words_cut_in_three(x, in_proj_weight, in_proj_bias, num_heads):
    """The words are cut into three parts, and these are not equally long. It is the last axis of the product that holds
    queries, keys and values."""
    projected = linear(x, in_proj_weight, in_proj_bias)
    return torch.stack([split_heads(part, num_heads) for part in projected.chunk(3, dim=-2)])


@known.mistake
def cut_into_threes(x, in_proj_weight, in_proj_bias, num_heads):
    """The product is cut into pieces of three numbers, where three pieces are asked for: `split` takes the size of a
    piece, `chunk` the number of pieces."""
    parts = linear(x, in_proj_weight, in_proj_bias).split(3, dim=-1)
    return torch.stack([part.unflatten(-1, (num_heads, x.shape[-1] // num_heads)).swapaxes(-3, -2) for part in parts])


@known.probe
def words_of_zeros(rng):
    inputs = draw(rng, length=2, num_heads=2, d_k=3)
    inputs["x"] = np.zeros_like(inputs["x"])
    yours = yield inputs
    right = np.broadcast_to(inputs["in_proj_bias"].reshape(3, 2, 1, 3), (3, 2, 2, 3))
    found = first_difference(yours, right)
    return found and (
        f"With words of zeros, every result should be its part of the bias: at [{found[0]}] yours is {found[1]:.4g}, "
        f"expected {found[2]:.4g}."
    )


@known.probe
def rows_that_count_up(rng):
    inputs = draw(rng, length=1, num_heads=2, d_k=2)
    rows = np.broadcast_to(np.arange(12.0)[:, None], (12, 4)).copy()
    yours = yield {**inputs, "x": np.full((1, 4), 0.25), "in_proj_weight": rows, "in_proj_bias": np.zeros(12)}
    found = first_difference(yours, np.arange(12.0).reshape(3, 2, 1, 2))
    return found and (
        f"With a matrix whose row r holds nothing but r, and a word whose components sum to 1, each number of the "
        f"result tells which row made it: at [{found[0]}] yours is {found[1]:.4g}, expected {found[2]:.4g}."
    )


@known.probe
def one_component_set(rng):
    inputs = draw(rng, length=4, num_heads=2, d_k=2)
    yours = yield {**inputs, "x": np.eye(4), "in_proj_bias": np.zeros(12)}
    right = inputs["in_proj_weight"].T.reshape(4, 3, 2, 2).transpose(1, 2, 0, 3)
    found = first_difference(yours, right)
    return found and (
        f"With words that are the rows of the identity and no bias, word i picks column i of the matrix: at "
        f"[{found[0]}] yours is {found[1]:.4g}, expected {found[2]:.4g}."
    )


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
        Case("one sentence, 2 heads", dict(length=5, num_heads=2, d_k=4), dtype="float32"),
        Case("the example of the text", {}, dtype="float32", draw=the_example),
        Case("a batch, 3 heads", dict(batch=2, length=5, num_heads=3, d_k=4), points=2, dtype="float32"),
        Case("two leading axes", dict(groups=3, batch=2, length=7, num_heads=4, d_k=5), dtype="float32"),
        Case("one word, float64", dict(num_heads=3, d_k=2), draw=one_word),
        Case("one head", dict(length=5, num_heads=1, d_k=4), dtype="float32"),
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
    stages=(turned, product, projected, parts, cut, heads, result),
    coincidences={"three_by_reshape + reshaped_without_swap": "dealt_out_to_the_shape"},
    optional=True,
    **known.ways,
)
