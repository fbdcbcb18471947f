"""08.encoder_block: one head of attention and a feed-forward network, with sums and norms in either order."""

import math

import numpy as np
from torch.nn import functional

from course_lib import causal_mask, scaled_dot_product_attention
from course_lib.layers import rms_norm
from grader.known import Known
from grader.stages import Stage, answer_with
from grader.task import Case, Task
from tasks.probes import first_difference, weights_seen
from tasks.rules import informative

known = Known()

NAMES = ("x", "maps", "W_1", "W_2", "norms", "is_pre")


def post(rng, length, d_model, d_ff, **leading):
    return _inputs(rng, length, d_model, d_ff, False, **leading)


def pre(rng, length, d_model, d_ff, **leading):
    return _inputs(rng, length, d_model, d_ff, True, **leading)


def loud(rng, length, d_model, d_ff):
    """Scores by the hundreds, of both signs: exp of them overflows. Words and maps are whole numbers, so that float32
    holds the scores exactly."""
    inputs = post(rng, length, d_model, d_ff)
    x = rng.integers(-9, 10, size=(length, d_model)).astype(float)
    return {**inputs, "x": x, "maps": rng.choice([-2.0, -1.0, 1.0, 2.0], size=(4, d_model, d_model))}


def post_of_the_text(rng, length, d_model, d_ff):
    return _of_the_text(d_ff, False)


def pre_of_the_text(rng, length, d_model, d_ff):
    return _of_the_text(d_ff, True)


def _of_the_text(d_ff, is_pre):
    return {
        "x": np.array([[0.0, 0.0, 0.0, 2.0]]),
        "maps": np.zeros((4, 4, 4)),
        "W_1": np.zeros((4, d_ff)),
        "W_2": np.zeros((d_ff, 4)),
        "norms": np.ones((2, 4)),
        "is_pre": is_pre,
    }


def _inputs(rng, length, d_model, d_ff, is_pre, **leading):
    x = 1.2 * rng.normal(size=(*leading.values(), length, d_model)) + 0.3
    gain = np.array([0.9, 0.9, 1.2, 1.2])[:, None, None]  # scores with standard deviation about 1 in either order
    return {
        "x": x,
        "maps": gain * rng.normal(size=(4, d_model, d_model)) / math.sqrt(d_model),
        "W_1": rng.normal(size=(d_model, d_ff)) / math.sqrt(d_model),
        "W_2": rng.normal(size=(d_ff, d_model)) / math.sqrt(d_ff),
        "norms": rng.uniform(0.6, 1.6, size=(2, d_model)),
        "is_pre": is_pre,
    }


def weights(x, maps, W_1, W_2, norms, is_pre):
    seen = _norm(x, norms[0]) if is_pre else x
    return _shares(seen @ maps[0], seen @ maps[1])


def _norm(x, weight=None):
    return functional.layer_norm(x, x.shape[-1:], weight)


def _shares(query, key):
    return _scores(query, key).softmax(-1)


def _softmax(scores):
    return scores.softmax(-1)


def _scores(query, key):
    return query @ key.mT / math.sqrt(key.shape[-1])


def reference(x, maps, W_1, W_2, norms, is_pre):
    def attend(seen):
        W_q, W_k, W_v, W_o = maps
        return scaled_dot_product_attention(seen @ W_q, seen @ W_k, seen @ W_v) @ W_o

    def feed(seen):
        return (seen @ W_1).relu() @ W_2

    if is_pre:
        t = x + attend(_norm(x, norms[0]))
        return t + feed(_norm(t, norms[1]))
    t = _norm(x + attend(x), norms[0])
    return _norm(t + feed(t), norms[1])


# The parts are functions here, so that a slip in one of them is made wherever it is used.


@Stage
def order(is_pre):
    return is_pre


@order.slip
def always_post(is_pre):
    """This is post-norm whatever is_pre says. With is_pre, the norm comes before each part, and the sum stays as it
    is."""
    return False


@order.slip
def always_pre(is_pre):
    """This is pre-norm whatever is_pre says. Without is_pre, each norm comes after its sum."""
    return True


@order.slip
def orders_swapped(is_pre):
    """The two orders have changed places: is_pre means that the norm comes before each part."""
    return not is_pre


@Stage
def gains(norms):
    return norms


@gains.slip
def one_norm_for_both(norms):
    """Both norms use the first weight. The second norm has a weight of its own: norms[1]."""
    return norms[[0, 0]]


