"""12.heads_from_kernel: the weights of a convolution, dealt out to one head for each place of the kernel."""

import numpy as np

from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Task

known = Known()


def a_kernel(rng, d_out, d_in, kernel_size):
    return {"weight": rng.normal(size=(d_out, d_in, kernel_size, kernel_size))}


def of_the_text(rng, d_out, d_in, kernel_size):
    numbers = np.arange(1.0, 10.0).reshape(1, 1, 3, 3)
    return {"weight": np.concatenate([numbers, 10 * numbers])}


def some_equal_sizes(rng, d_out, d_in, kernel_size):
    return a_kernel(rng, d_out, d_in, kernel_size)


def reference(weight):
    d_out, d_in, kernel_size, _ = weight.shape
    return weight.transpose(2, 3, 1, 0).reshape(kernel_size**2, d_in, d_out)


@Stage
def kernel(weight):
    return weight  # (d_out, d_in, K, K)


@kernel.slip
def kernel_turned_around(weight):
    """The kernel is turned upside down and left to right, as in the convolution of mathematicians. conv2d does not turn
    it: weight[:, :, 0, 0] belongs to the first head."""
    return weight[:, :, ::-1, ::-1]


@kernel.slip
def kernel_upside_down(weight):
    """The rows of the kernel run upward. The first heads are those of its first row, at the top."""
    return weight[:, :, ::-1]


@kernel.slip
def kernel_left_to_right(weight):
    """The columns of the kernel run from right to left. Head 0 is that of row 0 and column 0."""
    return weight[:, :, :, ::-1]


@kernel.slip
def offsets_for_indices(weight):
    """Offsets are taken for indices: -1 is the last row of the kernel, and not the first. The indices of its rows and
    columns count from 0."""
    reach = weight.shape[-1] // 2
    return np.roll(weight, reach, axis=(2, 3))


@kernel.slip
def columns_first(weight):
    """The heads go down the columns of the kernel. They go along its rows, as one reads: head 1 is row 0, column 1."""
    return weight.swapaxes(2, 3)


@kernel.slip
def first_output_alone(weight):
    """All outputs have the weights of the first one."""
    return np.broadcast_to(weight[:1], weight.shape)


@kernel.slip
def first_input_alone(weight):
    """All inputs have the weights of the first one."""
    return np.broadcast_to(weight[:, :1], weight.shape)


@kernel.slip
def kernel_averaged(weight):
    """All heads have the same map, the mean over the kernel. Each head has the weights of its own place."""
    return np.broadcast_to(weight.mean(axis=(2, 3), keepdims=True, dtype=weight.dtype), weight.shape)


@kernel.slip
def middle_for_all(weight):
    """All heads have the weights from the middle of the kernel. Each has those of its own place."""
    middle = weight.shape[-1] // 2
    return np.broadcast_to(weight[:, :, middle : middle + 1, middle : middle + 1], weight.shape)


@kernel.slip
def divided_by_the_heads(weight):
    """The weights are divided by the number of heads. They are copied as they are: the heads are added up, not
    averaged."""
    return weight / weight.dtype.type(weight.shape[-1] ** 2)


@kernel.slip
def divided_over_the_kernel(weight):
    """The weights are divided by their sum over the kernel. They are copied as they are."""
    return weight / weight.sum(axis=(2, 3), keepdims=True)


@kernel.slip
def softmax_over_the_kernel(weight):
    """A softmax is taken over the kernel. The weights of a convolution are copied as they are; softmax belongs to the
    scores."""
    exponentials = np.exp(weight - weight.max(axis=(2, 3), keepdims=True))
    return exponentials / exponentials.sum(axis=(2, 3), keepdims=True)


@Stage
def heads(kernel):
    return kernel.transpose(2, 3, 1, 0)  # (K, K, d_in, d_out)


@heads.slip
def not_transposed(kernel):
    """Each head's map is transposed: (d_out, d_in), as conv2d stores it. Here a pixel is multiplied from the left, x @
    W_h, so W_h is (d_in, d_out)."""
    return kernel.transpose(2, 3, 0, 1)


