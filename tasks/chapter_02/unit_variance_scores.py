"""02.unit_variance_scores: the divisor when components have known standard deviations (the derivation of chapter
02)."""

import math

import numpy as np

from course_lib import dot_product_scores, softmax
from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Task
from tasks import score_stages
from tasks.probes import first_difference
from tasks.rules import informative

known = Known()


def draw_with_deviations(rng, q_len, k_len, d_k, **leading):
    """Return queries and keys, and the standard deviations their components were drawn with."""
    axes = tuple(leading.values())
    query_std, key_std = rng.uniform(0.5, 2.5, size=d_k), rng.uniform(0.5, 2.5, size=d_k)
    return {
        "query": rng.normal(size=(*axes, q_len, d_k)) * query_std,
        "key": rng.normal(size=(*axes, k_len, d_k)) * key_std,
        "query_std": query_std,
        "key_std": key_std,
    }


def draw_with_a_constant(rng, q_len, k_len, d_k):
    """Return inputs whose first component is always zero in the queries: its standard deviation is 0."""
    inputs = draw_with_deviations(rng, q_len, k_len, d_k)
    inputs["query"][:, 0] = inputs["query_std"][0] = 0
    return inputs


def of_the_text(rng, q_len, k_len, d_k):
    given = {"query": [[3, 1]], "key": [[4, -2]], "query_std": [3, 1], "key_std": [1, 4]}
    return {name: np.array(value, dtype=float) for name, value in given.items()}


def unit_variance_scores(query, key, query_std, key_std):
    return dot_product_scores(query, key) / np.sqrt(np.sum(query_std**2 * key_std**2))


def _products(query, key):
    return query @ key.swapaxes(-2, -1)


@Stage
def of_queries(query_std):
    return query_std**2


@of_queries.slip
def query_deviations_not_squared(query_std):
    """query_std is not squared. A variance is the square of a standard deviation, and it is variances that add up."""
    return query_std


@of_queries.slip
def keys_alone(query_std):
    """Only the keys' deviations are used. A term is a product, so its variance has a factor from the query as well."""
    return np.ones_like(query_std)


@of_queries.slip
def query_deviations_rooted(query_std):
    """The root of query_std is taken before the terms are added. A variance is the square of a standard deviation."""
    return np.sqrt(query_std)


@Stage
def of_keys(key_std):
    return key_std**2


@of_keys.slip
def key_deviations_not_squared(key_std):
    """key_std is not squared. A variance is the square of a standard deviation, and it is variances that add up."""
    return key_std


@of_keys.slip
def queries_alone(key_std):
    """Only the queries' deviations are used. A term is a product, so its variance has a factor from the key as well."""
    return np.ones_like(key_std)


@of_keys.slip
def key_deviations_rooted(key_std):
    """The root of key_std is taken before the terms are added. A variance is the square of a standard deviation."""
    return np.sqrt(key_std)


@of_keys.slip
def other_way_round(key_std):
    """Component i of the query is paired with component i from the other end of the keys. Component i meets
    component i."""
    return key_std[::-1] ** 2


@Stage
def terms(of_queries, of_keys):
    return of_queries * of_keys  # the variance of each of the d_k terms


@terms.slip
def sum_of_both(of_queries, of_keys):
    """What query and key give is added, component by component. The variance of a product of two is the product of
    their variances."""
    return of_queries + of_keys


@terms.slip
def quotient_of_both(of_queries, of_keys):
    """What the query gives is divided by what the key gives. The variance of a product of two is the product of their
    variances."""
    return of_queries / of_keys


@terms.slip
def larger_of_both(of_queries, of_keys):
    """The larger of what query and key give is taken for each component. The variance of a product of two is the
    product of their variances."""
    return np.maximum(of_queries, of_keys)


@terms.slip
def every_component_with_every_other(of_queries, of_keys):
    """Queries and keys are summed apart, then multiplied, so that every component meets every other one. Component i of
    the query meets component i of the key alone: multiply first, then sum."""
    return np.outer(of_queries, of_keys)


@Stage
def total(terms):
    return np.sum(terms)


@total.slip
def mean_of_variances(terms):
    """The terms are averaged. A score is the sum of its terms, so their variances are summed."""
    return np.mean(terms)


