"""14.overlap_penalty: ||A A^T - I||_F^2, how much the hops read the same (Lin et al. 2017, eq. 8)."""

import numpy as np

from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Task

known = Known()


def draw(rng, hops, n, **leading):
    """Return weights of hops that sum to 1, neither one-hot nor uniform."""
    exponentials = np.exp(1.5 * rng.normal(size=(*leading.values(), hops, n)))
    return {"weights": exponentials / exponentials.sum(axis=-1, keepdims=True)}


def with_an_empty_name(rng, batch, hops, n):
    """One name has no letter: its hops have no weight at all."""
    weights = draw(rng, hops, n, batch=batch)["weights"]
    weights[rng.integers(batch)] = 0
    return {"weights": weights}


def one_letter(rng, batch, hops, n):
    return {"weights": np.ones((batch, hops, n))}


def of_the_text(rng):
    return {"weights": np.array([[1.0, 0.0, 0.0], [0.5, 0.5, 0.0]])}


def reference(weights):
    overlap = weights @ weights.swapaxes(-2, -1)
    return ((overlap - np.eye(weights.shape[-2], dtype=weights.dtype)) ** 2).sum(axis=(-2, -1))


def _identity(products):
    return np.eye(products.shape[-1], dtype=products.dtype)


@Stage
def products(weights):
    return weights @ weights.swapaxes(-2, -1)  # (..., hops, hops)


@products.slip
def letters_with_letters(weights):
    """The product is A^T A, (n, n): letters with letters. A A^T, (hops, hops), holds the dot products of hops with
    hops."""
    return weights.swapaxes(-2, -1) @ weights


@products.slip
def weights_not_transposed(weights):
    """The weights are multiplied by themselves as they are: (hops, n) times (hops, n) does not fit. Swap the last two
    axes of the second."""
    return weights @ weights


@products.slip
def all_axes_reversed(weights):
    """`.T` reverses all the axes, the leading ones too. Swap the last two alone: weights.swapaxes(-2, -1)."""
    return weights @ weights.T


@products.slip
def transposed_for_tensors(weights):
    """NumPy's transpose wants the order of all axes, where PyTorch's takes two to swap. Two axes change places with
    swapaxes(-2, -1)."""
    return weights @ weights.transpose(-2, -1)


@products.slip
def axes_of_a_single_batch(weights):
    """The axes are named 0, 2 and 1, as with exactly one axis in front. There may be none, or more: swapaxes(-2, -1)
    counts from the end."""
    return weights @ weights.transpose(0, 2, 1)


@products.slip
def first_two_axes_swapped(weights):
    """The first two axes are swapped, which are those of the matrix only if nothing stands in front. Count from the
    end: swapaxes(-2, -1)."""
    return weights @ weights.swapaxes(0, 1)


@products.slip
def cosines(weights):
    """The hops are brought to length 1 first, so the products are cosines, and the diagonal is 1 whatever the hops
    read. The penalty takes the weights as they are."""
    lengths = np.sqrt((weights**2).sum(axis=-1, keepdims=True))
    unit = weights / np.where(lengths == 0, 1, lengths).astype(weights.dtype)
    return unit @ unit.swapaxes(-2, -1)


@products.slip
def weights_alone(weights):
    """There is no product A A^T: the weights, or their squares, meet the identity themselves. A A^T has shape
    (hops, hops), for hops with hops."""
    return weights


@products.rare
def centered(weights):
    """The mean of each hop's weights is subtracted first, as for a covariance. The penalty takes the weights as they
    are."""
    apart = weights - weights.mean(axis=-1, keepdims=True)
    return apart @ apart.swapaxes(-2, -1)


@products.rare
def divided_by_n(weights):
    """The products are divided by n, the number of letters. They are plain dot products."""
    return weights @ weights.swapaxes(-2, -1) / weights.dtype.type(weights.shape[-1])


@products.rare
def divided_by_the_root_of_n(weights):
    """The products are divided by the square root of n. That belongs to scaled dot products; here they are plain."""
    return weights @ weights.swapaxes(-2, -1) / weights.dtype.type(np.sqrt(weights.shape[-1]))


@products.rare
def products_of_squares(weights):
    """The weights are squared before they are multiplied with each other. A A^T takes them as they are."""
    return weights**2 @ (weights**2).swapaxes(-2, -1)


