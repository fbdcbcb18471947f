"""03.softmax_jacobian: how every weight moves with every score (Bishop 2006, eq. 4.106), for any leading axes."""

import numpy as np

from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Task
from tasks.chapter_03.scores_from_weights import draw_weights
from tasks.probes import apart
from tasks.rules import informative

known = Known()


def softmax_jacobian(weights):
    return _diagonal(weights) - _outer(weights, weights)


def one_winner(rng, n):
    """Return weights of which one is 1 and the others are 0."""
    return {"weights": np.eye(n)[rng.integers(n)]}


def of_the_text(rng, n):
    return {"weights": np.array([0.75, 0.25])}


def _diagonal(values):
    return values[..., :, None] * np.eye(values.shape[-1], dtype=values.dtype)


def _outer(left, right):
    return left[..., :, None] * right[..., None, :]


def _softmax(scores):
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


@Stage
def taken(weights):
    return weights


@taken.slip
def softmax_of_the_weights(weights):
    """Softmax is applied once more. What comes in are weights already."""
    return _softmax(weights)


@taken.slip
def weights_summed_over_the_rows(weights):
    """The weights of the rows are added up first. Every row has a matrix of its own."""
    return weights if weights.ndim == 1 else weights.sum(axis=-2)


@Stage
def diagonal(taken):
    return _diagonal(taken)  # (..., k_len, k_len)


@diagonal.slip
def products_alone(taken):
    """The products of the weights are there; the weights themselves on the diagonal are missing. As it is, no weight
    would rise with its own score."""
    return np.zeros_like(_diagonal(taken))


@diagonal.slip
def ones_on_the_diagonal(taken):
    """The diagonal matrix holds ones. It should hold the weights."""
    return _diagonal(np.ones_like(taken))


@diagonal.slip
def squares_subtracted_twice(taken):
    """The diagonal has p (1 - p) before the products are subtracted, so the squares are subtracted twice there. The
    diagonal matrix holds the weights, and the products do the rest."""
    return _diagonal(taken * (1 - taken))


@diagonal.slip
def rests_on_the_diagonal(taken):
    """The diagonal matrix holds 1 minus each weight. It should hold the weights."""
    return _diagonal(1 - taken)


@diagonal.slip
def weights_in_every_row(taken):
    """The weights are not put on a diagonal: they are laid along every row. They belong on the diagonal alone."""
    return taken[..., None, :] * np.ones_like(_diagonal(taken))


@diagonal.slip
def weights_in_every_column(taken):
    """The weights are laid down every column, which gives p_i (1 - p_j) everywhere, the rule of the diagonal. Off the
    diagonal the 1 is 0: there it is -p_i p_j."""
    return taken[..., :, None] * np.ones_like(_diagonal(taken))


@diagonal.slip
def ones_everywhere(taken):
    """The products are subtracted from 1 everywhere. They are subtracted from a matrix with the weights on its diagonal
    and zeros elsewhere."""
    return np.ones_like(_diagonal(taken))


@Stage
def products(taken):
    return _outer(taken, taken)  # (..., k_len, k_len)


@products.slip
def no_products(taken):
    """The weights are on the diagonal, and nothing is subtracted: the products of the weights are missing."""
    return np.zeros_like(_diagonal(taken))


@products.slip
def squares_of_the_row(taken):
    """What is subtracted is the square of each weight, the same in every row: an elementwise product. Entry (i, j)
    takes weight i times weight j, an outer product."""
    return (taken**2)[..., None, :] * np.ones_like(_diagonal(taken))


@products.slip
def squares_of_the_column(taken):
    """What is subtracted is the square of each weight, the same in every column: an elementwise product. Entry (i, j)
    takes weight i times weight j, an outer product."""
    return (taken**2)[..., :, None] * np.ones_like(_diagonal(taken))


@products.slip
def inner_product(taken):
    """What is subtracted is one number for a whole row of weights, the sum of their squares: an inner product. The
    outer product is a matrix: entry (i, j) takes weight i times weight j."""
    return (taken**2).sum(axis=-1)[..., None, None] * np.ones_like(_diagonal(taken))


@products.slip
def weights_of_the_row(taken):
    """What is subtracted is p_j, the weight of the column, and not the product p_i p_j."""
    return taken[..., None, :] * np.ones_like(_diagonal(taken))