@gains.slip
def weights_of_the_norms_unused(norms):
    """The norms' weights have no effect. After normalizing, multiply by norms[0], and by norms[1] the second time."""
    return norms**0


@gains.slip
def norms_swapped(norms):
    """The two norms have changed places. norms[0] belongs to attention, norms[1] to the feed-forward network."""
    return norms[[1, 0]]


@Stage
def norm(is_pre):
    return _norm


@norm.slip
def rms_for_layer_norm(is_pre):
    """The norms subtract no mean: this is RMSNorm. LayerNorm subtracts each word's mean first."""
    return rms_norm


@norm.slip
def unbiased_variance(is_pre):
    """The norms divide the squares by d_model - 1, as torch's var and std do unless told otherwise. LayerNorm takes
    their plain mean."""
    return lambda t, weight: _centered(t) / (t.var(-1, keepdim=True) + 1e-5) ** 0.5 * weight


@norm.slip
def norm_over_the_sentence(is_pre):
    """The norms take one mean and one variance for a whole sentence. Every word has its own: the last axis alone."""

    def norm(t, weight):
        axes = (-2, -1)
        return (t - t.mean(axes, keepdim=True)) / (t.var(axes, correction=0, keepdim=True) + 1e-5) ** 0.5 * weight

    return norm


@norm.slip
def norm_over_the_words(is_pre):
    """The norms take mean and variance over the words of a sentence. LayerNorm looks at one word alone: the last
    axis."""

    def norm(t, weight):
        return (t - t.mean(-2, keepdim=True)) / (t.var(-2, correction=0, keepdim=True) + 1e-5) ** 0.5 * weight

    return norm


@norm.slip
def weight_of_the_norm_added(is_pre):
    """The norms' weights are added, as a bias would be; they should multiply."""
    return lambda t, weight: _norm(t) + weight


def _centered(t):
    return t - t.mean(-1, keepdim=True)


@Stage
def roles(maps):
    return maps  # W_q, W_k, W_v, W_o


@roles.slip
def queries_and_keys_swapped(maps):
    """The maps of queries and keys have changed places. They come in the order W_q, W_k, W_v, W_o."""
    return maps[[1, 0, 2, 3]]


@roles.slip
def transposed_maps(maps):
    """The four maps of attention are transposed, as nn.Linear stores them. Here a map is applied as x @ W."""
    return maps.mT


@roles.slip
def values_by_the_map_of_the_keys(maps):
    """The values are made by W_k. They have a map of their own: W_v, the third."""
    return maps[[0, 1, 1, 3]]


@roles.slip
def values_and_output_swapped(maps):
    """W_v and W_o have changed places. The maps come in the order W_q, W_k, W_v, W_o."""
    return maps[[0, 1, 3, 2]]


@Stage
def shares(is_pre):
    return _shares


@shares.slip
def not_scaled(is_pre):
    """The scores are not divided by the square root of d_k (chapter 02). With one head, d_k is d_model."""
    return lambda query, key: _softmax(query @ key.mT)


@shares.slip
def scaled_twice(is_pre):
    """The scores are divided by d_model: by its root twice. scaled_dot_product_attention divides by the root of d_k
    itself."""
    return lambda query, key: _softmax(query @ key.mT / key.shape[-1])


@shares.slip
def softmax_over_the_queries(is_pre):
    """The softmax runs over the queries, so that the columns sum to 1. Each query shares out its own attention: the
    last axis, that of the keys."""
    return lambda query, key: _softmax(_scores(query, key).mT).mT


@shares.slip
def causal(is_pre):
    """There is a causal mask: each word sees itself and those before it. This block has no masks."""
    return lambda query, key: _softmax(_scores(query, key).masked_fill(_future(query), -math.inf))


@shares.slip
def no_softmax(is_pre):
    """There is no softmax: the scores themselves serve as weights."""
    return _scores


@shares.slip
def exponentials_overflow(is_pre):
    """The exponentials of the scores are infinite where the scores are large, and inf / inf is NaN; for small scores
    that softmax is right. Subtract each row's largest score first, or call torch.softmax."""
    return lambda query, key: _scores(query, key).exp() / _scores(query, key).exp().sum(-1, keepdim=True)


@shares.slip
def transposed_over_all_axes(is_pre):
    """With `.T`, all the axes of the keys change places, the leading ones too. Swap the last two alone: key.mT."""
    return lambda query, key: _softmax(query @ key.T / math.sqrt(key.shape[-1]))


def _future(query):
    return ~causal_mask(query.shape[-2], like=query)


