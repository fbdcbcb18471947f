"""Splitting vectors into heads and merging heads again, as stages, with the slips that people make there.

All of it works on PyTorch tensors; axes are counted from the end, so that any leading axes may stand in front.
"""

import torch

from grader.stages import Stage


@Stage
def cut(x, num_heads):
    return x.unflatten(-1, (num_heads, -1))  # (..., length, num_heads, d_k)


@cut.slip
def every_nth_component(x, num_heads):
    """Head h takes every num_heads-th component, beginning with the h-th. It takes one piece without gaps: head 0 the
    first d_k components."""
    return x.unflatten(-1, (-1, num_heads)).swapaxes(-2, -1)


@cut.slip
def sizes_exchanged(x, num_heads):
    """The number of heads and the size of a head are exchanged: there are d_k heads of num_heads components."""
    return x.unflatten(-1, (-1, num_heads))


@cut.slip
def two_heads_always(x, num_heads):
    """There are two heads, as in the example, whatever num_heads is."""
    return x.unflatten(-1, (2, -1))


@cut.slip
def pieces_overlap(x, num_heads):
    """The pieces overlap: that of head h begins at component h. It begins where the one before ends, at h times d_k."""
    d_k = x.shape[-1] // num_heads
    return torch.stack([x[..., head : head + d_k] for head in range(num_heads)], dim=-2)


@cut.slip
def pieces_too_short(x, num_heads):
    """Each head has one component too few: the last one of its piece is left out."""
    return x.unflatten(-1, (num_heads, -1))[..., :-1]


@cut.slip
def whole_vectors(x, num_heads):
    """Every head gets the whole vectors, all d_model components. Each gets a piece of d_k."""
    return x.unsqueeze(-2).expand(*x.shape[:-1], num_heads, x.shape[-1])


@cut.slip
def first_piece_for_all(x, num_heads):
    """Every head gets the first piece of each vector. Head 1 gets the second, and so on."""
    pieces = x.unflatten(-1, (num_heads, -1))
    return pieces[..., :1, :].expand(pieces.shape)


@cut.slip
def d_k_is_no_whole_number(x, num_heads):
    """The size of a head is a floating-point number, which no shape takes: `/` makes one also where nothing remains,
    `//` keeps whole numbers."""
    d_k = x.shape[-1] / num_heads
    return x.reshape(*x.shape[:-1], num_heads, d_k)


@cut.slip
def d_k_is_no_whole_number_in_a_view(x, num_heads):
    """The size of a head is a floating-point number, and a view takes whole ones: `/` makes a float also where nothing
    remains, `//` does not."""
    d_k = x.shape[-1] / num_heads
    return x.view(*x.shape[:-1], num_heads, d_k)


@cut.slip
def d_model_for_d_k(x, num_heads):
    """The shape asked for has d_model components in every head, more numbers than there are. A head has d_model /
    num_heads."""
    return x.reshape(*x.shape[:-1], num_heads, x.shape[-1])


@Stage
def heads(cut):
    return cut.swapaxes(-3, -2)  # (..., num_heads, length, d_k)


@heads.slip
def not_swapped(cut):
    """The heads stand behind the words: (..., length, num_heads, d_k). Swap these two axes."""
    return cut


@heads.slip
def reshaped_without_swap(cut):
    """The heads come before the words by a reshape alone, which deals the numbers out in the order of memory, so that
    head 0 gets whole words. Cut every vector first: (..., length, num_heads, d_k); then swap two axes."""
    *leading, length, num_heads, d_k = cut.shape
    return cut.reshape(*leading, num_heads, length, d_k)


@heads.slip
def components_before_heads(cut):
    """Of the cut vectors, the heads and the components change places. It is the words and the heads that change
    places."""
    return cut.swapaxes(-2, -1)


@heads.slip
def words_behind_the_components(cut):
    """Each head is transposed: its components stand before the words, (..., num_heads, d_k, length)."""
    return cut.movedim(-3, -1)


@heads.slip
def heads_before_batch(cut):
    """The heads stand in front of everything, before the leading axes too. They come after these: (batch, num_heads,
    length, d_k). Count the axes from the end."""
    return cut.movedim(-2, 0)


@heads.slip
def first_axes_swapped(cut):
    """Axes 0 and 1 change places, which in a batch are the sentences and the words. The words and the heads are axes -3
    and -2, with or without a batch."""
    return cut.swapaxes(0, 1)


@heads.slip
def axes_1_and_2_swapped(cut):
    """Axes 1 and 2 change places, which are the words and the heads only behind exactly one leading axis. Counted from
    the end they are -3 and -2, whatever stands in front."""
    return cut.transpose(1, 2)


@heads.slip
def four_axes_expected(cut):
    """The order of four axes is given, as if there were always one leading axis. There may be none, or two: swap the
    words and the heads alone, counted from the end."""
    return cut.permute(0, 2, 1, 3)


@Stage
def swapped(heads):
    return heads.swapaxes(-3, -2)  # (..., length, num_heads, d_k)