@products.slip
def weights_of_the_column(taken):
    """What is subtracted is p_i, the weight of the row, and not the product p_i p_j."""
    return taken[..., :, None] * np.ones_like(_diagonal(taken))


@products.slip
def products_with_the_rest(taken):
    """What is subtracted is p_i (1 - p_j). It has to be p_i p_j."""
    return _outer(taken, 1 - taken)


@products.slip
def products_of_the_rests(taken):
    """What is subtracted is (1 - p_i) (1 - p_j). It has to be p_i p_j."""
    return _outer(1 - taken, 1 - taken)


@products.slip
def products_off_the_diagonal_alone(taken):
    """On the diagonal nothing is subtracted. Weight i times weight j is subtracted there, too, where i = j."""
    return _outer(taken, taken) - _diagonal(taken**2)


@products.slip
def products_twice(taken):
    """The products are subtracted twice."""
    return 2 * _outer(taken, taken)


@products.slip
def halves_of_the_products(taken):
    """Half of the products is subtracted."""
    return _outer(taken, taken) / 2


@Stage
def difference(diagonal, products):
    return diagonal - products


@difference.slip
def products_added(diagonal, products):
    """The products of the weights are added; they have to be subtracted. With your signs every weight would rise if one
    score does."""
    return diagonal + products


@difference.slip
def all_signs_turned(diagonal, products):
    """All the signs are turned around: a weight has to rise with its own score."""
    return products - diagonal


@difference.slip
def matrices_multiplied(diagonal, products):
    """The diagonal matrix and the products are multiplied with each other as matrices. One is subtracted from the
    other."""
    return diagonal @ products


@Stage
def jacobian(difference):
    return difference


@jacobian.slip
def diagonal_as_a_row(difference):
    """This is how each weight moves with its own score, one number for each weight: the diagonal of the matrix. Every
    score moves all the other weights of its row as well."""
    return np.diagonal(difference, axis1=-2, axis2=-1)


@jacobian.slip
def diagonal_alone(difference):
    """Everything off the diagonal is 0, as if a score moved its own weight alone. When one weight rises the others must
    fall: entry (i, j) is minus the product of weights i and j."""
    return difference * np.eye(difference.shape[-1], dtype=difference.dtype)


@jacobian.slip
def zeros_on_the_diagonal(difference):
    """The diagonal is 0, as if no score moved its own weight. There it is p_i (1 - p_i)."""
    return difference * (1 - np.eye(difference.shape[-1], dtype=difference.dtype))


@jacobian.slip
def upper_half_alone(difference):
    """Everything below the diagonal is 0. The matrix has entries on both sides: score j moves weight i as much as score
    i moves weight j."""
    return np.triu(difference)


@jacobian.slip
def lower_half_alone(difference):
    """Everything above the diagonal is 0. The matrix has entries on both sides: score j moves weight i as much as score
    i moves weight j."""
    return np.tril(difference)


@jacobian.slip
def last_column_zero(difference):
    """The last column is 0, as if the last score moved nothing. Columns count from 0 to k_len - 1."""
    return difference * (np.arange(difference.shape[-1]) < difference.shape[-1] - 1).astype(difference.dtype)


@jacobian.slip
def last_row_zero(difference):
    """The last row is 0, as if no score moved the last weight. Rows count from 0 to k_len - 1."""
    return difference * (np.arange(difference.shape[-1]) < difference.shape[-1] - 1).astype(difference.dtype)[:, None]


@jacobian.slip
def last_row_everywhere(difference):
    """All rows of the matrix hold the numbers of its last row, as when one and the same list stands in every row."""
    return np.broadcast_to(difference[..., -1:, :], difference.shape).copy()


@jacobian.slip
def off_the_diagonal_positive(difference):
    """Off the diagonal the sign is turned around: when one weight rises, the others must fall."""
    return np.abs(difference)


@jacobian.slip
def matrices_added_up(difference):
    """The matrices of all rows are added up to one. Every row gets a matrix of its own."""
    return difference.reshape(-1, *difference.shape[-2:]).sum(axis=0)


@jacobian.slip
def matrices_averaged(difference):
    """The matrices of all rows are averaged to one. Every row gets a matrix of its own: (..., k_len, k_len)."""
    return difference.reshape(-1, *difference.shape[-2:]).mean(axis=0)


@jacobian.slip
def last_matrix_alone(difference):
    """Only the matrix of the last row of weights came back. Every row gets one of its own."""
    return difference.reshape(-1, *difference.shape[-2:])[-1]


