"""06.merge_heads: what the heads return, laid side by side, one vector for each word."""

import torch

from course_lib.multi_head import merge_heads
from grader.known import Known
from grader.task import Case, Task

known = Known()


def draw(rng, num_heads, length, d_k, **leading):
    return {"heads": rng.normal(size=(*leading.values(), num_heads, length, d_k))}


@known.mistake
def reshaped_without_swap(heads):
    """One reshape gives the right shape and the wrong numbers: the first words are made of head 0 alone. Bring the
    words before the heads first; then join the last two axes."""
    return heads.reshape(*heads.shape[:-3], heads.shape[-2], -1)


@known.mistake
def averaged(heads):
    """The heads are averaged: a vector has d_k components, and which head said what is lost. Lay them side by side:
    num_heads times d_k components."""
    return heads.mean(dim=-3)


@known.mistake
def summed(heads):
    """The heads are added up: a vector has d_k components, and which head said what is lost. Lay them side by side:
    num_heads times d_k components."""
    return heads.sum(dim=-3)


@known.mistake
def not_joined(heads):
    """The words stand before the heads now, and there is still an axis too many. Join the last two, (num_heads, d_k),
    to one."""
    return heads.swapaxes(-3, -2)


@known.mistake
def components_mixed(heads):
    """Each vector has the right numbers in the wrong order: first component 0 of every head, then component 1. All of
    head 0 comes first, then all of head 1."""
    return heads.movedim(-3, -1).flatten(-2)


@known.mistake
def in_a_row(heads):
    """The heads are laid one after another along the words, so the text became num_heads times as long. Lay them side
    by side along the last axis, the components."""
    return heads.flatten(-3, -2)


@known.mistake
def last_axes_swapped(heads):
    """The words and the components changed places, then a reshape mixed everything. It is the words and the heads that
    change places."""
    *leading, num_heads, length, d_k = heads.shape
    return heads.swapaxes(-2, -1).reshape(*leading, length, num_heads * d_k)


@known.mistake
def heads_reversed(heads):
    """The heads are in reverse order. Head 0 gives the first d_k components of every vector, as it got them."""
    return heads.flip(-3).swapaxes(-3, -2).flatten(-2)


@known.mistake
def first_axes_swapped(heads):
    """Right for one sentence. In a batch, axes 0 and 1 are the sentences and the heads. The heads and the words are
    axes -3 and -2, with or without a batch."""
    return heads.swapaxes(0, 1).flatten(-2)


@known.mistake
def axes_1_and_2_swapped(heads):
    """Right for one batch, (batch, num_heads, length, d_k). There may be no leading axis, or two: count the axes from
    the end, where the heads and the words are -3 and -2."""
    return heads.swapaxes(1, 2).flatten(-2)


@known.mistake
def batch_expected(heads):
    """`batch, num_heads, length, d_k = heads.shape` takes a batch for granted. There may be no leading axis, or two.
    Put what stands before the last three axes into *leading."""
    batch, num_heads, length, d_k = heads.shape
    return heads.swapaxes(1, 2).reshape(batch, length, num_heads * d_k)


@known.mistake
def four_axes_expected(heads):
    """`permute(0, 2, 1, 3)` takes one batch for granted. There may be no leading axis, or two: swap the heads and the
    words alone, counted from the end."""
    return heads.permute(0, 2, 1, 3).flatten(-2)


@known.mistake
def counted_from_the_front(heads):
    """Right for one batch, (batch, num_heads, length, d_k). There may be no leading axis, or two: swap axes -3 and -2,
    and join the last two, all counted from the end."""
    return heads.swapaxes(1, 2).flatten(2)


@known.mistake
def first_axis_joined(heads):
    """Right for one sentence. In a batch, axis 0 is that of the sentences, and they were laid side by side. The heads
    are axis -3."""
    return torch.cat(list(heads), dim=-1)


@known.mistake
def viewed_after_the_swap(heads):
    """The axes are right, and `view` refuses: after a swap the numbers no longer lie in memory in the order of the
    axes. Use `reshape`, which copies them where it must."""
    *leading, num_heads, length, d_k = heads.shape
    return heads.swapaxes(-3, -2).view(*leading, length, num_heads * d_k)


@known.legal
def with_cat(heads):
    return torch.cat(heads.unbind(dim=-3), dim=-1)


@known.legal
def with_a_loop(heads):
    *leading, num_heads, length, d_k = heads.shape
    merged = heads.new_empty(*leading, length, num_heads * d_k)
    for head in range(num_heads):
        merged[..., head * d_k : (head + 1) * d_k] = heads[..., head, :, :]
    return merged


@known.legal
def with_contiguous(heads):
    swapped = heads.transpose(-3, -2).contiguous()
    return swapped.view(*swapped.shape[:-2], -1)


@known.legal
def with_flatten(heads):
    return heads.movedim(-3, -2).flatten(-2)


@known.borrowed
def borrowed_from_the_course(heads):
    return merge_heads(heads)


TASK = Task(
    id="06.merge_heads",
    title="Merge the heads",
    difficulty=1,
    minutes=5,
    reference=merge_heads,
    draw=draw,
    library="torch",
    cases=(
        Case("one sentence, 2 heads", dict(num_heads=2, length=3, d_k=4)),
        Case("a batch, 3 heads", dict(batch=2, num_heads=3, length=5, d_k=4)),
        Case("two leading axes, float32", dict(groups=3, batch=2, num_heads=4, length=7, d_k=5), dtype="float32"),
    ),
    finished=("course_lib.multi_head.merge_heads",),
    hints=(
        "Splitting was: cut, then swap. What undoes it, and in which order?",
        "Bring the words before the heads: (..., length, num_heads, d_k). Now all that one word got stands together.",
        (
            "Then join the last two axes to one of num_heads * d_k components. `reshape` can; `view` cannot, after a "
            "swap."
        ),
        (
            "`*leading, num_heads, length, d_k = heads.shape`, then `.swapaxes(-3, -2)` and a reshape to (*leading, "
            "length, num_heads * d_k)."
        ),
    ),
    **known.ways,
)