@products.rare
def overlaps_by_the_smaller(weights):
    """For two hops the smaller weight of each letter is added up. A A^T adds up the products of the two."""
    return np.minimum(weights[..., :, None, :], weights[..., None, :, :]).sum(axis=-1)


@Stage
def difference(products):
    return products - _identity(products)


@difference.slip
def no_identity(products):
    """The identity is not subtracted: the products of each hop with itself count in full."""
    return products


@difference.slip
def identity_added(products):
    """The identity is added. It is subtracted."""
    return products + _identity(products)


@difference.slip
def ones_subtracted(products):
    """1 is subtracted everywhere, from the products of different hops as well. The identity has its 1 on the diagonal
    alone."""
    return products - products.dtype.type(1)


@difference.slip
def diagonal_left_out(products):
    """The products of each hop with itself are left out. They belong to the penalty: the identity asks them to be 1,
    which draws each hop to few letters."""
    return products * (1 - _identity(products))


@difference.slip
def diagonal_alone(products):
    """Only the diagonal counts, the products of each hop with itself. Those of different hops are the overlap."""
    return (products - 1) * _identity(products)


@difference.slip
def identity_of_the_letters(products, weights):
    """The identity is as large as n, the number of letters. A A^T has a row and a column for each hop."""
    return products - np.eye(weights.shape[-1], dtype=weights.dtype)


@difference.slip
def identity_of_the_first_axis(products, weights):
    """The identity is as large as the first axis, which is that of the hops only if nothing stands in front. It is as
    large as the last axis but one."""
    return products - np.eye(len(weights), dtype=weights.dtype)


@Stage
def squared(difference):
    return difference**2


@squared.slip
def not_squared(difference):
    """The differences are not squared. The Frobenius norm squares each of them, so that below 0 and above 0 do not
    cancel out."""
    return difference


@squared.slip
def absolute_values(difference):
    """Absolute values of the differences stand where their squares should. The Frobenius norm squares."""
    return np.abs(difference)


@squared.slip
def matrix_product_for_square(difference):
    """The difference is multiplied by itself as a matrix. The Frobenius norm squares each number by itself."""
    return difference @ difference


@Stage
def summed(squared):
    return squared.sum(axis=(-2, -1))  # (...,)


@summed.slip
def root_taken(squared):
    """The square root is taken at the end, as for the norm. The penalty is the norm's square, without a root."""
    return np.sqrt(squared.sum(axis=(-2, -1)))


@summed.slip
def averaged(squared):
    """The numbers are averaged, which divides by hops times hops. The norm adds them up."""
    return squared.mean(axis=(-2, -1))


@summed.slip
def summed_over_the_last_axis_alone(squared):
    """Only the last axis is summed: a number for each hop is left, (..., hops). Sum over both axes of the matrix."""
    return squared.sum(axis=-1)


@summed.slip
def summed_over_everything(squared):
    """Everything is added up, the names of the batch as well. Each name has a penalty of its own: sum over the last two
    axes."""
    return squared.sum()


@summed.slip
def not_summed(squared):
    """Nothing is added up: the last two axes, (hops, hops), are still there."""
    return squared


@summed.slip
def first_axis_kept(squared):
    """Every axis but the first is summed, which is right with exactly one axis in front. Sum over the last two."""
    return squared.reshape(len(squared), -1).sum(axis=-1)


@summed.slip
def axes_one_and_two(squared):
    """The axes summed are 1 and 2, counted from the front, which is right with exactly one axis before them. Count from
    the end: (-2, -1)."""
    return squared.sum(axis=(1, 2))


@summed.slip
def half_of_the_pairs(squared):
    """Each pair of hops counts once. The matrix is symmetric and holds it twice, and the norm adds up all of it."""
    return np.triu(squared).sum(axis=(-2, -1))


@summed.rare
def largest_alone(squared):
    """Only the largest of the numbers is taken. The norm adds up all of them."""
    return squared.max(axis=(-2, -1))


@summed.rare
def divided_by_r(squared):
    """The sum is divided by the number of hops. The norm is the sum itself."""
    return squared.sum(axis=(-2, -1)) / squared.dtype.type(squared.shape[-1])


@summed.rare
def each_pair_once_without_the_diagonal(squared):
    """Only what lies above the diagonal is added up. The norm has all the numbers, the diagonal and what is below it
    too."""
    return np.triu(squared, k=1).sum(axis=(-2, -1))