@jacobian.slip
def first_matrix_for_all(difference):
    """The matrix of the very first row of weights stands for all rows. Every row gets one of its own."""
    return np.broadcast_to(difference[(0,) * (difference.ndim - 2)], difference.shape).copy()


@jacobian.slip
def leading_axes_in_one(difference):
    """The matrices of all rows stand one behind the other, on one axis. The leading axes are to stay as they came:
    (..., k_len, k_len)."""
    return difference.reshape(-1, *difference.shape[-2:])


@jacobian.slip
def matrices_flattened(difference):
    """Each matrix is laid out in one row: (..., k_len * k_len). It has two axes: (..., k_len, k_len)."""
    return difference.reshape((*difference.shape[:-2], -1))


@jacobian.slip
def matrix_axes_in_front(difference):
    """The two axes of the matrices stand in front of the leading ones. They come last: (..., k_len, k_len)."""
    return np.moveaxis(difference, (-2, -1), (0, 1))


@jacobian.slip
def blocks_of_one_matrix(difference):
    """One large matrix stands for all rows, with their matrices as blocks on its diagonal and zeros elsewhere. Every
    row gets a matrix of its own: (..., k_len, k_len)."""
    blocks = difference.reshape(-1, *difference.shape[-2:])
    rows, n = blocks.shape[:2]
    large = np.zeros((rows, n, rows, n), dtype=difference.dtype)
    large[np.arange(rows), :, np.arange(rows)] = blocks
    return large.reshape(rows * n, rows * n)


@jacobian.slip
def summed_over_the_scores(difference):
    """Each matrix is summed over its last axis, which leaves zeros: what one weight gains the others lose. The matrix
    itself is asked for."""
    return difference.sum(axis=-1)


@known.mistake
def zeros_alone(weights):
    """Every number of the result is 0."""
    return np.zeros_like(_diagonal(weights))


@known.mistake
def rests_on_the_diagonal_alone(weights):
    """The diagonal holds 1 - p_i. It should hold p_i (1 - p_i); the rest is right."""
    others = 1 - np.eye(weights.shape[-1], dtype=weights.dtype)
    return _diagonal(1 - weights) - _outer(weights, weights) * others


@known.mistake
def of_the_logarithms(weights):
    """This is how the logarithms of the weights move with the scores: the identity minus the weights in every row. The
    weights themselves are asked for: each row is still to be multiplied by its weight."""
    return np.eye(weights.shape[-1], dtype=weights.dtype) - weights[..., None, :] * np.ones_like(weights[..., None])


@known.mistake
def diagonal_rule_with_a_minus(weights):
    """Off the diagonal stands -p_i (1 - p_j). There the 1 is 0, and what remains is -p_i p_j."""
    own = _diagonal(weights * (1 - weights))
    others = 1 - np.eye(weights.shape[-1], dtype=weights.dtype)
    return own - _outer(weights, 1 - weights) * others


@known.mistake
def all_rows_in_one_matrix(weights):
    """All weights of all rows are treated as one long row: its matrix also has the products of weights of different
    rows. Every row has a matrix of its own: (..., k_len, k_len)."""
    return np.diag(weights.ravel()) - np.outer(weights, weights)


@known.mistake
def one_row_only(weights):
    """np.diag and np.outer know nothing of leading axes, and this is right for a single row alone. Build both matrices
    by broadcasting, with an axis of size 1 put in by weights[..., :, None] and weights[..., None, :]."""
    return np.diag(weights) - np.outer(weights, weights)


@known.mistake
def products_of_one_row_only(weights):
    """np.outer makes one long row of all weights first, so its matrix fits a single row alone. A column times a row,
    weights[..., :, None] times weights[..., None, :], goes by leading axes."""
    diagonal = _diagonal(weights)
    return diagonal - np.outer(weights, weights)


@known.mistake
def sum_of_letters_for_one_row(weights):
    """The letters of np.einsum name the axes of a single row. "...i,...j->...ij" lets any axes stand before."""
    return _diagonal(weights) - np.einsum("i,j->ij", weights, weights)


@known.mistake
def sum_of_letters_for_several_rows(weights):
    """The letters of np.einsum name one axis for the rows, and there may be none, or three. "...i,...j->...ij" lets any
    axes stand before."""
    return _diagonal(weights) - np.einsum("bi,bj->bij", weights, weights)