@total.slip
def product_of_variances(terms):
    """The variances of the terms are multiplied with each other. A score is the sum of its terms, so their variances
    are summed."""
    return np.prod(terms)


@total.slip
def largest_variance(terms):
    """Only the largest of the terms counts. A score is the sum of its terms, so their variances are summed."""
    return np.max(terms)


@total.slip
def first_term_missing(terms):
    """The first component, number 0, is left out of the sum of variances."""
    return np.sum(terms.ravel()[1:])


@total.slip
def last_term_missing(terms):
    """The last component is left out of the sum of variances."""
    return np.sum(terms.ravel()[:-1])


@total.slip
def squares_of_the_terms(terms):
    """The variances of the terms are squared once more before they are added. They are added as they are."""
    return np.sum(terms**2)


@total.slip
def not_summed(terms):
    """The variances are not summed: there is one divisor for each of the d_k components. The scores are divided by one
    number."""
    return terms


@Stage
def divisor(total):
    return np.sqrt(total)


@divisor.slip
def root_missing(total):
    """There is no root over the sum. The scores are divided by the square root of their variance, the standard
    deviation."""
    return total


@divisor.slip
def root_twice(total):
    """The divisor is the fourth root of the variance: the root is taken twice. Taken once, it is the standard
    deviation, which divides the scores."""
    return np.sqrt(np.sqrt(total))


@divisor.slip
def half_of_the_sum(total):
    """The sum is divided by 2, where its root should be taken: `** 1 / 2` is a power of 1, then a half."""
    return total / 2


@divisor.slip
def root_of_d_k_as_well(total, query_std):
    """The scores are divided by the root of d_k besides. The sum over the d_k terms has it in it already."""
    return np.sqrt(total) * math.sqrt(len(query_std))


@divisor.slip
def d_k_in_the_root_as_well(total, query_std):
    """The sum is divided by the root of d_k as if it were a mean: the divisor is the root of the sum, over the root of
    the root of d_k."""
    return np.sqrt(total / math.sqrt(len(query_std)))


@divisor.slip
def five_for_all(total):
    """All scores are divided by 5. That is right in the example of the text alone: the divisor changes with the
    deviations."""
    return total.dtype.type(5)


product = score_stages.product.but(
    "mean_of_products",
    "whole_components",
    "components_summed_first",
    "as_many_columns_as_queries",
    "last_component_alone",
    "without_the_first_component",
    "without_the_last_component",
    "distances",
    "negative_distances",
    "summed_over_the_keys",
    "not_summed",
    "keys_with_themselves",
    "entry_by_entry_summed",
)

laid = score_stages.laid.but(
    "scores_of_a_query_summed", "scores_of_a_key_summed", "last_key_zero", "first_query_for_all"
)


@Stage
def scaled(laid, divisor):
    return laid / divisor


@scaled.slip
def not_scaled(laid):
    """These are the raw dot products. Divide them by their standard deviation."""
    return laid


@scaled.slip
def multiplied(laid, divisor):
    """The dot products are multiplied by their standard deviation. They are divided by it."""
    return laid * divisor


@scaled.slip
def divisor_alone(divisor):
    """This is the divisor alone. Asked for are the scores, divided by it."""
    return divisor


@scaled.slip
def softmax_of_the_scores(laid, divisor):
    """These are weights: a softmax over the last axis follows the scores. The scores themselves are asked for."""
    return softmax(laid / divisor)


@known.mistake
def root_of_d_k(query, key, query_std, key_std):
    """The scores are divided by the root of d_k, which is right if every component has standard deviation 1. Here each
    has its own: add up the variances of the d_k terms."""
    return _products(query, key) / math.sqrt(query.shape[-1])


@known.mistake
def divided_by_d_k(query, key, query_std, key_std):
    """The scores are divided by d_k, and the deviations have no part in it. Add up the variances of the d_k terms, and
    take the root."""
    return _products(query, key) / query.shape[-1]


@known.mistake
def query_deviations_for_both(query, key, query_std, key_std):
    """query_std stands in the place of key_std: every term has the deviation of the query twice, and none of the
    key."""
    return _products(query, key) / np.sqrt(np.sum(query_std**4))


@known.mistake
def key_deviations_for_both(query, key, query_std, key_std):
    """key_std stands in the place of query_std: every term has the deviation of the key twice, and none of the
    query."""
    return _products(query, key) / np.sqrt(np.sum(key_std**4))