@known.mistake
def spectral_norm(weights):
    """The norm is the largest singular value, squared, which np.linalg.norm calls 2. The Frobenius norm, "fro", adds up
    all squares."""
    return np.linalg.norm(products(weights) - np.eye(weights.shape[-2], dtype=weights.dtype), 2, axis=(-2, -1)) ** 2


@known.mistake
def difference_alone(weights):
    """This is A A^T - I itself, (..., hops, hops). The penalty is one step further: the squares of its numbers, added
    up."""
    return products(weights) - np.eye(weights.shape[-2], dtype=weights.dtype)


@known.mistake
def products_alone(weights):
    """This is A A^T itself, (..., hops, hops). The identity is subtracted from it, and the squares of what is left are
    added up."""
    return products(weights)


@known.mistake
def nothing_for_an_empty_name(weights):
    """An empty name has the penalty 0 here. The formula makes no exception for it: A A^T is 0, so I is what is left,
    and its squares add up to the number of hops."""
    return reference(weights) * (weights != 0).any(axis=(-2, -1))


@known.mistake
def norm_of_everything(weights):
    """One norm is taken of everything, the whole batch. Each name has a penalty of its own: give np.linalg.norm the
    last two axes."""
    return np.linalg.norm(products(weights) - np.eye(weights.shape[-2], dtype=weights.dtype))


@known.mistake
def norm_without_axes(weights):
    """np.linalg.norm with "fro" wants to be told which two axes are those of the matrix, as there are more:
    axis=(-2, -1)."""
    which, apart = "fro", products(weights) - np.eye(weights.shape[-2], dtype=weights.dtype)
    return np.linalg.norm(apart, which) ** 2


@known.mistake
def largest_row_sum(weights):
    """The differences are added up by rows, as absolute values, and the largest sum is squared. The Frobenius norm adds
    up all squares."""
    apart = np.abs(products(weights) - np.eye(weights.shape[-2], dtype=weights.dtype))
    return apart.sum(axis=-1).max(axis=-1) ** 2


@known.mistake
def square_of_the_sum(weights):
    """The differences are added up, and the sum is squared. Square each number first, then add up."""
    return (products(weights) - np.eye(weights.shape[-2], dtype=weights.dtype)).sum(axis=(-2, -1)) ** 2


@known.mistake
def mean_of_the_batch(weights):
    """The penalties are averaged to one number, as a loss would do later. Return that of each name: (...,)."""
    return reference(weights).mean()


@known.mistake
def square_minus_hops(weights):
    """The number of hops is subtracted at the end from the sum of the squared products. The identity is subtracted
    before anything is squared."""
    return (products(weights) ** 2).sum(axis=(-2, -1)) - weights.dtype.type(weights.shape[-2])


@known.mistake
def three_axes_expected(weights):
    """Three axes are expected, and there may be fewer or more: `...` stands for any axes in front. Count from the
    end: weights.shape[-2] is the number of hops."""
    batch, hops, n = weights.shape
    return ((weights @ weights.reshape(batch, n, hops) - np.eye(hops)) ** 2).sum(axis=(1, 2))


@known.mistake
def two_axes_expected(weights):
    """Two axes are expected, and there may be more: `...` stands for any axes in front. Count from the end:
    weights.shape[-2] is the number of hops."""
    hops, _n = weights.shape
    return ((weights @ weights.T - np.eye(hops)) ** 2).sum()


@known.mistake
def dim_for_axis(weights):
    """NumPy's sum takes `axis`; `dim` is PyTorch's word for it."""
    return ((products(weights) - np.eye(weights.shape[-2])) ** 2).sum(dim=(-2, -1))


@known.mistake
def bmm_of_an_array(weights):
    """`bmm` is PyTorch's. `@` multiplies the last two axes of NumPy's arrays, whatever stands in front."""
    return np.bmm(weights, weights)


@known.always
def not_negative(inputs, output):
    """A penalty is a sum of squares, so it should be 0 or more."""
    return bool((output >= 0).all())


@known.probe
def hops_apart(rng):
    yours = yield {"weights": np.eye(3, 5)[None]}
    if not np.allclose(yours, 0):
        return (
            "Three hops, each with all its weight on a letter of its own, should have the penalty 0; "
            f"yours is {yours[0]:.4g}."
        )
    return None


