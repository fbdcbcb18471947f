"""06.split_heads: every vector cut into heads, and the heads brought before the words."""

import torch

from course_lib.multi_head import split_heads
from grader.known import Known
from grader.task import Case, Task

known = Known()


def draw(rng, length, num_heads, d_k, **leading):
    return {"x": rng.normal(size=(*leading.values(), length, num_heads * d_k)), "num_heads": num_heads}


def _cut(x, num_heads):
    """(..., length, d_model) -> (..., length, num_heads, d_k)."""
    return x.unflatten(-1, (num_heads, -1))


@known.mistake
def reshaped_without_swap(x, num_heads):
    """One reshape gives the right shape and the wrong numbers: it deals them out in the order of memory, so head 0 gets
    whole words. Cut every vector first: (..., length, num_heads, d_k); then swap two axes."""
    return x.reshape(*x.shape[:-2], num_heads, x.shape[-2], -1)


@known.mistake
def not_swapped(x, num_heads):
    """The vectors are cut, and the heads stand behind the words: (..., length, num_heads, d_k). Swap these two axes."""
    return _cut(x, num_heads)


@known.mistake
def last_axes_swapped(x, num_heads):
    """The vectors are cut, and then the wrong two axes are swapped: the components stand before the heads. It is the
    words and the heads that change places."""
    return _cut(x, num_heads).swapaxes(-2, -1)


@known.mistake
def every_nth_component(x, num_heads):
    """Head h takes every num_heads-th component: the last axis was cut into (d_k, num_heads). It should be cut into
    (num_heads, d_k), so that head 0 has the first d_k components, without gaps."""
    return x.unflatten(-1, (-1, num_heads)).movedim(-1, -3)


@known.mistake
def sizes_exchanged(x, num_heads):
    """The number of heads and the size of a head are exchanged: there are d_k heads of num_heads components."""
    return x.unflatten(-1, (-1, num_heads)).swapaxes(-3, -2)


@known.mistake
def heads_before_batch(x, num_heads):
    """Right for one sentence. In a batch the heads come after the leading axes: (batch, num_heads, length, d_k). Count
    the axes from the end."""
    return torch.stack(x.chunk(num_heads, dim=-1))


@known.mistake
def first_axes_swapped(x, num_heads):
    """Right for one sentence. In a batch, axes 0 and 1 are the sentences and the words. The words and the heads are
    axes -3 and -2, with or without a batch."""
    return _cut(x, num_heads).swapaxes(0, 1)


@known.mistake
def axes_1_and_2_swapped(x, num_heads):
    """Right for one batch of sentences, (batch, length, d_model). There may be no leading axis, or two: count the axes
    from the end, where the words and the heads are -3 and -2."""
    return _cut(x, num_heads).swapaxes(1, 2)


@known.mistake
def batch_expected(x, num_heads):
    """`batch, length, d_model = x.shape` takes a batch for granted. There may be no leading axis, or two. Put what
    stands before the last two axes into *leading."""
    batch, length, d_model = x.shape
    return x.reshape(batch, length, num_heads, d_model // num_heads).swapaxes(1, 2)


@known.mistake
def four_axes_expected(x, num_heads):
    """`permute(0, 2, 1, 3)` takes one batch for granted. There may be no leading axis, or two: swap the words and the
    heads alone, counted from the end."""
    return _cut(x, num_heads).permute(0, 2, 1, 3)


@known.mistake
def reshaped_at_once(x, num_heads):
    """A reshape to (num_heads, length, whatever is left) deals out the numbers in the order of memory, and a batch is
    dealt out with them. Cut every vector where it is; then swap the words and the heads."""
    return x.reshape(num_heads, x.shape[-2], -1)


@known.mistake
def pieces_along_the_words(x, num_heads):
    """The words were cut instead of the vectors: a head has some of the words and all their components. It should have
    all the words and some of their components."""
    return torch.stack(x.tensor_split(num_heads, dim=-2), dim=-3)


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
        Case("one sentence, 2 heads", dict(length=3, num_heads=2, d_k=4)),
        Case("a batch, 3 heads", dict(batch=2, length=5, num_heads=3, d_k=4)),
        Case("two leading axes, float32", dict(groups=3, batch=2, length=7, num_heads=4, d_k=5), dtype="float32"),
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
    **known.ways,
)
