"""01.all_scores: the dot product of every query with every key (Luong et al. 2015, eq. 8, dot)."""

import numpy as np

from course_lib import dot_product_scores, softmax
from grader.known import Known
from grader.task import Case, Task
from tasks import score_stages
from tasks.draws import query_and_key

known = Known()

finished = score_stages.finished.but(scores="laid")


@finished.slip
def divided_by_root(scores, query):
    """These scores are divided by the square root of d_k. That comes in chapter 02: here the plain dot products are
    asked for."""
    return scores / query.shape[-1] ** 0.5


@finished.slip
def number_of_the_best_key(scores):
    """This is which key has the highest score, for each query: that is task 2. Here all the scores are asked for."""
    return scores.argmax(axis=-1)


@finished.slip
def score_of_the_best_key(scores):
    """This is the highest score of each query. All the scores are asked for."""
    return scores.max(axis=-1)


def of_the_text(rng, q_len, k_len, d_k):
    return {"query": np.array([[1.0, 2.0]]), "key": np.array([[3.0, 0.0], [0.0, 1.0], [2.0, 1.0]])}


def _pairs(query, key):
    return query[..., :, None, :] * key[..., None, :, :]  # (..., q_len, k_len, d_k)


def _batch(rng):
    return query_and_key(rng, batch=2, q_len=3, k_len=5, d_k=4)


@known.mistake
def queries_and_keys_on_the_wrong_sides(query, key):
    """The queries are transposed and the keys are not, with the queries on the left: (d_k, q_len) times (k_len, d_k)
    does not fit. Queries on the left as they are, transposed keys on the right."""
    return query.swapaxes(-2, -1) @ key


@known.mistake
def rows_are_keys_and_all_axes_reversed(query, key):
    """Rows and columns are swapped: row i should belong to query i, so the queries stand on the left. And `.T` turns
    the axis of the batch around too: swap the last two alone."""
    return key @ query.T


@known.mistake
def summed_over_the_queries(query, key):
    """The products are added up over the queries, and the components are left. A score adds up the components of one
    query and one key: d_k goes, the queries stay."""
    return _pairs(query, key).sum(axis=-3)


@known.mistake
def largest_product(query, key):
    """Each score is the largest of the d_k products. The dot product adds them all up."""
    return _pairs(query, key).max(axis=-1)


@known.mistake
def product_of_products(query, key):
    """The d_k products are multiplied with each other. The dot product adds them up."""
    return _pairs(query, key).prod(axis=-1)


@known.mistake
def sizes_of_products(query, key):
    """The products are added up without their signs. A product below 0 lowers the score."""
    return np.abs(_pairs(query, key)).sum(axis=-1)


@known.mistake
def first_component_alone(query, key):
    """Each score is the product of the first components alone. It is the sum of all d_k products."""
    return _pairs(query, key)[..., 0]


@known.mistake
def components_added(query, key):
    """The components of query and key are added. A dot product multiplies them, and then adds up the products."""
    return (query[..., :, None, :] + key[..., None, :, :]).sum(axis=-1)


@known.mistake
def components_reversed(query, key):
    """The first component of the query meets the last one of the key, and so on backward. Component i meets
    component i."""
    return query @ key[..., ::-1].swapaxes(-2, -1)


@known.mistake
def rooted_distances(query, key):
    """These are distances between queries and keys. A dot product multiplies component by component and adds up."""
    return np.sqrt(((query[..., :, None, :] - key[..., None, :, :]) ** 2).sum(axis=-1))


@known.mistake
def unit_queries(query, key):
    """The queries are brought to norm 1 before the product. A dot product keeps the norms."""
    return query / np.linalg.norm(query, axis=-1, keepdims=True) @ key.swapaxes(-2, -1)


@known.mistake
def first_sentence_alone(query, key):
    """Only the first sentence, and its first head, comes back. The axes in front stay: every sentence has its own
    scores."""
    product = query @ key.swapaxes(-2, -1)
    return product[(0,) * (product.ndim - 2)]


@known.mistake
def first_key_zero(query, key):
    """The scores of the first key, number 0, are 0, as if a loop over the keys had begun one too late."""
    product = query @ key.swapaxes(-2, -1)
    return np.where(np.arange(product.shape[-1]) == 0, 0, product).astype(product.dtype)


@known.mistake
def last_query_zero(query, key):
    """The scores of the last query are 0, as if a loop over the queries had ended one too early."""
    product = query @ key.swapaxes(-2, -1)
    return np.where(np.arange(product.shape[-2])[:, None] == product.shape[-2] - 1, 0, product).astype(product.dtype)