@known.mistake
def loops_over_one_row_of_a_table(weights):
    """weights[i] is a number where there is one row, and a whole row where there are several, which an entry of the
    matrix cannot hold. Go through the rows first, and let the result have their axes in front."""
    n = weights.shape[-1]
    jacobian = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            jacobian[i, j] = weights[i] * ((i == j) - weights[j])
    return jacobian


@known.mistake
def diagonal_of_one_row_only(weights):
    """np.diag makes a matrix of a single row; of a table it takes the diagonal, and of more axes nothing. A column of
    weights times the identity matrix is diagonal for any leading axes."""
    return np.diag(weights) - weights[..., :, None] * weights[..., None, :]


@known.mistake
def inner_product_of_one_row_only(weights):
    """The product of a single row with itself is one number, and that is subtracted everywhere: `.T` leaves a row as it
    is. The outer product is a matrix, weights[..., :, None] times weights[..., None, :]. And np.diag knows a single row
    alone."""
    return np.diag(weights) - weights @ weights.T


@known.mistake
def squares_subtracted_for_one_row(weights):
    """What is subtracted is the square of each weight, the same in every row: an elementwise product. Entry (i, j)
    takes weight i times weight j, an outer product. (And np.diag knows a single row only.)"""
    return np.diag(weights) - weights * weights


@known.mistake
def loops_over_one_row_only(weights):
    """weights[i] is a number where there is a single row, and a whole row where there are several: an entry of the
    matrix cannot hold that. Go through the rows first."""
    n = len(weights)
    jacobian = np.zeros((n, n), dtype=weights.dtype)
    for i in range(n):
        for j in range(n):
            jacobian[i, j] = weights[i] * ((i == j) - weights[j])
    return jacobian


@known.mistake
def filled_diagonal_of_one_row_only(weights):
    """np.fill_diagonal fills a single square matrix; with leading axes it wants all sizes equal. The identity matrix
    broadcasts: a column of weights times np.eye(k_len) is diagonal for any leading axes."""
    jacobian = -_outer(weights, weights)
    np.fill_diagonal(jacobian, weights * (1 - weights))
    return jacobian


@known.mistake
def identity_as_large_as_the_first_axis(weights):
    """The identity matrix is as large as the first axis, and that is k_len for a single row alone. It needs the size of
    the last axis, weights.shape[-1]."""
    eye = np.eye(len(weights), dtype=weights.dtype)
    return weights[..., :, None] * (eye - weights[..., None, :])


@known.mistake
def column_times_identity_of_the_first_axis(weights):
    """The identity matrix has the size of the first axis, which is k_len only where there is a single row. The weights
    stand along the last axis: weights.shape[-1]."""
    eye = np.eye(len(weights), dtype=weights.dtype)
    return weights[..., :, None] * eye - weights[..., :, None] * weights[..., None, :]


@known.mistake
def list_for_an_array(weights):
    """A list of lists takes one index at a time, J[i][j]. An array, np.zeros((n, n)), takes both at once."""
    n = weights.shape[-1]
    J = [[0.0] * n for _ in range(n)]
    for i, j in np.ndindex(n, n):
        J[i, j] = float(i == j)
    return np.array(J)


@known.probe
def two_weights(rng):
    yours = yield {"weights": np.array([0.8, 0.2])}
    right = np.array([[0.16, -0.16], [-0.16, 0.16]])
    if np.allclose(yours, right):
        return None
    i, j = map(int, np.argwhere(~np.isclose(yours, right))[0])
    return (
        f"For the weights [0.8, 0.2] entry [{i}, {j}] should be {right[i, j]:.4g}: "
        f"{'0.8 * (1 - 0.8)' if i == j == 0 else '0.2 * (1 - 0.2)' if i == j else '-0.8 * 0.2'}; yours is "
        f"{apart(yours[i, j], right[i, j])[0]}."
    )


@known.probe
def one_hot(rng):
    yours = yield {"weights": np.array([0.0, 1.0, 0.0])}
    if not np.allclose(yours, 0):
        place = np.unravel_index(np.abs(yours).argmax(), yours.shape)
        return (
            f"For the weights [0, 1, 0] no score moves anything, and all entries should be 0; yours at "
            f"[{place[0]}, {place[1]}] is {yours[place]:.4g}."
        )
    return None