@heads.slip
def reshaped_alone(kernel):
    """The numbers are cut into heads in the order in which they are stored, which mixes outputs, inputs and places. The
    axes have to change places first; reshape only joins or splits those that stand side by side."""
    d_out, d_in, rows, columns = kernel.shape
    return kernel.reshape(rows, columns, d_in, d_out)


@heads.slip
def reshaped_then_transposed(kernel):
    """The numbers are cut into (K * K, d_out, d_in) in the order in which they are stored, and the last two axes
    swapped after that. The two axes of the kernel have to come to the front before anything is joined."""
    d_out, d_in, rows, columns = kernel.shape
    return kernel.reshape(rows, columns, d_out, d_in).swapaxes(2, 3)


@heads.slip
def maps_reshaped(kernel):
    """The kernel's axes are in front, but each map, (d_out, d_in), is reshaped to (d_in, d_out), which keeps the
    numbers in their order and mixes inputs and outputs. It has to be transposed."""
    d_out, d_in, rows, columns = kernel.shape
    return np.ascontiguousarray(kernel.transpose(2, 3, 0, 1)).reshape(rows, columns, d_in, d_out)


@heads.slip
def joined_after_the_wrong_swap(kernel):
    """Outputs and rows of the kernel have changed places, and the numbers were cut into heads from there. Both axes of
    the kernel have to stand in front, side by side, before they are joined."""
    d_out, d_in, rows, columns = kernel.shape
    return np.ascontiguousarray(kernel.swapaxes(0, 2)).reshape(rows, columns, d_in, d_out)


@Stage
def joined(heads):
    return heads.reshape(-1, *heads.shape[2:])  # (K*K, d_in, d_out)


@heads.slip
def inputs_and_outputs_swapped_alone(kernel):
    """Inputs and outputs have changed places, and the numbers were cut into heads from there. The kernel's two axes
    have to come to the front, before anything is joined."""
    d_out, d_in, rows, columns = kernel.shape
    return np.ascontiguousarray(kernel.swapaxes(0, 1)).reshape(rows, columns, d_in, d_out)


@heads.slip
def rows_in_front_alone(kernel):
    """The rows of the kernel are in front and its columns still at the end, and the numbers were cut into heads from
    there. Both have to stand in front, side by side, before they are joined."""
    d_out, d_in, rows, columns = kernel.shape
    return np.ascontiguousarray(np.moveaxis(kernel, 2, 0)).reshape(rows, columns, d_in, d_out)


@heads.slip
def columns_in_front_alone(kernel):
    """The columns of the kernel are in front and its rows still at the end, and the numbers were cut into heads from
    there. Both have to stand in front, rows first, before they are joined."""
    d_out, d_in, rows, columns = kernel.shape
    return np.ascontiguousarray(np.moveaxis(kernel, 3, 0)).reshape(rows, columns, d_in, d_out)


@heads.slip
def outputs_and_columns_exchanged(kernel):
    """Outputs and columns of the kernel have changed places, and the numbers were cut into heads from there. Both axes
    of the kernel have to stand in front, rows first, before they are joined."""
    d_out, d_in, rows, columns = kernel.shape
    return np.ascontiguousarray(kernel.swapaxes(0, 3)).reshape(rows, columns, d_in, d_out)


@joined.slip
def last_head_missing(heads):
    """The last head is missing: there are K * K of them, and the numbers go up to K * K - 1."""
    return joined(heads)[:-1]


@joined.slip
def grid_kept(heads):
    """The heads stand in a grid of K rows and K columns. They are numbered through in one axis of size K * K."""
    return heads


@joined.slip
def everything_in_one_row(heads):
    """The numbers of a head stand in one row. They are a matrix, (d_in, d_out), for each head."""
    return heads.reshape(heads.shape[0] * heads.shape[1], -1)


