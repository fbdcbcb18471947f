"""06.split_heads: every vector cut into heads, and the heads brought before the words."""

import numpy as np
import torch

from course_lib.multi_head import split_heads
from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Task
from tasks import heads_stages as stages

known = Known()


def draw(rng, length, num_heads, d_k, **leading):
    return {"x": rng.normal(size=(*leading.values(), length, num_heads * d_k)), "num_heads": num_heads}


def the_example(rng):
    return {"x": np.array([[1.0, 2, 3, 4], [11, 12, 13, 14]]), "num_heads": 2}


def one_of_each(rng, num_heads, d_k):
    """One sentence of one word in a batch: what drops axes of size 1 shows."""
    return draw(rng, 1, num_heads, d_k, batch=1)


@Stage
def result(heads):
    return heads


@result.slip
def first_head_alone(heads):
    """This is head 0 alone: (..., length, d_k). All heads come back, on an axis of their own."""
    return heads[..., 0, :, :]


@result.slip
def one_below_the_other(heads):
    """The heads stand one below the other along the words: (..., num_heads * length, d_k). They need an axis of their
    own."""
    return heads.flatten(-3, -2)


@result.slip
def leading_axes_and_heads_joined(heads):
    """The leading axes and the heads became one axis. They stay apart: (..., num_heads, length, d_k)."""
    return heads.flatten(end_dim=-3)


@result.slip
def scaled(heads):
    """The heads are divided by the root of d_k, which belongs to the scores. Here they are only cut."""
    return heads / heads.shape[-1] ** 0.5


@result.slip
def divided_by_the_heads(heads):
    """Everything is divided by the number of heads. The numbers stay as they are; they are only cut."""
    return heads / heads.shape[-3]


@result.slip
def of_the_first_sentence(heads):
    """Of a batch, this is the first sentence alone. Leading axes stay as they are."""
    return heads[0] if heads.ndim > 3 else heads


@result.slip
def merged_again(cut):
    """This is x as it came. The pieces need an axis of their own, for the heads."""
    return cut.flatten(-2)


@result.slip
def heads_reversed(heads):
    """The heads come in reverse order. Head 0 gets the first piece."""
    return heads.flip(-3)


@known.mistake
def pieces_along_the_words_in_chunks(x, num_heads):
    """The words were cut instead of the vectors, into pieces of different length, which cannot be stacked. Each head
    has all the words, and a piece of every vector: the last axis is cut."""
    return torch.stack(x.chunk(num_heads, dim=-2), dim=-3)