@Stage
def attend(roles, shares):
    def attend(seen, others=None):
        W_q, W_k, W_v, W_o = roles
        others = seen if others is None else others
        return shares(seen @ W_q, others @ W_k) @ (others @ W_v) @ W_o

    return attend


@attend.slip
def output_map_unused(roles, shares):
    """W_o has no effect: what attention gathers goes through one more map before it is added."""
    return lambda seen, others=None: _gather(roles, shares, seen, others)


def _gather(roles, shares, seen, others=None):
    W_q, W_k, W_v, _ = roles
    others = seen if others is None else others
    return shares(seen @ W_q, others @ W_k) @ (others @ W_v)


@Stage
def feed(W_1, W_2):
    return lambda seen: (seen @ W_1).relu() @ W_2


@feed.slip
def no_relu(W_1, W_2):
    """Nothing happens between the two maps of the feed-forward network, so they are one map in disguise. Cut off what
    is below 0."""
    return lambda seen: seen @ W_1 @ W_2


@feed.slip
def relu_at_the_end(W_1, W_2):
    """What is below 0 is cut off after the second map of the feed-forward network. It happens between the two
    maps."""
    return lambda seen: (seen @ W_1 @ W_2).relu()


@feed.slip
def gelu_for_relu(W_1, W_2):
    """Between the two maps of the feed-forward network stands gelu. This block takes max(0, z)."""
    return lambda seen: functional.gelu(seen @ W_1) @ W_2


@feed.slip
def silu_for_relu(W_1, W_2):
    """Between the two maps of the feed-forward network stands silu. This block takes max(0, z)."""
    return lambda seen: functional.silu(seen @ W_1) @ W_2


@feed.slip
def maps_of_the_network_swapped(W_1, W_2):
    """W_2 meets the words first, where it does not fit: W_1 leads from d_model to d_ff, W_2 leads back."""
    return lambda seen: (seen @ W_2).relu() @ W_1


@Stage
def around(order, norm):
    """What stands around each part: the sum and the norm, in this order or that."""

    def around(x, part, weight):
        return x + part(norm(x, weight)) if order else norm(x + part(x), weight)

    return around


@around.slip
def no_residual_sums(order, norm):
    """Each part replaces its input; nothing is added. Add the input to what the part returns, both times."""
    return lambda x, part, weight: part(norm(x, weight)) if order else norm(part(x), weight)


@around.slip
def residual_from_the_normalized_input(order, norm):
    """In pre-norm, the sums add the normalized input, as if x had been overwritten by its norm. Add x itself: the norm
    is for the part alone."""

    def around(x, part, weight):
        if order:
            return norm(x, weight) + part(norm(x, weight))
        return norm(x + part(x), weight)

    return around


@around.slip
def norm_before_the_sum(order, norm):
    """In post-norm, the norm is applied to the part's output before it is added. Add first, then normalize the sum."""
    return lambda x, part, weight: x + (part(norm(x, weight)) if order else norm(part(x), weight))


@around.slip
def no_norms(order, norm):
    """There is no norm, neither before the parts nor after their sums."""
    return lambda x, part, weight: x + part(x)


@around.slip
def norm_after_every_sum(order, norm):
    """In pre-norm, the sums are normalized as well. The norm comes before each part there, and the sum stays as it
    is."""
    return lambda x, part, weight: norm(x + part(norm(x, weight) if order else x), weight)


@Stage
def after_attention(x, around, attend, gains):
    return around(x, attend, gains[0])  # t, (..., length, d_model)


@after_attention.slip
def no_sum_around_attention(x, order, norm, attend, gains):
    """The output of attention replaces its input. Add x to it."""
    return attend(norm(x, gains[0])) if order else norm(attend(x), gains[0])


@after_attention.slip
def first_norm_unused(x, attend):
    """The norm of attention has no effect. There are two norms in a block: one for each part."""
    return x + attend(x)


@after_attention.slip
def pre_norm_without_the_first_norm(x, order, norm, attend, gains):
    """In pre-norm, attention sees the words as they are. It should see Norm(x)."""
    return x + attend(x) if order else norm(x + attend(x), gains[0])


@after_attention.slip
def only_queries_normalized(x, order, norm, attend, gains):
    """In pre-norm, queries come from the normalized words, keys and values from the words as they are. All three are
    maps of the same thing: the normalized words."""
    return x + attend(norm(x, gains[0]), x) if order else norm(x + attend(x), gains[0])


@Stage
def output(after_attention, around, feed, gains):
    return around(after_attention, feed, gains[1])