@swapped.slip
def words_not_brought_forward(heads):
    """The heads still stand before the words when axes are joined. Bring the words before the heads first."""
    return heads


@swapped.slip
def words_and_components_swapped(heads):
    """The words and the components change places. It is the words and the heads that change places."""
    return heads.swapaxes(-2, -1)


@swapped.slip
def component_by_component(heads):
    """Each vector has first component 0 of every head, then component 1. All of head 0 comes first, then all of head
    1."""
    return heads.movedim(-3, -1)


@swapped.slip
def merged_in_reverse_order(heads):
    """The heads are laid side by side in reverse order. Head 0 gives the first d_k components of every vector."""
    return heads.flip(-3).swapaxes(-3, -2)


@swapped.slip
def merged_words_reversed(heads):
    """The words come in reverse order. They keep theirs."""
    return heads.flip(-2).swapaxes(-3, -2)


@swapped.slip
def all_axes_turned(heads):
    """All the axes are turned around, as `.T` does. Only the heads and the words change places."""
    return heads.permute(*reversed(range(heads.ndim)))


@swapped.slip
def axes_0_and_1_swapped(heads):
    """Axes 0 and 1 change places, which in a batch are the sentences and the heads. The heads and the words are axes -3
    and -2, with or without a batch."""
    return heads.swapaxes(0, 1)


@swapped.slip
def second_and_third_axes_swapped(heads):
    """Axes 1 and 2 change places, which are the heads and the words only behind exactly one leading axis. Counted from
    the end they are -3 and -2, whatever stands in front."""
    return heads.transpose(1, 2)


@swapped.slip
def order_of_four_axes(heads):
    """The order of four axes is given, as if there were always one leading axis. There may be none, or two: swap the
    heads and the words alone, counted from the end."""
    return heads.permute(0, 2, 1, 3)


@swapped.rare
def four_axes_component_by_component(heads):
    """The order of four axes is given, as if there were always one leading axis, and the heads come behind the
    components. Swap the heads and the words alone, counted from the end: axes -3 and -2."""
    return heads.permute(0, 2, 3, 1)


@Stage
def merged(swapped):
    return swapped.flatten(-2)  # (..., length, num_heads * d_k)


@merged.slip
def not_joined(swapped):
    """There is still an axis too many. Join the last two, (num_heads, d_k), to one."""
    return swapped


@merged.slip
def reshaped_at_once(heads):
    """The result got its shape by a reshape alone, so that the first words are made of head 0 alone. Bring the words
    before the heads first; then join the last two axes."""
    return heads.reshape(*heads.shape[:-3], heads.shape[-2], -1)


@merged.slip
def averaged(swapped):
    """The heads are averaged: a vector has d_k components, and which head said what is lost. Lay them side by side:
    num_heads times d_k components."""
    return swapped.mean(dim=-2)


@merged.slip
def summed(swapped):
    """The heads are added up: a vector has d_k components, and which head said what is lost. Lay them side by side:
    num_heads times d_k components."""
    return swapped.sum(dim=-2)


@merged.slip
def largest_of_the_heads(swapped):
    """Of every component the largest among the heads is taken. Lay the heads side by side: num_heads times d_k
    components."""
    return swapped.amax(dim=-2)


@merged.slip
def first_head_alone(swapped):
    """This is what head 0 returned, and nothing of the others. Lay all of them side by side."""
    return swapped[..., 0, :]


@merged.slip
def last_head_alone(swapped):
    """This is what the last head returned, and nothing of the others. Lay all of them side by side."""
    return swapped[..., -1, :]


@merged.slip
def average_for_every_head(swapped):
    """The average of the heads stands in the place of each of them. Every head has its own piece."""
    return swapped.mean(dim=-2, keepdim=True).expand(swapped.shape).flatten(-2)


@merged.slip
def last_head_missing(swapped):
    """The components of the last head are 0: it is left out. Its piece comes last in every vector."""
    return torch.cat([swapped[..., :-1, :], torch.zeros_like(swapped[..., -1:, :])], dim=-2).flatten(-2)


@merged.slip
def last_head_in_the_first_place(swapped):
    """The last head stands in the place of head 0, and all else is 0: each head was written over the one before it. The
    piece of head h begins at component h times d_k."""
    return torch.cat([swapped[..., -1:, :], torch.zeros_like(swapped[..., 1:, :])], dim=-2).flatten(-2)


@merged.slip
def two_heads_merged(swapped):
    """Two heads are laid side by side, as in the example, and all further ones are lost."""
    return swapped[..., :2, :].flatten(-2)


@merged.slip
def divided_by_the_heads(swapped):
    """The merged vectors are divided by the number of heads. Laying side by side leaves the numbers as they are."""
    return swapped.flatten(-2) / swapped.shape[-2]


@merged.slip
def viewed_after_the_swap(swapped):
    """A view after a swap fails: the numbers no longer lie in memory in the order of the axes. `reshape` copies them
    where it must."""
    *leading, length, num_heads, d_k = swapped.shape
    return swapped.view(*leading, length, num_heads * d_k)