@known.mistake
def batch_expected(x, num_heads):
    """The shape of x is taken apart into three sizes, as if there were always one leading axis. There may be none, or
    two. Put what stands before the last two axes into *leading."""
    batch, length, d_model = x.shape
    return x.reshape(batch, length, num_heads, d_model // num_heads).swapaxes(1, 2)


@known.mistake
def four_axes_in_one_line(x, num_heads):
    """The order of four axes is given for vectors that are cut, as if there were always one leading axis. There may be
    none, or two: swap the words and the heads alone, counted from the end."""
    return x.reshape(*x.shape[:-1], num_heads, -1).permute(0, 2, 1, 3)


@known.mistake
def four_axes_with_the_sizes_exchanged(x, num_heads):
    """The order of four axes is given, as if there were always one leading axis, and a head takes every num_heads-th
    component. Cut each vector into (num_heads, d_k), and swap the words and the heads, counted from the end."""
    return x.reshape(*x.shape[:-1], -1, num_heads).permute(0, 3, 1, 2)


@known.mistake
def single_sentence_expected(x, num_heads):
    """The shape of x is taken apart into two sizes, as if there were never a leading axis. There may be one, or two.
    Put what stands before the last two axes into *leading."""
    length, d_model = x.shape
    return x.reshape(length, num_heads, d_model // num_heads).swapaxes(0, 1)


@known.mistake
def dealt_out_at_once(x, num_heads):
    """The result has three axes, with all the words of a batch in the order of memory: (num_heads, length, whatever is
    left). Cut every vector where it is; then swap the words and the heads."""
    return x.reshape(num_heads, x.shape[-2], -1)


@known.mistake
def batch_among_the_words(x, num_heads):
    """The leading axes are merged into the words: (num_heads, number of words, d_k). They stay in front: (...,
    num_heads, length, d_k)."""
    return x.reshape(-1, num_heads, x.shape[-1] // num_heads).swapaxes(0, 1)


@known.mistake
def batch_among_the_words_not_swapped(x, num_heads):
    """The leading axes are merged into the words, and the heads stand behind these: (number of words, num_heads, d_k).
    Leading axes stay in front, and the heads come before the words: (..., num_heads, length, d_k)."""
    return x.reshape(-1, num_heads, x.shape[-1] // num_heads)


@known.mistake
def pieces_along_the_words(x, num_heads):
    """The words were cut instead of the vectors: a head has some of the words and all their components. It should have
    all the words and some of their components."""
    return torch.stack(x.tensor_split(num_heads, dim=-2), dim=-3)


@known.mistake
def pieces_side_by_side(x, num_heads):
    """The pieces are laid one behind the other on the first axis, which is there already. The heads need an axis of
    their own, before the words."""
    return torch.cat(x.chunk(num_heads, dim=-1))


@known.mistake
def view_after_a_transpose(x, num_heads):
    """The words and the components are swapped before the cut, and a view of that fails. Cut every vector first; then
    swap the words and the heads."""
    return x.mT.view(*x.shape[:-2], num_heads, x.shape[-2], x.shape[-1] // num_heads)


@known.probe
def counted_up(rng):
    yours = yield {"x": np.arange(24.0).reshape(3, 8), "num_heads": 2}
    right = np.arange(24.0).reshape(3, 2, 4).swapaxes(0, 1)
    return _says("With words that count up, (0 to 7), (8 to 15), (16 to 23), and two heads,", yours, right)


@known.probe
def one_head(rng):
    inputs = draw(rng, length=3, num_heads=1, d_k=4)
    yours = yield inputs
    return _says("With one head, it should get all there is:", yours, inputs["x"][None])


@known.probe
def as_many_heads_as_components(rng):
    inputs = draw(rng, length=3, num_heads=4, d_k=1, batch=2)
    yours = yield inputs
    right = inputs["x"].swapaxes(-2, -1)[..., None]
    return _says("With heads of one component, head h should hold component h of every word:", yours, right)


def _says(what, yours, right):
    wrong = np.argwhere(~np.isclose(yours, right, atol=1e-4))
    if not len(wrong):
        return None
    head, word = (int(i) for i in wrong[0][-3:-1])
    place = tuple(wrong[0][:-1])
    numbers = " ".join(f"{number:.3g}" for number in yours[place])
    expected = " ".join(f"{number:.3g}" for number in right[place])
    return f"{what} head {head} of word {word} in yours is ({numbers}), where ({expected}) belongs."


@known.legal
def with_chunks(x, num_heads):
    return torch.stack(x.chunk(num_heads, dim=-1), dim=-3)


@known.legal
def with_a_loop(x, num_heads):
    *leading, length, d_model = x.shape
    d_k = d_model // num_heads
    heads = x.new_empty(*leading, num_heads, length, d_k)
    for head in range(num_heads):
        heads[..., head, :, :] = x[..., head * d_k : (head + 1) * d_k]
    return heads


@known.legal
def with_transpose(x, num_heads):
    return x.view(*x.shape[:-1], num_heads, -1).transpose(-2, -3).contiguous()


@known.legal
def with_movedim(x, num_heads):
    return torch.movedim(x.unflatten(-1, (num_heads, x.shape[-1] // num_heads)), -2, -3)


@known.borrowed
def borrowed_from_the_course(x, num_heads):
    return split_heads(x, num_heads)


TASK = Task(
    id="06.split_heads",
    title="Split into heads",
    difficulty=1,
    minutes=8,
    reference=split_heads,
    draw=draw,
    library="torch",
    cases=(
        Case("one sentence, 2 heads", dict(length=3, num_heads=2, d_k=4), dtype="float32"),
        Case("the example of the text", {}, dtype="float32", draw=the_example),
        Case("a batch, 3 heads", dict(batch=2, length=5, num_heads=3, d_k=4), dtype="float32"),
        Case("two leading axes", dict(groups=3, batch=2, length=7, num_heads=4, d_k=5), dtype="float32"),
        Case("one word, float64", dict(num_heads=3, d_k=2), draw=one_of_each),
        Case("one head", dict(length=5, num_heads=1, d_k=4), dtype="float32"),
    ),
    finished=("course_lib.multi_head.split_heads",),
    hints=(
        "Take one word with 8 components and 2 heads. Which components belong to head 0, and which to head 1?",
        (
            "Cut the last axis only: a reshape to (..., length, num_heads, d_k) leaves every number in its word. "
            "`*leading, length, d_model = x.shape` gives you the sizes, whatever comes first."
        ),
        "Now the heads stand behind the words. They should stand before them: swap those two axes.",
        "After the cut, the words are axis -3 and the heads axis -2: `.swapaxes(-3, -2)`.",
    ),
    stages=(stages.cut, stages.heads.but(rare=["components_before_heads"]), result),
    coincidences={
        "whole_vectors + first_head_alone": "merged_again",
        "not_swapped + leading_axes_and_heads_joined": "batch_among_the_words_not_swapped",
    },
    part=True,
    **known.ways,
)