@output.slip
def no_sum_around_feed_forward(after_attention, order, norm, feed, gains):
    """The output of the feed-forward network replaces its input. Add what you had after attention to it."""
    t = after_attention
    return feed(norm(t, gains[1])) if order else norm(feed(t), gains[1])


@output.slip
def second_sum_from_the_start(after_attention, x, order, norm, feed, gains):
    """The second sum adds the block's input again. It adds what you had after attention (t in the formula), so that
    what attention found is not lost."""
    t = after_attention
    return x + feed(norm(t, gains[1])) if order else norm(x + feed(t), gains[1])


@output.slip
def both_parts_see_the_input(after_attention, x, order, norm, feed, gains):
    """The feed-forward network gets the block's input, beside attention. It comes after attention, and gets what
    attention and the sum have made."""
    t = after_attention
    return t + feed(norm(x, gains[1])) if order else norm(t + feed(x), gains[1])


@output.slip
def another_norm_at_the_end(after_attention, around, order, norm, feed, gains):
    """In pre-norm, there is one norm too many: the last sum is normalized. That norm follows the whole stack of blocks,
    once; it is not part of a block."""
    y = around(after_attention, feed, gains[1])
    return norm(y, gains[1]) if order else y


@output.slip
def second_norm_unused(after_attention, feed):
    """The norm of the feed-forward network has no effect. There are two norms in a block: one for each part."""
    return after_attention + feed(after_attention)


@output.slip
def after_attention_alone(after_attention):
    """These are the words after attention, t in the formula. The feed-forward network and what stands around it come
    after that."""
    return after_attention


@output.slip
def normalized_without_the_network(after_attention, order, norm, gains):
    """The feed-forward network has no part in the result. Its output should be added to t."""
    return after_attention if order else norm(after_attention, gains[1])


STAGES = (order, gains, norm, roles, shares, attend, feed, around, after_attention, output)


def _through(*inputs, **ways):
    """Return what the stages compute with other ways through some of them."""
    stages = [Stage(ways.get(stage.name, stage.compute)) for stage in STAGES]
    for stage, right in zip(stages, STAGES, strict=True):
        stage.name = right.name
    return answer_with(stages, NAMES)(*inputs)


@known.mistake
def root_of_the_length(x, maps, W_1, W_2, norms, is_pre):
    """The scores are divided by the root of the number of words. d_k is the length of one key vector: the last axis."""

    def shares(is_pre):
        return lambda query, key: _softmax(query @ key.mT / math.sqrt(key.shape[-2]))

    return _through(x, maps, W_1, W_2, norms, is_pre, shares=shares)


@known.mistake
def no_attention(x, maps, W_1, W_2, norms, is_pre):
    """Attention has no part in the result: the feed-forward network gets x itself."""
    return _through(x, maps, W_1, W_2, norms, is_pre, after_attention=lambda x: x)


@known.mistake
def second_weight_for_both(x, maps, W_1, W_2, norms, is_pre):
    """Both norms use the second weight. The norm of attention has a weight of its own: norms[0]."""
    return _through(x, maps, W_1, W_2, norms, is_pre, gains=lambda norms: norms[[1, 1]])


@known.mistake
def output_map_transposed(x, maps, W_1, W_2, norms, is_pre):
    """W_o alone is transposed. It is applied as it is, as the other maps are: @ W_o."""

    def attend(roles, shares):
        return lambda seen: _gather(roles, shares, seen) @ roles[3].mT

    return _through(x, maps, W_1, W_2, norms, is_pre, attend=attend)


@known.mistake
def everyone_sees_the_average(x, maps, W_1, W_2, norms, is_pre):
    """Every word gets the plain average of all values; queries and keys have no part in it."""

    def shares(is_pre):
        return lambda query, key: _softmax(0 * (query @ key.mT))

    return _through(x, maps, W_1, W_2, norms, is_pre, shares=shares)


@known.mistake
def values_not_mapped(x, maps, W_1, W_2, norms, is_pre):
    """The weights gather the words themselves; W_v has no effect. The values are the words times W_v."""

    def attend(roles, shares):
        return lambda seen: shares(seen @ roles[0], seen @ roles[1]) @ seen @ roles[3]

    return _through(x, maps, W_1, W_2, norms, is_pre, attend=attend)


@known.mistake
def epsilon_outside_the_root(x, maps, W_1, W_2, norms, is_pre):
    """The norms add epsilon to the standard deviation. It belongs to the variance, before the root."""

    def norm(is_pre):
        return lambda t, weight: _centered(t) / (t.var(-1, correction=0, keepdim=True) ** 0.5 + 1e-5) * weight

    return _through(x, maps, W_1, W_2, norms, is_pre, norm=norm)