@known.mistake
def first_key_for_all(query, key):
    """Every column holds the scores of the first key, number 0."""
    product = query @ key.swapaxes(-2, -1)
    return np.repeat(product[..., :1], product.shape[-1], axis=-1)


@known.mistake
def future_hidden(query, key):
    """Scores to the right of the diagonal are minus infinity, as under a causal mask. All scores are asked for."""
    product = query @ key.swapaxes(-2, -1)
    return np.where(np.tri(*product.shape[-2:], dtype=bool), product, -np.inf).astype(product.dtype)


@known.mistake
def softmax_down_the_columns(query, key):
    """These are weights: a softmax down the columns follows the scores. The scores themselves are asked for."""
    scores = query @ key.swapaxes(-2, -1)
    return softmax(scores.swapaxes(-2, -1)).swapaxes(-2, -1)


@known.mistake
def less_the_largest(query, key):
    """The largest score of each row is subtracted from all of them. The scores themselves are asked for."""
    scores = query @ key.swapaxes(-2, -1)
    return scores - scores.max(axis=-1, keepdims=True)


@known.probe
def identity_keys(rng):
    return (yield from score_stages.identity_keys(rng, "score [i, j]"))


@known.probe
def one_sentence_changed(rng):
    return (yield from score_stages.one_sentence_changed(rng, _batch(rng)))


@known.probe
def doubled_queries(rng):
    return (yield from score_stages.doubled_queries(rng, _batch(rng)))


@known.probe
def swapped_keys(rng):
    return (yield from score_stages.swapped_keys(rng, _batch(rng)))


@known.legal
def with_matrix_transpose(query, key):
    return query @ key.mT


@known.legal
def with_einsum(query, key):
    return np.einsum("...id,...jd->...ij", query, key)


@known.legal
def with_broadcasting(query, key):
    return (query[..., :, None, :] * key[..., None, :, :]).sum(axis=-1)


@known.legal
def with_loops(query, key):
    scores = np.zeros((*query.shape[:-1], key.shape[-2]), dtype=query.dtype)
    for *leading, i, j in np.ndindex(scores.shape):
        for c in range(query.shape[-1]):
            scores[(*leading, i, j)] += query[(*leading, i, c)] * key[(*leading, j, c)]
    return scores


@known.legal
def with_torch(query, key):
    import torch

    return (torch.from_numpy(query) @ torch.from_numpy(key).transpose(-2, -1)).numpy()


@known.borrowed
def by_course_lib(query, key):
    import course_lib

    return course_lib.dot_product_scores(query, key)


TASK = Task(
    id="01.all_scores",
    title="All scores at once",
    difficulty=1,
    minutes=10,
    reference=dot_product_scores,
    draw=query_and_key,
    cases=(
        Case("the example of the text", {"q_len": 1, "k_len": 3, "d_k": 2}, draw=of_the_text),
        Case("2 queries, 3 keys", {"q_len": 2, "k_len": 3, "d_k": 4}),
        Case("one query, float32", {"q_len": 1, "k_len": 5, "d_k": 2}, dtype="float32"),
        Case("a batch of sentences", {"batch": 2, "q_len": 3, "k_len": 4, "d_k": 5}),
        Case("a batch of sentences, several heads", {"batch": 4, "num_heads": 3, "q_len": 2, "k_len": 5, "d_k": 7}),
        Case("a batch of one sentence, one word", {"batch": 1, "q_len": 1, "k_len": 1, "d_k": 3}, draw=query_and_key),
    ),
    finished=("course_lib.dot_product_scores",),
    hints=(
        "What is the shape of one query, and of one key? Which axis do they have in common, and which axes should be "
        "left at the end?",
        "A matrix product multiplies the rows of the left matrix with the columns of the right one. Your keys are "
        "rows: what has to happen to them?",
        "With a batch in front, only the last two axes of key may change places. `key.T` turns all of them; "
        "`swapaxes` takes the two axes you name.",
        "Turn the keys over with `key.swapaxes(-2, -1)`, which has shape (..., d_k, k_len), and multiply: queries on "
        "the left.",
    ),
    stages=(score_stages.product, score_stages.laid, finished),
    coincidences={
        "distances + sign_turned": "negative_distances",
        "negative_distances + sign_turned": "distances",
        "not_summed + scores_of_a_key_summed": "summed_over_the_keys",
        "not_summed + score_of_the_best_key": "largest_product",
    },
    cancelling=("not_summed + scores_of_a_query_summed",),
    **known.ways,
)