@known.probe
def against_small_steps(rng):
    scores = np.array([0.3, -0.2, 0.9])
    yours = yield {"weights": _softmax(scores)}
    weights, step = _softmax(scores), 1e-5 * np.eye(3)
    moved = (_softmax(scores + step) - _softmax(scores - step)).T / 2e-5
    wrong = np.argwhere(~np.isclose(yours, moved, atol=1e-6))
    if len(wrong):
        i, j = map(int, wrong[0])
        return (
            f"Weights [{', '.join(f'{weight:.3g}' for weight in weights)}]: when score {j} rises by a little, weight "
            f"{i} moves by {moved[i, j]:.4g} times that; entry [{i}, {j}] of yours is {yours[i, j]:.4g}."
        )
    return None


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
    return (torch.diag_embed(p) - p[..., :, None] @ p[..., None, :]).numpy()


@known.legal
def factored(weights):
    return weights[..., :, None] * (np.eye(weights.shape[-1], dtype=weights.dtype) - weights[..., None, :])


@known.borrowed
def by_autograd(weights):
    import torch

    scores = torch.from_numpy(weights).log().reshape(-1, weights.shape[-1])
    rows = [torch.autograd.functional.jacobian(lambda row: torch.softmax(row, dim=-1), row) for row in scores]
    return torch.stack(rows).reshape(*weights.shape, weights.shape[-1])


@known.borrowed
def by_backward(weights):
    import torch

    scores = torch.from_numpy(weights).log().requires_grad_()
    probabilities = torch.softmax(scores, dim=-1)
    columns = []
    for i in range(weights.shape[-1]):
        scores.grad = None
        probabilities[..., i].sum().backward(retain_graph=True)
        columns.append(scores.grad.clone())
    return torch.stack(columns, dim=-2).numpy()


@known.borrowed
def by_grad(weights):
    import torch

    scores = torch.from_numpy(weights).log().requires_grad_()
    probabilities = torch.softmax(scores, dim=-1)
    rows = [
        torch.autograd.grad(probabilities[..., i].sum(), scores, retain_graph=True)[0] for i in range(weights.shape[-1])
    ]
    return torch.stack(rows, dim=-2).numpy()


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
    optional=True,
    reference=softmax_jacobian,
    draw=draw_weights,
    cases=(
        Case("the example of the text", dict(n=2), draw=of_the_text),
        Case("one row of 3 weights", dict(n=3), points=2),
        Case("one row in float32", dict(n=5), dtype="float32"),
        Case("one weight is 1, the others 0", dict(n=4), draw=one_winner),
        Case("2 rows of 4 weights", dict(rows=2, n=4)),
        Case("a batch, several heads", dict(batch=2, num_heads=4, rows=3, n=5)),
        Case("one row with axes of size 1 before it", dict(batch=1, rows=1, n=3), draw=draw_weights),
    ),
    finished=(
        "torch.autograd.functional.jacobian",
        "torch.func.jacrev",
        "torch.func.jacfwd",
        "torch.func.vjp",
        "torch.func.jvp",
        "torch.autograd.grad",
        "torch.autograd.backward",
    ),
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
        "The first minus the second. Or at once: a column of weights times (identity minus a row of weights).",
    ),
    drawn=(informative(lambda weights: weights),),
    stages=(taken, diagonal, products, difference, jacobian),
    coincidences={
        "products_alone + no_products": "zeros_alone",
        "weights_in_every_row + weights_of_the_row": "zeros_alone",
        "weights_in_every_column + weights_of_the_column": "zeros_alone",
        "products_alone + matrices_multiplied": "zeros_alone",
        "no_products + matrices_multiplied": "zeros_alone",
        "no_products + zeros_on_the_diagonal": "zeros_alone",
        "weights_of_the_row + diagonal_alone": "zeros_alone",
        "weights_of_the_column + diagonal_alone": "zeros_alone",
        "rests_on_the_diagonal + products_off_the_diagonal_alone": "rests_on_the_diagonal_alone",
        "products_alone + products_off_the_diagonal_alone": "zeros_on_the_diagonal",
        "ones_on_the_diagonal + weights_of_the_row": "of_the_logarithms",
        "squares_subtracted_twice + no_products": "diagonal_alone",
        "products_off_the_diagonal_alone + diagonal_alone": "no_products",
    },
    cancelling=("squares_subtracted_twice + products_off_the_diagonal_alone",),
    **known.ways,
)