@known.mistake
def deviations_added(query, key, query_std, key_std):
    """The standard deviations of the terms are added. It is variances that add up: square first, take the root of
    the sum."""
    return _products(query, key) / np.sum(query_std * key_std)


@known.mistake
def squares_missing(query, key, query_std, key_std):
    """The standard deviations are used as if they were variances. The variance of a term is the product of the
    squares."""
    return _products(query, key) / np.sqrt(np.sum(query_std * key_std))


@known.mistake
def deviations_summed_apart(query, key, query_std, key_std):
    """The standard deviations of queries and keys are summed apart, and the two sums multiplied. The variances of the
    terms are summed: square and multiply first, and take the root last."""
    return _products(query, key) / (np.sum(query_std) * np.sum(key_std))


@known.mistake
def all_deviations_added(query, key, query_std, key_std):
    """All the standard deviations are added, those of queries and keys alike. The variances of the terms are summed:
    square and multiply first, and take the root last."""
    return _products(query, key) / (np.sum(query_std) + np.sum(key_std))


@known.mistake
def typical_deviation(query, key, query_std, key_std):
    """One average standard deviation is taken for all components. The large ones count for more than that: sum the
    variances of the terms one by one."""
    return _products(query, key) / (math.sqrt(query.shape[-1]) * np.mean(query_std) * np.mean(key_std))


@known.mistake
def product_of_averages(query, key, query_std, key_std):
    """The scores are divided by the average deviation of the queries times that of the keys. A score is a sum of d_k
    terms: sum their variances, and take the root."""
    return _products(query, key) / (np.mean(query_std) * np.mean(key_std))


@known.mistake
def average_variances(query, key, query_std, key_std):
    """The variances are averaged, those of the query and those of the key apart. Component i of the query meets
    component i of the key alone: multiply their variances, then sum over i."""
    return _products(query, key) / np.sqrt(query.shape[-1] * np.mean(query_std**2) * np.mean(key_std**2))


@known.mistake
def spread_of_the_lists(query, key, query_std, key_std):
    """What is measured is the spread of query_std and of key_std themselves, how much the deviations differ among each
    other. They are deviations already: square, multiply, add up."""
    return _products(query, key) / (np.std(query_std) * np.std(key_std) * math.sqrt(query.shape[-1]))


@known.mistake
def standardized_components(query, key, query_std, key_std):
    """Every component is brought to deviation 1 before the product. That gives variance 1 too, but other scores:
    large components no longer count for more, and one that never varies gives NaN. Divide the scores, all by one
    number."""
    return _products(query / query_std, key / key_std) / math.sqrt(query.shape[-1])


@known.mistake
def standardized_components_without_root(query, key, query_std, key_std):
    """Every component is divided by its own deviation, and the product by nothing. That gives other scores: large
    components no longer count for more. Divide the scores, all by one number."""
    return _products(query / query_std, key / key_std)


@known.mistake
def multiplied_components(query, key, query_std, key_std):
    """Every component is multiplied by its own deviation before the product, and the scores divided by the root of d_k.
    The components stay as they are. Divide the scores, all by one number."""
    return _products(query * query_std, key * key_std) / math.sqrt(query.shape[-1])


@known.mistake
def multiplied_components_over_the_divisor(query, key, query_std, key_std):
    """Every component is multiplied by its own deviation before the product. The components stay as they are: the
    deviations count in the divisor alone."""
    return unit_variance_scores(query * query_std, key * key_std, query_std, key_std)


@known.mistake
def standardized_components_over_the_divisor(query, key, query_std, key_std):
    """Every component is divided by its own deviation, and the scores by the divisor besides. The components stay as
    they are: the deviations count in the divisor alone."""
    return unit_variance_scores(query / query_std, key / key_std, query_std, key_std)


@known.mistake
def measured_spread(query, key, query_std, key_std):
    """The scores are divided by the spread measured on these very scores, which changes with every sentence. Compute
    the divisor from query_std and key_std."""
    products = _products(query, key)
    return products / products.std()


@known.mistake
def measured_spread_and_a_little(query, key, query_std, key_std):
    """The scores are divided by the spread measured on these very scores, and a tiny number. That changes with every
    sentence: compute the divisor from query_std and key_std."""
    products = _products(query, key)
    return (products / (products.std() + 1e-12)).astype(query.dtype)


