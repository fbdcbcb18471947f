"""06.merge_heads: what the heads return, laid side by side, one vector for each word."""

import numpy as np
import torch

from course_lib.multi_head import merge_heads
from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Task
from tasks import heads_stages as stages

known = Known()


def draw(rng, num_heads, length, d_k, **leading):
    return {"heads": rng.normal(size=(*leading.values(), num_heads, length, d_k))}


def the_example(rng):
    return {"heads": np.array([[[1.0, 2], [11, 12]], [[3, 4], [13, 14]]])}


def one_word(rng, num_heads, d_k):
    """One sentence of one word in a batch: what drops axes of size 1 shows."""
    return draw(rng, num_heads, 1, d_k, batch=1)


@Stage
def result(merged):
    return merged


@result.slip
def transposed(merged):
    """Each column is a word in the result: (..., num_heads * d_k, length). One word per row."""
    return merged.mT


@result.slip
def leading_axes_lost(merged):
    """Leading axes and words became one axis in the result. It keeps them apart: (..., length, num_heads * d_k)."""
    return merged.flatten(end_dim=-2)


@result.slip
def of_the_first_sentence(merged):
    """Of a batch, this is the first sentence alone. Leading axes stay as they are."""
    return merged[0] if merged.ndim > 2 else merged


@result.slip
def scaled(merged):
    """The merged vectors are divided by the root of their length. Laying side by side leaves the numbers as they
    are."""
    return merged / merged.shape[-1] ** 0.5


@known.mistake
def in_a_row(heads):
    """The heads are laid one after another along the words, so the text became num_heads times as long. Lay them side
    by side along the last axis, the components."""
    return heads.flatten(-3, -2)


@known.mistake
def in_a_row_reversed(heads):
    """The heads are laid one after another along the words, the last head first, so the text became num_heads times as
    long. Lay them side by side along the last axis, head 0 first."""
    return heads.flip(-3).flatten(-3, -2)


@known.mistake
def all_in_one_row(heads):
    """Words, heads and components became one axis. Every word keeps a vector of its own: (..., length, num_heads *
    d_k)."""
    return heads.swapaxes(-3, -2).flatten(-3)


@known.mistake
def all_in_one_row_as_they_come(heads):
    """Heads, words and components became one axis, in the order in which they came. Every word gets a vector: (...,
    length, num_heads * d_k)."""
    return heads.flatten(-3)


@known.mistake
def words_and_components_swapped_then_reshaped(heads):
    """The words and the components changed places, then a reshape mixed everything. It is the words and the heads that
    change places."""
    *leading, num_heads, length, d_k = heads.shape
    return heads.swapaxes(-2, -1).reshape(*leading, length, num_heads * d_k)


@known.mistake
def all_axes_turned_then_reshaped(heads):
    """All the axes are turned around, as `.T` does, and a reshape mixed everything. Only the heads and the words change
    places."""
    *leading, num_heads, length, d_k = heads.shape
    return heads.permute(*reversed(range(heads.ndim))).reshape(*leading, length, num_heads * d_k)


@known.mistake
def batch_expected(heads):
    """The shape of heads is taken apart into four sizes, as if there were always one leading axis. There may be none,
    or two. Put what stands before the last three axes into *leading."""
    batch, num_heads, length, d_k = heads.shape
    return heads.swapaxes(1, 2).reshape(batch, length, num_heads * d_k)


@known.mistake
def single_sentence_expected(heads):
    """The shape of heads is taken apart into three sizes, as if there were never a leading axis. There may be one, or
    two. Put what stands before the last three axes into *leading."""
    num_heads, length, d_k = heads.shape
    return heads.swapaxes(0, 1).reshape(length, num_heads * d_k)


@known.mistake
def counted_from_the_front(heads):
    """Axes 1 and 2 change places and those from axis 2 on are joined, which fits exactly one leading axis. There may be
    none, or two: swap axes -3 and -2, and join the last two, all counted from the end."""
    return heads.swapaxes(1, 2).flatten(2)