@known.probe
def hops_alike(rng):
    yours = yield {"weights": np.eye(1, 5).repeat(3, axis=0)[None]}
    if not np.allclose(yours, 6):
        return (
            "Three hops with all their weight on the same letter should have the penalty 6, 1 for each of the six "
            f"places off the diagonal; yours is {yours[0]:.4g}."
        )
    return None


@known.probe
def one_spread_hop(rng):
    yours = yield {"weights": np.full((1, 1, 4), 0.25)}
    if not np.allclose(yours, 0.5625):
        return (
            "One hop with the weight 1/4 on each of four letters should have the penalty (1/4 - 1)^2 = 0.5625; "
            f"yours is {yours[0]:.4g}."
        )
    return None


@known.legal
def with_loops(weights):
    penalties = np.zeros(weights.shape[:-2], dtype=weights.dtype)
    for place in np.ndindex(penalties.shape):
        for i, one in enumerate(weights[place]):
            for j, other in enumerate(weights[place]):
                penalties[place] += (one @ other - (i == j)) ** 2
    return penalties


@known.legal
def with_einsum_and_norm(weights):
    overlap = np.einsum("...in,...jn->...ij", weights, weights) - np.eye(weights.shape[-2])
    return np.square(np.linalg.norm(overlap, ord="fro", axis=(-2, -1))).astype(weights.dtype)


@known.legal
def multiplied_out(weights):
    """||A A^T||^2 - 2 tr(A A^T) + hops, and the first is ||A^T A||^2 as well."""
    letters = weights.swapaxes(-2, -1) @ weights
    trace = (weights**2).sum(axis=(-2, -1))
    return (letters**2).sum(axis=(-2, -1)) - 2 * trace + weights.dtype.type(weights.shape[-2])


@known.legal
def by_the_trace(weights):
    """||D||^2 = tr(D D^T)."""
    apart = weights @ np.moveaxis(weights, -1, -2) - np.identity(weights.shape[-2]).astype(weights.dtype)
    return np.trace(apart @ apart.swapaxes(-1, -2), axis1=-2, axis2=-1)


@known.legal
def by_singular_values(weights):
    """The eigenvalues of A A^T are the squares of A's singular values, and 0 for hops beyond n."""
    values = np.linalg.svd(weights.astype(np.float64), compute_uv=False) ** 2
    beyond = weights.shape[-2] - values.shape[-1]
    return (((values - 1) ** 2).sum(axis=-1) + beyond).astype(weights.dtype)


@known.legal
def with_torch(weights):
    import torch

    weights = torch.from_numpy(weights)
    overlap = weights @ weights.mT - torch.eye(weights.shape[-2], dtype=weights.dtype)
    return overlap.square().flatten(-2).sum(-1).numpy()


@known.borrowed
def by_course_lib(weights):
    from course_lib.relatives import pooling

    return pooling.overlap_penalty(weights)


TASK = Task(
    id="14.overlap_penalty",
    title="How much the hops overlap",
    difficulty=2,
    minutes=10,
    reference=reference,
    draw=draw,
    cases=(
        Case("the example of the text", {}, draw=of_the_text),
        Case("2 hops over 3 letters, no batch", dict(hops=2, n=3)),
        Case("4 names, 3 hops, float32", dict(batch=4, hops=3, n=5), dtype="float32"),
        Case("two axes in front, 3 hops", dict(one=2, batch=4, hops=3, n=6)),
        Case("more hops than letters, one name empty", dict(batch=3, hops=5, n=2), draw=with_an_empty_name),
        Case("an empty name, one hop", dict(batch=1, hops=1, n=1), draw=with_an_empty_name),
        Case("one letter, 3 hops", dict(batch=2, hops=3, n=1), draw=one_letter),
    ),
    finished=("course_lib.relatives.pooling.overlap_penalty",),
    hints=(
        "Which shape has A A^T, and what stands in its row i and column j?",
        "Only the last two axes are those of the matrix. How do you swap just these, whatever stands in front?",
        (
            "Subtract `np.eye(hops)`, in the dtype of the weights; hops is weights.shape[-2]. What does the norm do "
            "with what is left?"
        ),
        "The squared Frobenius norm of D is `(D ** 2).sum(axis=(-2, -1))`.",
    ),
    stages=(products, difference, squared, summed),
    coincidences={
        "diagonal_left_out + half_of_the_pairs": "each_pair_once_without_the_diagonal",
        "not_squared + not_summed": "difference_alone",
    },
    **known.ways,
)