@known.mistake
def no_epsilon(x, maps, W_1, W_2, norms, is_pre):
    """The norms add nothing to the variance. Epsilon, 1e-5, is added to it before the root."""

    def norm(is_pre):
        return lambda t, weight: _centered(t) / t.var(-1, correction=0, keepdim=True) ** 0.5 * weight

    return _through(x, maps, W_1, W_2, norms, is_pre, norm=norm)


@known.mistake
def norm_of_the_textbooks(x, maps, W_1, W_2, norms, is_pre):
    """The norms divide the squares by d_model - 1, as torch's std does, and add epsilon after the root. LayerNorm takes
    the plain mean of the squares, and adds epsilon to that."""

    def norm(is_pre):
        return lambda t, weight: _centered(t) / (t.std(-1, keepdim=True) + 1e-5) * weight

    return _through(x, maps, W_1, W_2, norms, is_pre, norm=norm)


@known.mistake
def parts_in_the_other_order(x, maps, W_1, W_2, norms, is_pre):
    """The feed-forward network comes first and attention second. In a block, attention comes first."""

    def after_attention(x, around, feed, gains):
        return around(x, feed, gains[1])

    def output(after_attention, around, attend, gains):
        return around(after_attention, attend, gains[0])

    return _through(x, maps, W_1, W_2, norms, is_pre, after_attention=after_attention, output=output)


@known.mistake
def pre_norm_without_the_second_norm(x, maps, W_1, W_2, norms, is_pre):
    """In pre-norm, the feed-forward network sees t as it is. It should see Norm(t)."""

    def output(after_attention, order, norm, feed, gains):
        t = after_attention
        return t + feed(t) if order else norm(t + feed(t), gains[1])

    return _through(x, maps, W_1, W_2, norms, is_pre, output=output)


@known.mistake
def post_norm_without_the_last_norm(x, maps, W_1, W_2, norms, is_pre):
    """In post-norm, the last sum is not normalized. A norm comes after each of the two sums."""

    def output(after_attention, order, norm, feed, gains):
        t = after_attention
        return t + feed(norm(t, gains[1]) if order else t)

    return _through(x, maps, W_1, W_2, norms, is_pre, output=output)


@known.mistake
def sum_inside_the_parts_too(x, maps, W_1, W_2, norms, is_pre):
    """What a part sees is added to its output, and then the sum around it comes on top: each residual is added
    twice."""

    def around(order, norm):
        def around(x, part, weight):
            if order:
                seen = norm(x, weight)
                return x + seen + part(seen)
            return norm(x + x + part(x), weight)

        return around

    return _through(x, maps, W_1, W_2, norms, is_pre, around=around)


@known.mistake
def network_sees_no_norm_but_the_first(x, maps, W_1, W_2, norms, is_pre):
    """In pre-norm, the feed-forward network gets the norm of the block's input. It gets the norm of t, what attention
    and the first sum have made."""

    def output(after_attention, x, order, norm, feed, gains):
        t = after_attention
        return t + feed(norm(x, gains[0])) if order else norm(t + feed(t), gains[1])

    return _through(x, maps, W_1, W_2, norms, is_pre, output=output)


@known.mistake
def transposed_over_all_axes_at_once(x, maps, W_1, W_2, norms, is_pre):
    """`.T` turns all axes of the keys around, the leading ones too: right for one sentence, wrong for a batch. Swap the
    last two alone: .mT."""
    W_q, W_k, W_v, W_o = maps

    def attend(roles, shares):
        def attend(s):
            return _softmax((s @ W_q) @ (s @ W_k).T / math.sqrt(x.shape[-1])) @ (s @ W_v) @ W_o

        return attend

    return _through(x, maps, W_1, W_2, norms, is_pre, attend=attend)


@known.mistake
def keys_of_a_batch_alone(x, maps, W_1, W_2, norms, is_pre):
    """Axes 1 and 2 of the keys change places, and without a batch there is no axis 2. The last two are -2 and -1,
    whatever stands in front: .mT."""

    def shares(is_pre):
        return lambda query, key: _softmax(query @ key.transpose(1, 2) / math.sqrt(key.shape[-1]))

    return _through(x, maps, W_1, W_2, norms, is_pre, shares=shares)