@joined.slip
def joined_with_inputs_and_outputs_exchanged(heads):
    """The result is laid out as (K * K, d_out, d_in), though the numbers stand in the order of (d_in, d_out): a reshape
    does not transpose. weight.shape begins with d_out, and each map is (d_in, d_out)."""
    return heads.reshape(-1, heads.shape[3], heads.shape[2])


@joined.slip
def added_over_the_kernel(heads):
    """The heads are added up into one map. Each place of the kernel keeps its own: (K * K, d_in, d_out)."""
    return heads.sum(axis=(0, 1))


@joined.slip
def added_over_the_inputs(heads):
    """The inputs are added up. Each head has a map from all inputs to all outputs: (K * K, d_in, d_out)."""
    return joined(heads).sum(axis=1)


@joined.slip
def the_diagonal_of_the_kernel(heads):
    """There are K heads, those on the diagonal of the kernel, as one index for both rows and columns gives them. Every
    row meets every column."""
    places = np.arange(heads.shape[0])
    return heads[places, places]


@joined.slip
def the_first_row_of_the_kernel(heads):
    """There are K heads, those of the first row of the kernel. All its rows have heads."""
    return heads[0]


@known.mistake
def outputs_in_front(weight):
    """The outputs are still in front, then the inputs: (d_out, d_in, K * K). The heads come first, then the inputs."""
    return weight.reshape(*weight.shape[:2], -1)


@known.mistake
def inputs_in_front(weight):
    """The inputs are in front, then the outputs: (d_in, d_out, K * K). The heads come first, then the inputs."""
    return weight.swapaxes(0, 1).reshape(weight.shape[1], weight.shape[0], -1)


@known.mistake
def turned_around_after_the_cut(weight):
    """The numbers are cut into (K * K, d_out, d_in) as they are stored, and all three axes turned around: (d_in, d_out,
    K * K). Join the kernel's two axes where they stand, at the end, and turn around then."""
    d_out, d_in, size, _ = weight.shape
    return weight.reshape(size * size, d_out, d_in).T


@known.mistake
def first_axes_for_the_kernel(weight):
    """The index of the row goes to the first axis of weight and that of the column to the second, but those are outputs
    and inputs. The kernel's axes are the last two."""
    size = weight.shape[-1]
    return np.array([weight[i, j] for i in range(size) for j in range(size)])


@known.mistake
def maps_as_stored_in_their_dtype(weight):
    """A slice of the weight, (d_out, d_in), is put where (d_in, d_out) belongs. It has to be transposed first."""
    d_out, d_in, size, _ = weight.shape
    heads = np.zeros((size * size, d_in, d_out), dtype=weight.dtype)
    for i in range(size):
        for j in range(size):
            heads[i * size + j] = weight[:, :, i, j]
    return heads


@known.mistake
def maps_as_stored(weight):
    """The slice weight[:, :, i, j] has shape (d_out, d_in) and is put where (d_in, d_out) belongs. Transpose it."""
    d_out, d_in, size, _ = weight.shape
    heads = np.zeros((size * size, d_in, d_out))
    for i in range(size):
        for j in range(size):
            heads[i * size + j] = weight[:, :, i, j]
    return heads


@known.mistake
def permute_of_an_array(weight):
    """`permute` is PyTorch's. NumPy's transpose takes the order of the axes, and np.moveaxis moves some of them."""
    return weight.permute(2, 3, 1, 0)


@known.mistake
def transposed_as_a_tensor(weight):
    """NumPy's transpose wants the order of all axes, where PyTorch's takes two to swap. Two of them change places by
    swapaxes."""
    return weight.transpose(-2, -1)


@known.mistake
def three_axes_expected(weight):
    """Three axes are expected, and there are four: outputs, inputs, and two of the kernel."""
    d_out, d_in, size = weight.shape
    return weight.reshape(d_out, d_in, size)


@known.mistake
def flattened_as_a_tensor(weight):
    """NumPy's flatten makes one row of everything, and takes no axes. Some axes are joined by reshape."""
    return weight.flatten(2, 3)