@known.mistake
def first_axis_joined(heads):
    """What is laid side by side is the first axis, in a batch that of the sentences. The heads are axis -3."""
    return torch.cat(list(heads), dim=-1)


@known.mistake
def stacked_side_by_side(heads):
    """The heads stand on a new last axis: (..., length, d_k, num_heads). They are laid side by side along the one that
    is there."""
    return torch.stack(heads.unbind(dim=-3), dim=-1)


@known.mistake
def pieces_of_the_length(heads):
    """The piece of head h begins at component h times length, so that pieces overlap or leave gaps. It begins at h
    times d_k."""
    *leading, num_heads, length, d_k = heads.shape
    merged = heads.new_zeros(*leading, length, num_heads * d_k)
    for head in range(num_heads):
        merged[..., head * length : head * length + d_k] = heads[..., head, :, :]
    return merged


@known.mistake
def leading_axes_lost_without_swap(heads):
    """A reshape alone brought everything to rows of num_heads * d_k numbers, leading axes included. Bring the words
    before the heads first, and keep what stands in front: (..., length, num_heads * d_k)."""
    return heads.reshape(-1, heads.shape[-3] * heads.shape[-1])


@known.mistake
def a_number_joined(heads):
    """What is to be joined is a number, that of the heads. torch.cat wants the heads themselves, as a list."""
    return torch.cat(heads.shape[-3], dim=-1)


@known.probe
def counted_up(rng):
    yours = yield {"heads": np.arange(24.0).reshape(2, 3, 4)}
    right = np.arange(24.0).reshape(2, 3, 4).swapaxes(0, 1).reshape(3, 8)
    return _says("With two heads that count up, 0 to 11 and 12 to 23,", yours, right)


@known.probe
def each_head_its_number(rng):
    numbers = np.arange(3.0)[:, None, None]
    yours = yield {"heads": np.broadcast_to(numbers, (2, 3, 4, 2)).copy()}
    right = np.broadcast_to(np.repeat(np.arange(3.0), 2), (2, 4, 6))
    return _says("With heads in which head h holds nothing but h,", yours, right)


@known.probe
def one_head(rng):
    inputs = draw(rng, num_heads=1, length=3, d_k=4)
    yours = yield inputs
    return _says("With one head there is nothing to lay beside it:", yours, inputs["heads"][0])


def _says(what, yours, right):
    wrong = np.argwhere(~np.isclose(yours, right, atol=1e-4))
    if not len(wrong):
        return None
    place = tuple(wrong[0][:-1])
    numbers = " ".join(f"{number:.3g}" for number in yours[place])
    expected = " ".join(f"{number:.3g}" for number in right[place])
    return f"{what} word {int(place[-1])} in yours is ({numbers}), where ({expected}) belongs."


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
        Case("one sentence, 2 heads", dict(num_heads=2, length=3, d_k=4), dtype="float32"),
        Case("the example of the text", {}, dtype="float32", draw=the_example),
        Case("a batch, 3 heads", dict(batch=2, num_heads=3, length=5, d_k=4), dtype="float32"),
        Case("two leading axes", dict(groups=3, batch=2, num_heads=4, length=7, d_k=5), dtype="float32"),
        Case("one word, float64", dict(num_heads=3, d_k=2), draw=one_word),
        Case("one head", dict(num_heads=1, length=4, d_k=3), dtype="float32"),
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
    stages=(stages.swapped, stages.merged, result),
    coincidences={
        "component_by_component + not_joined": "stacked_side_by_side",
        "not_joined + transposed": "stacked_side_by_side",
        "merged_in_reverse_order + first_head_alone": "last_head_alone",
        "merged_in_reverse_order + last_head_alone": "first_head_alone",
        "reshaped_at_once + leading_axes_lost": "leading_axes_lost_without_swap",
    },
    part=True,
    **known.ways,
)
