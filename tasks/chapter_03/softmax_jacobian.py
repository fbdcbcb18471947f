"""03.softmax_jacobian: how every weight moves with every score (Bishop 2006, eq. 4.106), for any leading axes."""

import numpy as np

import course_lib
from grader.known import Known
from grader.task import Case, Task
from tasks.chapter_03.scores_from_weights import draw_weights
from tasks.rules import informative

known = Known()


def softmax_jacobian(weights):
    diagonal = weights[..., :, None] * np.eye(weights.shape[-1], dtype=weights.dtype)
    return diagonal - weights[..., :, None] * weights[..., None, :]


def one_winner(rng, n):
    """Return weights of which one is 1 and the others are 0."""
    return {"weights": np.eye(n)[rng.integers(n)]}


def _diagonal(values):
    return values[..., :, None] * np.eye(values.shape[-1], dtype=values.dtype)


def _outer(left, right):
    return left[..., :, None] * right[..., None, :]


@known.mistake
def one_row_only(weights):
    """This works for a single row of weights: np.diag and np.outer know nothing of leading axes. Build both matrices by
    broadcasting, with an axis of size 1 put in by weights[..., :, None] and weights[..., None, :]."""
    return np.diag(weights) - np.outer(weights, weights)


@known.mistake
def inner_product(weights):
    """`p @ p.T` is a single number for one row p, because `.T` leaves a row as it is: that number is subtracted
    everywhere. The outer product is a matrix: entry (i, j) takes weight i times weight j. Put axes of size 1 in,
    weights[..., :, None] and weights[..., None, :]."""
    return np.diag(weights) - weights @ weights.T


@known.mistake
def derivative_of_a_sigmoid(weights):
    """This is how each weight moves with its own score, one number for each weight: the diagonal of the matrix. Every
    score moves all the other weights of its row as well."""
    return weights * (1 - weights)


@known.mistake
def diagonal_alone(weights):
    """The diagonal is right, and everything off it is 0, as if a score moved its own weight alone. When one weight
    rises the others must fall: entry (i, j) is minus the product of weights i and j."""
    return _diagonal(weights * (1 - weights))


@known.mistake
def products_alone(weights):
    """The products of the weights are there; the weights themselves on the diagonal are missing. As it is, no weight
    would rise with its own score."""
    return -_outer(weights, weights)


@known.mistake
def products_added(weights):
    """The products of the weights are added; they have to be subtracted. With your signs every weight would rise if one
    score does."""
    return _diagonal(weights) + _outer(weights, weights)


@known.mistake
def all_signs_turned(weights):
    """All the signs are turned around: a weight has to rise with its own score."""
    return _outer(weights, weights) - _diagonal(weights)


@known.mistake
def ones_on_the_diagonal(weights):
    """The products are subtracted from the identity matrix. The diagonal matrix holds the weights, not ones."""
    return np.eye(weights.shape[-1], dtype=weights.dtype) - _outer(weights, weights)


@known.mistake
def squares_subtracted(weights):
    """What is subtracted is the square of each weight, the same in every row: an elementwise product. Entry (i, j)
    takes weight i times weight j, an outer product."""
    return _diagonal(weights) - (weights * weights)[..., None, :]


@known.mistake
def squares_subtracted_for_one_row(weights):
    """What is subtracted is the square of each weight, the same in every row: an elementwise product. Entry (i, j)
    takes weight i times weight j, an outer product. (And np.diag knows a single row only.)"""
    return np.diag(weights) - weights * weights


@known.mistake
def diagonal_rule_everywhere(weights):
    """The rule of the diagonal, p_i (1 - p_j), is used everywhere. Off the diagonal the 1 is 0: there it is -p_i
    p_j."""
    return _outer(weights, 1 - weights)


@known.mistake
def diagonal_not_a_matrix(weights):
    """The weights are not put on a diagonal: broadcasting lays them along every row. They belong on the diagonal
    alone."""
    return weights[..., None, :] - _outer(weights, weights)


@known.mistake
def softmax_of_the_weights(weights):
    """Softmax is applied once more. What comes in are weights already."""
    return softmax_jacobian(course_lib.softmax(weights))


@known.legal
def with_loops(weights):
    n = weights.shape[-1]
    jacobian = np.zeros((*weights.shape, n), dtype=weights.dtype)
    for index in np.ndindex(weights.shape[:-1]):
        for i in range(n):
            for j in range(n):
                jacobian[(*index, i, j)] = weights[(*index, i)] * ((i == j) - weights[(*index, j)])
    return jacobian


@known.legal
def with_einsum(weights):
    jacobian = -np.einsum("...i,...j->...ij", weights, weights)
    np.einsum("...ii->...i", jacobian)[...] += weights
    return jacobian


@known.legal
def row_by_row(weights):
    rows = weights.reshape(-1, weights.shape[-1])
    return np.stack([np.diag(p) - np.outer(p, p) for p in rows]).reshape(*weights.shape, weights.shape[-1])


@known.legal
def with_torch(weights):
    import torch

    p = torch.from_numpy(weights)
    return torch.diag_embed(p) - p[..., :, None] @ p[..., None, :]


@known.legal
def factored(weights):
    return weights[..., :, None] * (np.eye(weights.shape[-1], dtype=weights.dtype) - weights[..., None, :])


@known.borrowed
def by_autograd(weights):
    import torch

    scores = torch.from_numpy(weights).log().reshape(-1, weights.shape[-1])
    rows = [torch.autograd.functional.jacobian(lambda row: torch.softmax(row, dim=-1), row) for row in scores]
    return torch.stack(rows).reshape(*weights.shape, weights.shape[-1])


@known.always
def rows_sum_to_zero(inputs, output):
    """Each row should sum to zero, because adding a constant to all scores moves no weight. Yours do not."""
    return np.allclose(output.sum(axis=-1), 0, rtol=0, atol=1e-5)


@known.always
def symmetric(inputs, output):
    """The matrix should be symmetric: score j moves weight i as much as score i moves weight j. Yours is not."""
    return np.allclose(output, output.swapaxes(-2, -1), rtol=0, atol=1e-5)


TASK = Task(
    id="03.softmax_jacobian",
    title="The Jacobian of softmax",
    difficulty=3,
    minutes=15,
    reference=softmax_jacobian,
    draw=draw_weights,
    cases=(
        Case("one row of 3 weights", dict(n=3), points=2),
        Case("one row in float32", dict(n=5), dtype="float32"),
        Case("one weight is 1, the others 0", dict(n=4), draw=one_winner),
        Case("2 rows of 4 weights", dict(rows=2, n=4)),
        Case("a batch, several heads", dict(batch=2, num_heads=4, rows=3, n=5)),
    ),
    finished=("torch.autograd.functional.jacobian", "torch.func.jacrev", "torch.func.jacfwd"),
    hints=(
        "Write it for one row first, with np.diag and np.outer. What do these two make of an array of two axes?",
        (
            "The outer product of each row with itself: a column `weights[..., :, None]` times a row `weights[..., "
            "None, :]` broadcasts to (..., n, n)."
        ),
        (
            "A diagonal matrix: a column of weights times the identity matrix `np.eye(n)`. In float32, give np.eye the "
            "dtype of the weights."
        ),
        "`p[..., :, None] * identity` minus `p[..., :, None] * p[..., None, :]`, where p are the weights.",
    ),
    drawn=(informative(lambda weights: weights),),
    **known.ways,
)