@known.mistake
def beyond_the_last_head(weight):
    """The number of a head runs beyond the last one. Head i * K + j has row i and column j of the kernel, both counted
    from 0."""
    d_out, d_in, size, _ = weight.shape
    heads = np.zeros((size * size, d_in, d_out), dtype=weight.dtype)
    for i in range(size):
        for j in range(size):
            heads[(i + 1) * size + j] = weight[:, :, i, j].T
    return heads


@known.mistake
def last_row_and_column_left_zero(weight):
    """The heads of the kernel's last row and last column are all zeros, as when range ends at K - 1. The end of a range
    does not count: range(K)."""
    heads = np.zeros_like(reference(weight))
    for i, j in np.ndindex(weight.shape[-1] - 1, weight.shape[-1] - 1):
        heads[i * weight.shape[-1] + j] = weight[:, :, i, j].T
    return heads


@known.mistake
def places_of_the_example(weight):
    """The rows and columns of a 3 x 3 kernel are gone through, as in the example, whatever the size. There are K of
    each."""
    return np.array([weight[:, :, i, j].T for i in range(3) for j in range(3)])


@known.mistake
def nine_heads_of_the_example(weight):
    """Nine heads are made, as in the example, whatever the size of the kernel. There are K * K."""
    d_out, d_in, *_ = weight.shape
    return weight.transpose(2, 3, 1, 0).reshape(9, d_in, d_out)


@known.mistake
def rows_of_three_heads(weight):
    """Head 3 i + j gets the weights of row i and column j, as fits a 3 x 3 kernel. In another one, each row has K heads
    of its own."""
    heads = np.zeros_like(reference(weight))
    for i, j in np.ndindex(*weight.shape[2:]):
        heads[i * 3 + j] = weight[:, :, i, j].T
    return heads


@known.mistake
def laid_out_as_the_kernel(weight):
    """The array for the heads has the kernel's own shape, as np.zeros_like gives it. It is (K * K, d_in, d_out)."""
    heads, size = np.zeros_like(weight), weight.shape[-1]
    for i in range(size):
        for j in range(size):
            heads[i * size + j] = weight[:, :, i, j].T
    return heads


@known.mistake
def one_head_for_each_two(weight):
    """Head i + j gets the weights of row i and column j, so that several places share a head and the last one keeps it.
    Each row has K heads of its own: the number of the row counts K times."""
    d_out, d_in, size, _ = weight.shape
    heads = np.zeros((size * size, d_in, d_out), dtype=weight.dtype)
    for i in range(size):
        for j in range(size):
            heads[i + j] = weight[:, :, i, j].T
    return heads


@known.probe
def one_weight_alone(rng):
    weight = np.zeros((4, 2, 3, 3))
    weight[3, 1, 0, 2] = 1
    yours = yield {"weight": weight}
    places = np.argwhere(yours)
    if places.tolist() == [[2, 1, 3]]:
        return None
    seen = "; ".join(f"[{', '.join(map(str, place))}]" for place in places[:3])
    seen = f"numbers other than 0 at {seen}" if seen else "zeros throughout"
    return (
        "With weight[3, 1, 0, 2] = 1 and zeros elsewhere (output 3, input 1, row 0, column 2 of the kernel), the one 1 "
        f"belongs at [2, 1, 3]: head 2, input 1, output 3. Yours has {seen}."
    )


@known.probe
def rows_of_the_kernel(rng):
    numbers = np.arange(9.0).reshape(3, 3)
    yours = yield {"weight": np.broadcast_to(numbers, (2, 4, 3, 3)).copy()}
    if np.array_equal(yours, np.broadcast_to(np.arange(9.0)[:, None, None], (9, 4, 2))):
        return None
    seen = ", ".join(f"{number:.3g}" for number in yours[:, 0, 0])
    return (
        "When each place of a 3 x 3 kernel holds its number in reading order, 0 to 8, for all inputs and outputs, head "
        f"h holds h throughout. At input 0 and output 0 your heads hold {seen}."
    )