@known.mistake
def measured_spread_of_each_row(query, key, query_std, key_std):
    """Each row of scores is divided by the spread measured on it. Compute the divisor from query_std and key_std: one
    number for all the scores."""
    products = _products(query, key)
    return products / products.std(axis=-1, keepdims=True)


@known.mistake
def measured_components(query, key, query_std, key_std):
    """The deviations are measured on these very queries and keys. They are given, as query_std and key_std."""
    axes = tuple(range(query.ndim - 1))
    return unit_variance_scores(query, key, query.std(axis=axes), key.std(axis=axes))


@known.mistake
def mean_subtracted(query, key, query_std, key_std):
    """The mean of all scores is subtracted before the division. The components have mean 0, so nothing is to be
    subtracted."""
    products = _products(query, key)
    return (products - products.mean()) / np.sqrt(np.sum(query_std**2 * key_std**2))


@known.mistake
def root_of_an_array(query, key, query_std, key_std):
    """`math.sqrt` takes one number, and here it is given all the d_k variances. Add them up first: the divisor is one
    number."""
    return _products(query, key) / math.sqrt(query_std**2 * key_std**2)


@known.mistake
def a_divisor_for_each_component(query, key, query_std, key_std):
    """There is a divisor for each component, and the scores have none: their last axis is that of the keys. Add up the
    variances first, to one number."""
    deviations = query_std * key_std
    return query @ key.swapaxes(-2, -1) / deviations


@known.mistake
def products_over_products_of_deviations(query, key, query_std, key_std):
    """The divisor is an array, the standard deviation of each of the d_k terms, where one number is wanted. Add up
    their variances, the squares, and take the root of the sum."""
    return _products(query, key) / (query_std * key_std)


@known.mistake
def products_over_roots_of_deviations(query, key, query_std, key_std):
    """The divisor is an array, the root of query_std times key_std for each component, where one number is wanted.
    The variances of the terms are added up to one: square both, multiply, sum, and take the root last."""
    return _products(query, key) / np.sqrt(query_std * key_std)


@known.mistake
def products_over_variances(query, key, query_std, key_std):
    """The divisor is an array, the variance of each of the d_k terms, where one number is wanted. Add the variances up,
    and take the root."""
    return _products(query, key) / (query_std**2 * key_std**2)


@known.mistake
def products_over_a_list(query, key, query_std, key_std):
    """The dot products are divided by a whole list, one deviation for each component, and their last axis is that of
    the keys. Add up the variances first, to one number."""
    deviations = query_std * key_std
    return dot_product_scores(query, key) / deviations


@known.mistake
def root_of_both_sums(query, key, query_std, key_std):
    """The deviations of queries and keys are summed apart, and the root of the product of the two sums divides.
    Component i meets component i alone: multiply the squares first, then sum, then take the root."""
    return _products(query, key) / np.sqrt(np.sum(query_std) * np.sum(key_std))


@known.mistake
def deviations_as_columns(query, key, query_std, key_std):
    """The deviations are laid out as a column, so that they meet the words and not the components. And the components
    stay as they are: the scores are divided, all by one number."""
    return query / query_std[:, None] @ (key / key_std[:, None]).swapaxes(-2, -1)


@known.mistake
def deviations_as_places(query, key, query_std, key_std):
    """The loop goes through the deviations themselves and takes each for a place in the list. range(len(query_std))
    goes through the places."""
    variance = 0
    for i in query_std:
        variance += query_std[i] ** 2 * key_std[i] ** 2
    return _products(query, key) / math.sqrt(variance)


def _inputs(rng):
    return draw_with_deviations(rng, batch=2, q_len=3, k_len=5, d_k=4)


@known.probe
def deviations_of_one(rng):
    ones = np.ones(16)
    yours = yield {"query": np.ones((2, 3, 16)), "key": np.ones((2, 5, 16)), "query_std": ones, "key_std": ones}
    found = first_difference(yours, np.full((), 4.0))
    return found and (
        f"With 16 ones in every query and key, and 16 deviations of 1, the dot products are 16 and the divisor is the "
        f"root of 16: each score is 4, and at [{found[0]}] yours is {found[1]:.4g}."
    )