@known.mistake
def three_axes_alone(x, maps, W_1, W_2, norms, is_pre):
    """The shape of x is taken apart into three names, and x may have two axes, or four. `@`, .mT and
    a norm along dim=-1 work on the last ones, whatever stands in front."""
    batch, length, d_model = x.shape
    return reference(x.reshape(batch, length, d_model), maps, W_1, W_2, norms, is_pre)


@known.mistake
def smaller_epsilon(x, maps, W_1, W_2, norms, is_pre):
    """The norms' epsilon is 1e-6. This block takes 1e-5."""

    def norm(is_pre):
        return lambda t, weight: functional.layer_norm(t, t.shape[-1:], weight, eps=1e-6)

    return _through(x, maps, W_1, W_2, norms, is_pre, norm=norm)


@known.mistake
def sigmoid_for_relu(x, maps, W_1, W_2, norms, is_pre):
    """Between the two maps of the feed-forward network stands a sigmoid. This block takes max(0, z)."""
    return _through(x, maps, W_1, W_2, norms, is_pre, feed=lambda W_1, W_2: lambda seen: (seen @ W_1).sigmoid() @ W_2)


@known.mistake
def tanh_for_relu(x, maps, W_1, W_2, norms, is_pre):
    """Between the two maps of the feed-forward network stands tanh. This block takes max(0, z)."""
    return _through(x, maps, W_1, W_2, norms, is_pre, feed=lambda W_1, W_2: lambda seen: (seen @ W_1).tanh() @ W_2)


@known.mistake
def relu_twice(x, maps, W_1, W_2, norms, is_pre):
    """What is below 0 is cut off after the second map of the feed-forward network, too. It happens between the two
    maps alone."""

    def feed(W_1, W_2):
        return lambda seen: ((seen @ W_1).relu() @ W_2).relu()

    return _through(x, maps, W_1, W_2, norms, is_pre, feed=feed)


@known.mistake
def queries_not_mapped(x, maps, W_1, W_2, norms, is_pre):
    """W_q has no effect: the words themselves ask. The queries are the words times W_q."""

    def attend(roles, shares):
        return lambda seen: shares(seen, seen @ roles[1]) @ (seen @ roles[2]) @ roles[3]

    return _through(x, maps, W_1, W_2, norms, is_pre, attend=attend)


@known.mistake
def keys_not_mapped(x, maps, W_1, W_2, norms, is_pre):
    """W_k has no effect: the words themselves are the keys. The keys are the words times W_k."""

    def attend(roles, shares):
        return lambda seen: shares(seen @ roles[0], seen) @ (seen @ roles[2]) @ roles[3]

    return _through(x, maps, W_1, W_2, norms, is_pre, attend=attend)


@known.mistake
def one_map_for_all(x, maps, W_1, W_2, norms, is_pre):
    """Queries, keys and values are all made by W_q. Each has a map of its own."""
    return _through(x, maps, W_1, W_2, norms, is_pre, roles=lambda maps: maps[[0, 0, 0, 3]])


@known.mistake
def softmax_twice(x, maps, W_1, W_2, norms, is_pre):
    """The softmax is taken twice: the second one takes weights for scores."""

    def shares(is_pre):
        return lambda query, key: _softmax(_shares(query, key))

    return _through(x, maps, W_1, W_2, norms, is_pre, shares=shares)


@known.mistake
def norm_of_the_result(x, maps, W_1, W_2, norms, is_pre):
    """In pre-norm, each part's output is normalized, and the part sees the words as they are. The norm comes before the
    part: x + Attention(Norm(x))."""

    def around(order, norm):
        return lambda x, part, weight: x + norm(part(x), weight) if order else norm(x + part(x), weight)

    return _through(x, maps, W_1, W_2, norms, is_pre, around=around)


@known.mistake
def norm_over_the_whole_shape(x, maps, W_1, W_2, norms, is_pre):
    """The norm is told to run over all axes of the words, and then its weight does not fit. It runs over the last axis
    alone: s.shape[-1:]."""

    def norm(is_pre):
        return lambda s, weight: functional.layer_norm(s, s.shape, weight)

    return _through(x, maps, W_1, W_2, norms, is_pre, norm=norm)


@known.mistake
def norm_over_all_axes_by_row(x, maps, W_1, W_2, norms, is_pre):
    """A norm is told to run over the whole shape of the words, and a weight of d_model numbers does not fit that. It
    runs over the last axis alone: s.shape[-1:]."""

    def norm(s, row):
        return functional.layer_norm(s, s.shape, norms[row])

    return norm(x, 0) if is_pre else norm(x + x @ maps[0], 0)