@known.probe
def inputs_and_outputs(rng):
    numbers = 10 * np.arange(4.0)[:, None] + np.arange(2.0)
    yours = yield {"weight": np.broadcast_to(numbers[:, :, None, None], (4, 2, 3, 3)).copy()}
    if np.array_equal(yours, np.broadcast_to(numbers.T, (9, 2, 4))):
        return None
    rows = "; ".join(", ".join(f"{number:.3g}" for number in row) for row in yours[0])
    return (
        "When every weight is 10 times its output plus its input, all over the kernel, each head is 0, 10, 20, 30; 1, "
        f"11, 21, 31 with 4 outputs and 2 inputs. Your first one is {rows}."
    )


@known.always
def the_same_numbers(inputs, output):
    """The numbers of the weight are dealt out, each once: none is lost, doubled or changed."""
    return bool(np.array_equal(np.sort(output.ravel()), np.sort(inputs["weight"].ravel())))


@known.legal
def with_loops(weight):
    size = weight.shape[-1]
    return np.array([weight[:, :, i, j].T for i in range(size) for j in range(size)])


@known.legal
def by_moving_axes(weight):
    d_out, d_in, *_ = weight.shape
    return np.moveaxis(weight.reshape(d_out, d_in, -1), [0, 1, 2], [2, 1, 0])


@known.legal
def all_turned_by_t(weight):
    d_out, d_in, size, _ = weight.shape
    return weight.reshape(d_out, d_in, size * size).T.copy()


@known.legal
def with_einsum(weight):
    d_out, d_in = weight.shape[:2]
    return np.einsum("oikl->klio", weight).reshape(-1, d_in, d_out)


@known.legal
def with_torch(weight):
    import torch

    return torch.from_numpy(weight).flatten(2).permute(2, 1, 0).contiguous().numpy()


TASK = Task(
    id="12.heads_from_kernel",
    title="One head for each place of a kernel",
    difficulty=1,
    minutes=8,
    reference=reference,
    draw=a_kernel,
    cases=(
        Case("the example of the text", dict(d_out=2, d_in=1, kernel_size=3), draw=of_the_text),
        Case("4 outputs, 2 inputs, a 3 x 3 kernel", dict(d_out=4, d_in=2, kernel_size=3), points=2),
        Case("2 outputs, 3 inputs, a 5 x 5 kernel, float32", dict(d_out=2, d_in=3, kernel_size=5), dtype="float32"),
        Case("3 outputs, 4 inputs, a 1 x 1 kernel", dict(d_out=3, d_in=4, kernel_size=1)),
        Case("3 outputs, 3 inputs, a 3 x 3 kernel", dict(d_out=3, d_in=3, kernel_size=3), draw=some_equal_sizes),
    ),
    finished=("course_lib.relatives.convolution.heads_from_kernel",),
    hints=(
        "Which weights of the kernel meet the pixel one row up and one column to the left? What shape is that slice?",
        "weight[:, :, i, j] is (d_out, d_in), and the map of head i * K + j is (d_in, d_out).",
        (
            "Either collect the transposed slices in two loops, or bring the four axes of weight, numbered 0 to 3, "
            "into the order rows, columns, inputs, outputs, and join the first two."
        ),
        (
            "`weight.transpose(...)` takes the numbers of the axes in their new order: rows, columns, inputs, outputs. "
            "It gives (K, K, d_in, d_out), and a reshape joins the first two, which now stand side by side."
        ),
    ),
    stages=(kernel, heads, joined),
    coincidences={
        "columns_first + rows_in_front_alone": "columns_in_front_alone",
        "columns_first + columns_in_front_alone": "rows_in_front_alone",
        "not_transposed + joined_with_inputs_and_outputs_exchanged": "maps_reshaped",
        "maps_reshaped + joined_with_inputs_and_outputs_exchanged": "not_transposed",
    },
    **known.ways,
)