@known.probe
def one_component(rng):
    query, key = np.array([[6.0]]), np.array([[1.0], [2.0]])
    yours = yield {"query": query, "key": key, "query_std": np.array([3.0]), "key_std": np.array([4.0])}
    found = first_difference(yours, np.array([[0.5, 1.0]]))
    return found and (
        f"With one component, of deviations 3 and 4, the dot products 6 and 12 are divided by 12: at [{found[0]}] "
        f"yours is {found[1]:.4g}, expected {found[2]:.4g}."
    )


@known.probe
def doubled_deviations(rng):
    inputs = _inputs(rng)
    once = yield inputs
    twice = yield inputs | {"key_std": 2 * inputs["key_std"]}
    found = first_difference(twice, once / 2)
    return found and (
        f"With key_std twice as large and the same queries and keys, every score should be half as large: at "
        f"[{found[0]}] yours goes from {2 * found[2]:.4g} to {found[1]:.4g}."
    )


@known.probe
def doubled_queries(rng):
    return (yield from score_stages.doubled_queries(rng, _inputs(rng)))


@known.probe
def swapped_keys(rng):
    return (yield from score_stages.swapped_keys(rng, _inputs(rng)))


@known.legal
def with_norm(query, key, query_std, key_std):
    return _products(query, key) / np.linalg.norm(query_std * key_std)


@known.legal
def with_dot_of_variances(query, key, query_std, key_std):
    return np.einsum("...id,...jd->...ij", query, key) / (query_std**2 @ key_std**2) ** 0.5


@known.legal
def with_loops(query, key, query_std, key_std):
    variance = sum((a * b) ** 2 for a, b in zip(query_std, key_std, strict=True))
    scores = np.zeros((*query.shape[:-1], key.shape[-2]), dtype=query.dtype)
    for *leading, i, j in np.ndindex(scores.shape):
        scores[(*leading, i, j)] = sum(query[(*leading, i)] * key[(*leading, j)]) / math.sqrt(variance)
    return scores


@known.legal
def with_scaled_query(query, key, query_std, key_std):
    return _products(query / np.sqrt(np.sum((query_std * key_std) ** 2)), key)


@known.legal
def with_torch(query, key, query_std, key_std):
    import torch

    query, key, query_std, key_std = map(torch.from_numpy, (query, key, query_std, key_std))
    return (query @ key.mT / torch.linalg.vector_norm(query_std * key_std)).numpy()


TASK = Task(
    id="02.unit_variance_scores",
    title="Scores of variance 1",
    difficulty=2,
    minutes=12,
    reference=unit_variance_scores,
    draw=draw_with_deviations,
    cases=(
        Case("the example of the text", dict(q_len=1, k_len=1, d_k=2), draw=of_the_text),
        Case("3 queries, 4 keys", dict(q_len=3, k_len=4, d_k=5)),
        Case("the same in float32", dict(q_len=5, k_len=6, d_k=7), dtype="float32"),
        Case("a batch of sentences, several heads", dict(batch=2, num_heads=3, q_len=4, k_len=5, d_k=8)),
        Case("a component that never varies", dict(q_len=4, k_len=3, d_k=6), draw=draw_with_a_constant),
    ),
    hints=(
        "Go back to the three lines of the derivation. Which of them used that the variance of every component is 1?",
        (
            "If q_i has standard deviation a and k_i has b, what is the variance "
            "of the product q_i k_i? (Both have mean 0.)"
        ),
        "It is a² b². The score is the sum of d_k such terms, and the variances of independent terms add up.",
        "The divisor is the root of np.sum(query_std**2 * key_std**2): one number for all the scores.",
    ),
    drawn=(informative(lambda *inputs: softmax(unit_variance_scores(*inputs))),),
    stages=(of_queries, of_keys, terms, total, divisor, product, laid, scaled),
    coincidences={
        "keys_alone + queries_alone": "root_of_d_k",
        "query_deviations_not_squared + key_deviations_not_squared": "squares_missing",
        "queries_alone + squares_of_the_terms": "query_deviations_for_both",
        "keys_alone + squares_of_the_terms": "key_deviations_for_both",
    },
    cancelling=("mean_of_variances + root_of_d_k_as_well",),
    **known.ways,
)