@known.mistake
def a_bias_for_each_norm(x, maps, W_1, W_2, norms, is_pre):
    """`norms` is taken apart into more rows than it has. It holds two, the weight of each norm; there are no biases."""
    weight_1, bias_1, weight_2, bias_2 = norms
    return bias_1 + bias_2 + weight_1 + weight_2


@known.probe
def nothing_but_the_order(rng):
    inputs = {**pre(rng, length=3, d_model=4, d_ff=5), "maps": np.zeros((4, 4, 4)), "W_2": np.zeros((5, 4))}
    yours = yield inputs
    if found := first_difference(yours, inputs["x"]):
        return (
            f"With maps and W_2 of zeros, both parts return zeros, and pre-norm should return x as it came: at "
            f"[{found[0]}] yours is {found[1]:.4g}, x {found[2]:.4g}."
        )
    yours = yield {**inputs, "is_pre": False, "norms": np.ones((2, 4))}
    mean, variance = yours[0].mean(), yours[0].var()
    if abs(mean) > 1e-3 or abs(variance - 1) > 1e-3:
        return (
            f"With maps and W_2 of zeros, both parts return zeros, and post-norm with weights of 1 should return the "
            f"normalized words: yours has mean {mean:.3g} and variance {variance:.3g} in its first word, not 0 and 1."
        )
    return None


@known.probe
def attention_laid_bare(rng):
    inputs = pre(rng, length=3, d_model=4, d_ff=5)
    x, maps = inputs["x"], inputs["maps"].copy()
    normalized = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    maps[2, :, :3], maps[2, :, 3] = np.linalg.pinv(normalized), 0  # Norm(x) W_v is the identity
    maps[3] = np.eye(4)
    yours = yield {**inputs, "maps": maps, "W_2": np.zeros((5, 4)), "norms": np.ones((2, 4))}
    seen = weights_seen((yours - x)[:, :3])
    return seen and (
        f"With W_2 of zeros, W_o the identity, and a W_v that makes the identity of Norm(x), what your pre-norm block "
        f"adds to x should be the attention weights: {seen}."
    )


@known.probe
def network_laid_bare(rng):
    inputs = {**pre(rng, length=3, d_model=4, d_ff=5), "maps": np.zeros((4, 4, 4))}
    yours = yield inputs
    x, weight = inputs["x"], inputs["norms"][1]
    normalized = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5) * weight
    found = first_difference(yours - x, np.maximum(normalized @ inputs["W_1"], 0) @ inputs["W_2"])
    return found and (
        f"With maps of zeros, attention returns zeros, and in pre-norm what your block adds to x is the feed-forward "
        f"network's: at [{found[0]}] yours is {found[1]:.4g}, FFN(Norm(x)) is {found[2]:.4g}."
    )


@known.probe
def one_word_alone(rng):
    inputs = {**post(rng, length=1, d_model=4, d_ff=5), "W_2": np.zeros((5, 4)), "norms": np.ones((2, 4))}
    one = yield inputs
    x, maps = inputs["x"], inputs["maps"]
    t = x + x @ maps[2] @ maps[3]
    for _ in range(2):
        t = (t - t.mean()) / np.sqrt(t.var() + 1e-5)
    found = first_difference(one, t)
    return found and (
        f"One word alone attends to itself, so attention gives x W_v W_o. With W_2 of zeros and weights of 1, "
        f"post-norm should return Norm(x + x W_v W_o), normalized once more: at [{found[0]}] yours is {found[1]:.4g}, "
        f"that is {found[2]:.4g}."
    )


@known.legal
def step_by_step(x, maps, W_1, W_2, norms, is_pre):
    import torch

    def norm(t, weight):
        return functional.layer_norm(t, t.shape[-1:], weight)

    W_q, W_k, W_v, W_o = maps
    seen = norm(x, norms[0]) if is_pre else x
    scores = (seen @ W_q) @ (seen @ W_k).transpose(-2, -1) / math.sqrt(x.shape[-1])
    t = x + torch.softmax(scores, dim=-1) @ (seen @ W_v) @ W_o
    if not is_pre:
        t = norm(t, norms[0])
    seen = norm(t, norms[1]) if is_pre else t
    y = t + torch.clamp(seen @ W_1, min=0) @ W_2
    return y if is_pre else norm(y, norms[1])


@known.legal
def one_branch_each(x, maps, W_1, W_2, norms, is_pre):
    def attend(t):
        return functional.scaled_dot_product_attention(t @ maps[0], t @ maps[1], t @ maps[2]) @ maps[3]

    first, second = (lambda t, g=g: functional.layer_norm(t, (len(g),), g) for g in norms)
    if is_pre:
        t = x + attend(first(x))
        return t + functional.relu(second(t) @ W_1) @ W_2
    t = first(x + attend(x))
    return second(t + functional.relu(t @ W_1) @ W_2)


@known.legal
def with_einsum(x, maps, W_1, W_2, norms, is_pre):
    import torch

    def norm(t, weight):
        centered = t - t.mean(-1, keepdim=True)
        return centered / (centered.square().mean(-1, keepdim=True) + 1e-5).sqrt() * weight

    seen = norm(x, norms[0]) if is_pre else x
    query, key, value = torch.einsum("...ld,mde->m...le", seen, maps[:3])
    scores = torch.einsum("...qd,...kd->...qk", query, key) / x.shape[-1] ** 0.5
    t = x + torch.einsum("...qk,...kd,de->...qe", scores.softmax(-1), value, maps[3])
    t = t if is_pre else norm(t, norms[0])
    y = t + (norm(t, norms[1]) if is_pre else t).matmul(W_1).relu().matmul(W_2)
    return y if is_pre else norm(y, norms[1])


@known.borrowed
def by_torch(x, maps, W_1, W_2, norms, is_pre):
    import torch

    d_model, d_ff = W_1.shape
    layer = torch.nn.TransformerEncoderLayer(d_model, 1, d_ff, 0.0, batch_first=True, norm_first=is_pre, bias=False)
    state = {
        "self_attn.in_proj_weight": torch.cat([W.T for W in maps[:3]]),
        "self_attn.out_proj.weight": maps[3].T,
        "linear1.weight": W_1.T,
        "linear2.weight": W_2.T,
        "norm1.weight": norms[0],
        "norm2.weight": norms[1],
    }
    layer.load_state_dict(state)
    with torch.no_grad():
        return layer.to(x.dtype)(x)


TASK = Task(
    id="08.encoder_block",
    title="The whole block, in both orders",
    difficulty=3,
    minutes=20,
    reference=reference,
    draw=post,
    library="torch",
    cases=(
        Case("post-norm, three words", dict(length=3, d_model=4, d_ff=7), dtype="float32"),
        Case("pre-norm, three words", dict(length=3, d_model=4, d_ff=7), dtype="float32", draw=pre),
        Case("post-norm, two sentences", dict(batch=2, length=5, d_model=6, d_ff=9), dtype="float32"),
        Case("pre-norm, two sentences", dict(batch=2, length=5, d_model=6, d_ff=9), dtype="float32", draw=pre),
        Case("post-norm, loud scores", dict(length=5, d_model=4, d_ff=7), dtype="float32", draw=loud),
        Case("pre-norm, float64", dict(groups=2, batch=3, length=4, d_model=8, d_ff=16), draw=pre),
        Case(
            "the example of the text, pre-norm",
            dict(length=1, d_model=4, d_ff=3),
            dtype="float32",
            draw=pre_of_the_text,
        ),
        Case(
            "the example of the text, post-norm",
            dict(length=1, d_model=4, d_ff=3),
            dtype="float32",
            draw=post_of_the_text,
        ),
    ),
    finished=(
        "torch.nn.TransformerEncoderLayer.forward",
        "course_lib.transformer.EncoderBlock.forward",
    ),
    hints=(
        (
            "Write the two lines of each order on paper, one above the other. What does each part get to see, and "
            "what is added to its output?"
        ),
        (
            "Give attention and the feed-forward network small functions of their own, and the norms too. Then the "
            "block is two lines for each order."
        ),
        (
            "Post-norm: t = Norm(x + Attention(x)), y = Norm(t + FFN(t)). Pre-norm: t = x + Attention(Norm(x)), y = t "
            "+ FFN(Norm(t)). The first norm has weight norms[0], the second norms[1]."
        ),
        (
            "Attention(t) is `scaled_dot_product_attention(t @ W_q, t @ W_k, t @ W_v) @ W_o` with `W_q, W_k, W_v, W_o "
            "= maps`; FFN(t) is `torch.relu(t @ W_1) @ W_2`. Now `if is_pre:` and the two lines of pre-norm, else "
            "those of post-norm."
        ),
    ),
    drawn=(informative(weights),),
    stages=STAGES,
    coincidences={
        "values_and_output_swapped + output_map_unused": "values_not_mapped",
        "no_sum_around_attention + no_sum_around_feed_forward": "no_residual_sums",
        "first_norm_unused + second_norm_unused": "no_norms",
    },
    **known.ways,
)
