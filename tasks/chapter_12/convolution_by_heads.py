"""12.convolution_by_heads: a convolution made of attention, one head for each place of the kernel (Cordonnier, Loukas,
Jaggi 2020, Theorem 1), at an alpha at which the softmax still shows."""

import math

import numpy as np

import course_lib
from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Task
from tasks.rules import informative

known = Known()


def an_image(rng, height, width, d_in, d_out, kernel_size):
    return {
        "image": rng.normal(size=(height, width, d_in)),
        "weight": rng.normal(size=(d_out, d_in, kernel_size, kernel_size)),
        "alpha": float(rng.uniform(0.4, 0.9)),
    }


def of_the_text(rng, width):
    return {"image": np.array([[[0.0], [30.0]]]), "weight": np.full((1, 1, 1, 1), 2.0), "alpha": math.log(2)}


def a_single_pixel(rng, kernel_size):
    return {"image": np.ones((1, 1, 1)), "weight": np.ones((1, 1, 3, 3)), "alpha": math.log(2)}


def sharp(rng, height, width, d_in, d_out, kernel_size):
    return {**an_image(rng, height, width, d_in, d_out, kernel_size), "alpha": 40.0}


def reference(image, weight, alpha):
    """Rows and columns apart: the exponential of a sum of squares is a product."""
    size = weight.shape[-1]
    ring = size // 2
    rows, columns = (_along_one_axis(length, size, alpha) for length in image.shape[:2])  # (K, length, length + 2 ring)
    padded = np.pad(image.astype(np.float64), ((ring, ring), (ring, ring), (0, 0)))
    seen = np.tensordot(columns, np.tensordot(rows, padded, 1), (2, 2))  # (K, width, K, height, d_in)
    return np.tensordot(seen, weight, ((2, 0, 4), (2, 3, 1))).swapaxes(0, 1).astype(image.dtype)


def _along_one_axis(length, size, alpha):
    keys, queries, centers = (
        np.arange(-(size // 2), length + size // 2),
        np.arange(length)[:, None],
        np.arange(size)[:, None, None] - size // 2,
    )
    exponentials = np.exp(-alpha * (keys - queries - centers) ** 2.0)
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def _places(height, width, ring=0):
    return np.argwhere(np.ones((height + 2 * ring, width + 2 * ring), dtype=bool)) - ring


def weights_of_the_heads(image, weight, alpha):
    offsets_of_all = offsets(image, ring(weight))
    return weights(scores(offsets_of_all, centers(weight), alpha))


@Stage
def ring(weight):
    return weight.shape[-1] // 2


@ring.slip
def no_ring(weight):
    """The ring of zeros takes no weight, or is missing: near the border the weights go to real pixels alone, and sum to
    1 over those. Here they go to the ring as well, whose values are 0."""
    return 0


@ring.slip
def ring_of_one(weight):
    """The ring is one pixel wide, whatever the kernel. It is K // 2 wide: none for 1 x 1, two pixels for 5 x 5."""
    return 1


@ring.slip
def ring_one_too_wide(weight):
    """The ring of zeros is one pixel too wide. Its pixels take weight too, so its width matters: it is K // 2."""
    return weight.shape[-1] // 2 + 1


@ring.slip
def ring_of_the_kernel_size(weight):
    """The ring of zeros is K pixels wide. Its pixels take weight too, so its width matters: it is K // 2."""
    return weight.shape[-1]


@Stage
def pixels(image, ring):
    return np.pad(image, ((ring, ring), (ring, ring), (0, 0))).reshape(-1, image.shape[-1])  # (k_len, d_in)


@pixels.slip
def border_repeated(image, ring):
    """The ring repeats the pixels at the border. It holds zeros."""
    return np.pad(image, ((ring, ring), (ring, ring), (0, 0)), mode="edge").reshape(-1, image.shape[-1])


@pixels.slip
def ring_of_ones(image, ring):
    """The ring holds ones. It holds zeros."""
    padded = np.pad(image, ((ring, ring), (ring, ring), (0, 0)), constant_values=1)
    return padded.reshape(-1, image.shape[-1])


@pixels.slip
def zeros_behind_the_image(image, ring):
    """All zeros stand below and on the right of the image, so that the pixels are not where their offsets say. They
    stand around it, on all four sides."""
    return np.pad(image, ((0, 2 * ring), (0, 2 * ring), (0, 0))).reshape(-1, image.shape[-1])


@pixels.slip
def channels_cut_apart(image, ring):
    """The padded image is cut into (d_in, k_len) by a reshape and transposed after that, which mixes pixels and
    channels. It is stored pixel by pixel: a reshape alone makes (k_len, d_in) of it."""
    return np.pad(image, ((ring, ring), (ring, ring), (0, 0))).reshape(image.shape[-1], -1).T


@pixels.slip
def channels_padded(image, ring):
    """The channels are padded as well: a single number is meant for all axes. np.pad takes a pair for each axis, and
    that of the channels is (0, 0)."""
    padded = np.pad(image, ring)
    return padded.reshape(-1, padded.shape[-1])


@Stage
def offsets(image, ring):
    height, width, _ = image.shape
    return _places(height, width, ring)[None, :, :] - _places(height, width)[:, None, :]  # (q_len, k_len, 2)


@offsets.slip
def ring_not_subtracted(image, ring):
    """The places of the keys are counted from the corner of the ring, and those of the queries from the corner of the
    image: each head looks K // 2 too far up and left. The keys begin at -(K // 2)."""
    height, width, _ = image.shape
    return (_places(height, width, ring) + ring)[None, :, :] - _places(height, width)[:, None, :]


@offsets.slip
def rows_by_the_height(image, ring):
    """The places of the queries go wrong: their numbers are divided by the height. A row has as many pixels as the
    image is wide: pixel n is in row n // width."""
    height, width, _ = image.shape
    queries = np.stack(np.divmod(np.arange(height * width), height), axis=-1)
    return _places(height, width, ring)[None, :, :] - queries[:, None, :]


@offsets.slip
def all_rows_by_the_height(image, ring):
    """The places of keys and queries go wrong: their numbers are divided by the height. A row has as many pixels as the
    image is wide: pixel n is in row n // width."""
    height, width, _ = image.shape
    keys, queries = np.arange((height + 2 * ring) * (width + 2 * ring)), np.arange(height * width)
    keys, queries = np.divmod(keys, height + 2 * ring), np.divmod(queries, height)
    return np.stack(keys, axis=-1)[None] - ring - np.stack(queries, axis=-1)[:, None]


@offsets.slip
def queries_down_the_columns(image, ring):
    """The queries go down the columns of the image, and the result is laid out along its rows. Queries, keys and result
    have one order: along the rows."""
    height, width, _ = image.shape
    queries = _places(width, height)[:, ::-1]
    return _places(height, width, ring)[None, :, :] - queries[:, None, :]


@offsets.slip
def keys_down_the_columns(image, ring):
    """The places of the keys go down the columns, and the pixels along the rows, so that each pixel has the place of
    another. Keys and pixels have one order; np.meshgrid goes along the rows with indexing="ij"."""
    height, width, _ = image.shape
    keys = _places(width, height, ring)[:, ::-1]
    return keys[None, :, :] - _places(height, width)[:, None, :]


@offsets.slip
def all_places_down_the_columns(image, ring):
    """The places of queries and keys go down the columns, and pixels and result along the rows, so that each pixel has
    the place of another. They have one order; np.meshgrid goes along the rows with indexing="ij"."""
    height, width, _ = image.shape
    return _places(width, height, ring)[None, :, ::-1] - _places(width, height)[:, None, ::-1]


@offsets.slip
def ring_from_minus_one(image, ring):
    """The places of the keys begin at -1, as fits a 3 x 3 kernel, whatever the size. The ring is K // 2 wide: it begins
    at -(K // 2), and without one the keys begin at 0."""
    height, width, _ = image.shape
    return (_places(height, width, ring) + ring - 1)[None, :, :] - _places(height, width)[:, None, :]


@offsets.slip
def half_a_pixel_off(image, ring, weight):
    """K / 2 is subtracted from the places of the keys where K // 2 should be: all of them lie between the pixels."""
    height, width, _ = image.shape
    keys = _places(height, width, ring) + ring - weight.shape[-1] / 2
    return keys[None, :, :] - _places(height, width)[:, None, :]


@offsets.slip
def places_for_offsets(image, ring):
    """The place of the key is taken for its offset: all queries look from the corner of the image. The offset is the
    place of the key minus that of the query."""
    height, width, _ = image.shape
    return np.broadcast_to(_places(height, width, ring), (height * width, (height + 2 * ring) * (width + 2 * ring), 2))


@Stage
def centers(weight):
    size = weight.shape[-1]
    return _places(size, size) - size // 2  # (K*K, 2)


@centers.slip
def kernel_turned_around(weight):
    """Each head looks on the opposite side: either its center or the offset has the wrong sign, or the kernel is turned
    around. An offset is the place of the key minus that of the query, and weight[:, :, 0, 0] looks up and left."""
    size = weight.shape[-1]
    return size // 2 - _places(size, size)


@centers.slip
def rows_meet_columns(weight):
    """The kernel has its rows and columns exchanged: either its axes are swapped, or rows meet columns somewhere on the
    way from places to scores."""
    size = weight.shape[-1]
    return _places(size, size)[:, ::-1] - size // 2


@centers.slip
def centers_from_zero(weight):
    """The centers are counted from the corner of the kernel, 0 to K - 1, so that each head looks K // 2 too far down
    and right. They are counted from the middle."""
    size = weight.shape[-1]
    return _places(size, size)


@centers.slip
def centers_one_too_low(weight):
    """The centers are one too low, in rows and columns, so that each head looks one too far up and left. The middle of
    the kernel has (0, 0); -3 // 2 is -2 in Python."""
    size = weight.shape[-1]
    return _places(size, size) - size // 2 - 1


@centers.slip
def all_heads_at_the_query(weight):
    """All heads have the center (0, 0). Each looks at the place of its own weight in the kernel."""
    size = weight.shape[-1]
    return np.zeros((size**2, 2), dtype=int)


@Stage
def maps(weight):
    d_out, d_in, size, _ = weight.shape
    return weight.transpose(2, 3, 1, 0).reshape(size**2, d_in, d_out)


@maps.slip
def kernel_reshaped_alone(weight):
    """The weights are cut into heads in the order in which they are stored, (d_out, d_in, K, K), which mixes outputs,
    inputs and places. The kernel's axes come to the front first."""
    d_out, d_in, size, _ = weight.shape
    return weight.reshape(size**2, d_in, d_out)


@maps.slip
def maps_reshaped(weight):
    """The map of each head, (d_out, d_in), is reshaped to (d_in, d_out), which mixes inputs and outputs. It has to be
    transposed."""
    d_out, d_in, size, _ = weight.shape
    return np.ascontiguousarray(weight.transpose(2, 3, 0, 1)).reshape(size**2, d_in, d_out)


@maps.slip
def maps_not_transposed(weight):
    """The maps of the heads have the shape (d_out, d_in), as conv2d stores them, and meet pixels with d_in channels.
    Each has to be transposed."""
    d_out, d_in, size, _ = weight.shape
    return weight.transpose(2, 3, 0, 1).reshape(size**2, d_out, d_in)


@maps.slip
def first_map_for_all(weight):
    """All heads have the map of the first one. Each has the weights of its own place in the kernel."""
    d_out, d_in, size, _ = weight.shape
    return np.broadcast_to(weight[:, :, 0, 0].T, (size**2, d_in, d_out))


@Stage
def scores(offsets, centers, alpha):
    return -alpha * _squared(offsets, centers)  # (K*K, q_len, k_len)


def _squared(offsets, centers):
    return ((offsets[None] - centers[:, None, None, :]) ** 2).sum(axis=-1)


@scores.slip
def no_minus(offsets, centers, alpha):
    """The scores have no minus: the pixels that lie farthest from a head's center get the largest weights."""
    return alpha * _squared(offsets, centers)


@scores.slip
def no_alpha(offsets, centers):
    """alpha has no effect: the scores are minus the squared distances."""
    return -1.0 * _squared(offsets, centers)


@scores.slip
def not_squared(offsets, centers, alpha):
    """The scores fall with the distance itself. It is the squared one, without a root."""
    return -alpha * np.sqrt(_squared(offsets, centers))


@scores.slip
def steps_along_both_axes(offsets, centers, alpha):
    """The scores fall with the steps along rows and columns, their absolute values added. Both are squared, and then
    added."""
    return -alpha * np.abs(offsets[None] - centers[:, None, None, :]).sum(axis=-1)


@scores.slip
def halved(offsets, centers, alpha):
    """The scores are half as large as they should be: the mean of the two squares, or the ½ of a Gaussian bell. The
    formula has their sum, and no ½."""
    return -alpha / 2 * _squared(offsets, centers)


@scores.slip
def cut_to_integers(offsets, centers, alpha):
    """The scores are cut to whole numbers, as in an array of integers, which np.zeros_like makes of whole-number
    offsets. They are floating-point numbers."""
    return np.trunc(-alpha * _squared(offsets, centers))


@scores.slip
def divided_by_alpha(offsets, centers, alpha):
    """The squared distances are divided by alpha. They are multiplied by it."""
    return -_squared(offsets, centers) / alpha


@scores.slip
def alpha_squared(offsets, centers, alpha):
    """alpha is squared. It is a factor as it is: minus alpha, times the squared distance."""
    return -(alpha**2) * _squared(offsets, centers)


@scores.slip
def scaled_by_a_root(offsets, centers, alpha):
    """The scores are divided by the square root of 2, as dot products of vectors with two components would be. Here
    nothing is scaled: alpha does that."""
    return -alpha * _squared(offsets, centers) / math.sqrt(2)


@scores.slip
def scaled_by_the_channels(offsets, centers, alpha, image):
    """The scores are divided by the square root of the number of channels, as those of dot products would be. Here
    nothing is scaled: alpha does that."""
    return -alpha * _squared(offsets, centers) / math.sqrt(image.shape[-1])


@Stage
def weights(scores):
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)  # (K*K, q_len, k_len)


@weights.slip
def the_nearest_pixel_alone(scores):
    """Each head takes the one pixel at its center and nothing of the others: these are the numbers of conv2d, which the
    layer reaches as alpha grows. At the alpha given, the neighbors have weight too: the softmax of the scores."""
    return (scores == scores.max(axis=-1, keepdims=True)).astype(float)


@weights.slip
def softmax_over_the_queries(scores):
    """The softmax runs over the queries. Each query shares out its own attention over the keys: the last axis."""
    return weights(scores.swapaxes(-2, -1)).swapaxes(-2, -1)


@weights.slip
def softmax_over_the_heads(scores):
    """The softmax runs over the heads. Each head shares out its own attention over the keys: the last axis."""
    return np.moveaxis(weights(np.moveaxis(scores, 0, -1)), -1, 0)


@weights.slip
def softmax_over_everything(scores):
    """One softmax runs over all queries and keys of a head. Every query shares out its own: the last axis alone."""
    return weights(scores.reshape(len(scores), -1)).reshape(scores.shape)


@weights.slip
def softmax_over_the_heads_too(scores):
    """One softmax runs over all heads, queries and keys. Every query of every head shares out its own: the last axis
    alone."""
    return weights(scores.reshape(-1)).reshape(scores.shape)


@weights.slip
def softmax_over_the_window(scores, offsets, weight):
    """The softmax runs over the K x K pixels around the query, and no others have weight. It runs over all pixels of
    the image and the ring."""
    near = (np.abs(offsets) <= weight.shape[-1] // 2).all(axis=-1)
    return weights(np.where(near, scores, -np.inf))


@weights.slip
def exponentials_alone(scores):
    """The exponentials are not divided by their sum, so that the weights of a query do not sum to 1."""
    return np.exp(scores)


@weights.slip
def no_softmax(scores):
    """There is no softmax: the scores themselves serve as weights."""
    return scores


@weights.slip
def first_heads_weights_for_all(scores):
    """All heads have the weights of the first one, and so look at the same place. Each has a center of its own."""
    return np.broadcast_to(weights(scores)[:1], scores.shape)


@Stage
def gathered(weights, pixels):
    return weights.astype(pixels.dtype) @ pixels  # (K*K, q_len, d_in)


@gathered.slip
def image_with_its_three_axes(weights, image):
    """The weights are multiplied with the image as it is, with its three axes. Its pixels, ring included, belong into
    one row: (k_len, d_in)."""
    return weights @ image


@gathered.slip
def padded_image_with_its_three_axes(weights, image, ring):
    """The weights are multiplied with the padded image, which still has three axes. Its pixels belong into one row,
    (k_len, d_in), in the order of the keys."""
    padded = np.pad(image, ((ring, ring), (ring, ring), (0, 0)))
    return weights @ padded


@gathered.slip
def pixels_without_the_ring(weights, image):
    """The weights have a place for every pixel of the ring, and are multiplied with the pixels of the image alone. The
    ring's pixels are zeros, and there they have to be: pad the image first."""
    return weights @ image.reshape(-1, image.shape[-1])


@gathered.slip
def weights_transposed(weights, pixels):
    """The weights are transposed, keys by queries, when they meet the pixels. Queries by keys, (q_len, k_len), is what
    fits."""
    return weights.swapaxes(-2, -1) @ pixels


@Stage
def summed(gathered, maps):
    return (gathered @ maps).sum(axis=0)  # (q_len, d_out)


@summed.slip
def heads_averaged(gathered, maps):
    """The heads are averaged. A convolution adds up the places of its kernel, and so the heads."""
    return (gathered @ maps).mean(axis=0)


@summed.slip
def heads_added_before_their_maps(gathered, maps):
    """What the heads gather is added up first, and the maps of all heads too. Each head's pixels go through its own map
    before anything is added."""
    return gathered.sum(axis=0) @ maps.sum(axis=0)


@summed.slip
def no_maps(gathered):
    """What the heads gather is added up as it is: the weights of the kernel have no part in it. Each head has a map,
    from d_in channels to d_out."""
    return gathered.sum(axis=0)


@summed.slip
def first_head_alone(gathered, maps):
    """The result is that of the first head alone. All heads are added up."""
    return (gathered @ maps)[0]


@summed.slip
def first_k_heads_alone(gathered, maps, weight):
    """The first K heads alone are added up, those of the kernel's first row. There are K * K of them."""
    return (gathered @ maps)[: weight.shape[-1]].sum(axis=0)


@summed.slip
def largest_of_the_heads(gathered, maps):
    """Of all heads, the largest number is taken. They are added up."""
    return (gathered @ maps).max(axis=0)


@summed.slip
def last_head_alone(gathered, maps):
    """The result is that of the last head alone. All heads are added up."""
    return (gathered @ maps)[-1]


@Stage
def shaped(summed, image):
    return summed.reshape(*image.shape[:2], -1)


@shaped.slip
def pixels_in_one_row(summed):
    """The pixels of the result stand in one row, (height * width, d_out). They belong back into an image."""
    return summed


@shaped.slip
def width_before_height(summed, image):
    """The pixels are laid out as (width, height), which cuts the rows at the wrong places. It is (height, width,
    d_out)."""
    return summed.reshape(image.shape[1], image.shape[0], -1)


@shaped.slip
def height_and_width_exchanged(summed, image):
    """Height and width of the result are exchanged: the pixel at row r, column c stands at [c, r]."""
    return summed.reshape(*image.shape[:2], -1).swapaxes(0, 1)


@shaped.slip
def channels_in_front(summed, image):
    """The channels of the result stand in front, as PyTorch has them. Here they are the last axis, as in the image."""
    return np.moveaxis(summed.reshape(*image.shape[:2], -1), -1, 0)


@known.mistake
def heads_kept_apart(image, weight, alpha):
    """The heads are not added up: the result has an axis for them. A convolution adds up the places of its kernel."""
    found = gathered(weights_of_the_heads(image, weight, alpha), pixels(image, ring(weight)))
    return (found @ maps(weight)).reshape(-1, *image.shape[:2], len(weight))


@shaped.slip
def channels_cut_in_front(summed, image):
    """The numbers are laid out as (d_out, height, width) and the channels moved to the end after that. They stand in
    the order (height, width, d_out) already, and a reshape alone lays them out."""
    return np.moveaxis(summed.reshape(-1, *image.shape[:2]), 0, -1)


@known.mistake
def heads_side_by_side(image, weight, alpha):
    """The heads stand side by side in the channels, K * K * d_out of them. A convolution adds up the places of its
    kernel, and so the heads."""
    found = gathered(weights_of_the_heads(image, weight, alpha), pixels(image, ring(weight))) @ maps(weight)
    return np.moveaxis(found, 0, 1).reshape(*image.shape[:2], -1)


@known.mistake
def heads_laid_out_as_pixels(image, weight, alpha):
    """The heads are not added up, and their results, one head after the other, are laid out over the places of the
    image. A convolution adds up the places of its kernel, and so the heads."""
    found = gathered(weights_of_the_heads(image, weight, alpha), pixels(image, ring(weight))) @ maps(weight)
    return found.reshape(*image.shape[:2], -1)


@known.mistake
def weights_alone(image, weight, alpha):
    """These are the attention weights, (K * K, q_len, k_len). They have yet to meet the pixels."""
    return weights_of_the_heads(image, weight, alpha).astype(image.dtype)


@known.mistake
def ring_asks_too(image, weight, alpha):
    """The pixels of the ring ask as well, and the result is as large as the image with its ring. The ring only answers:
    the queries are the pixels of the image."""
    height, width, _ = image.shape
    reach = weight.shape[-1] // 2
    return _asked_by_the_ring(image, weight, alpha).reshape(height + 2 * reach, width + 2 * reach, -1)


@known.mistake
def ring_asks_too_and_is_laid_out_as_the_image(image, weight, alpha):
    """There are queries for the pixels of the ring as well, more than the image has places for. The ring only answers:
    the queries are the pixels of the image."""
    found = _asked_by_the_ring(image, weight, alpha)
    return found.reshape(image.shape[0], image.shape[1], -1)


def _asked_by_the_ring(image, weight, alpha):
    around = ring(weight)
    places = _places(*image.shape[:2], around)
    shares = weights(scores(places[None] - places[:, None], centers(weight), alpha))
    return summed(gathered(shares, pixels(image, around)), maps(weight))


@known.mistake
def channels_padded_and_cut(image, weight, alpha):
    """The channels are padded as well, as np.pad does with a single number, and then there are too many pixels. It
    takes a pair for each axis, and that of the channels is (0, 0)."""
    around = ring(weight)
    found = np.pad(image, around).reshape(-1, image.shape[-1])
    shares = weights_of_the_heads(image, weight, alpha)
    return summed(shares @ found, maps(weight)).reshape(*image.shape[:2], -1).astype(image.dtype)


@known.mistake
def dim_for_axis(image, weight, alpha):
    """The axis of course_lib.softmax is called axis, as in NumPy; dim is PyTorch's word. The last one is taken
    anyway."""
    found = scores(offsets(image, ring(weight)), centers(weight), alpha)
    return course_lib.softmax(found, dim=-1)


@known.mistake
def softmax_of_numpy(image, weight, alpha):
    """NumPy has no softmax. course_lib has one, and so has scipy.special."""
    return np.softmax(weight)


@known.mistake
def torch_pads_an_array(image, weight, alpha):
    """PyTorch's functions want tensors, and this is an array. np.pad(image, ((top, bottom), (left, right), (0, 0)))
    pads it."""
    import torch

    return torch.nn.functional.pad(image, (1, 1, 1, 1))


@known.mistake
def conv2d_of_arrays(image, weight, alpha):
    """PyTorch's conv2d wants tensors, and these are arrays. It would not help: at this alpha the heads also see the
    neighbors of their pixels, which conv2d does not."""
    import torch

    return torch.nn.functional.conv2d(image, weight, padding=weight.shape[-1] // 2)


@known.mistake
def four_axes_expected(image, weight, alpha):
    """The image is expected to have four axes, with a batch. It has three: height, width, channels."""
    batch, height, width, _ = image.shape
    return np.zeros((batch, height, width, len(weight)))


@known.mistake
def two_axes_expected(image, weight, alpha):
    """The image is expected to have two axes. It has three: height, width, channels."""
    height, width = image.shape
    return np.zeros((height, width, len(weight)))


@known.probe
def image_twice_as_bright(rng):
    inputs = an_image(rng, 3, 4, 2, 5, 3)
    once = yield inputs
    twice = yield {**inputs, "image": 2 * inputs["image"]}
    if np.allclose(twice, 2 * once):
        return None
    place = tuple(int(i) for i in np.argwhere(~np.isclose(twice, 2 * once))[0])
    return (
        "The scores know places alone, so an image twice as bright should give a result twice as large: the number at "
        f"{list(place)} goes from {once[place]:.4g} to {twice[place]:.4g}."
    )


@known.probe
def one_pixel_one_weight(rng):
    image, weight = np.zeros((5, 6, 1)), np.zeros((1, 1, 3, 3))
    image[2, 3], weight[0, 0, 0, 2] = 1, 1
    yours = (yield {"image": image, "weight": weight, "alpha": 40.0})[..., 0]
    if abs(yours[3, 2] - 1) < 1e-6 and abs(yours).sum() < 1 + 1e-6:
        return None
    place = tuple(int(i) for i in np.unravel_index(np.abs(yours).argmax(), yours.shape))
    return (
        "With alpha 40, an image that is 1 at row 2, column 3 and a kernel that is 1 at [0, 2] (one up, one to the "
        f"right), the one who sees it is row 3, column 2, with 1. Your largest number is {yours[place]:.4g}, at row "
        f"{place[0]}, column {place[1]}."
    )


@known.probe
def ones_under_one_weight(rng):
    yours = yield {"image": np.ones((2, 3, 1)), "weight": np.ones((1, 1, 1, 1)), "alpha": 0.5}
    if np.allclose(yours, 1):
        return None
    return (
        "A 1 x 1 kernel has one head and no ring, and its weights sum to 1. So on an image of ones, a kernel of 1 "
        f"gives 1 everywhere; yours gives {yours.flat[np.abs(yours - 1).argmax()]:.4g} somewhere."
    )


@known.probe
def nearly_no_alpha(rng):
    image = rng.normal(size=(2, 4, 1))
    yours = yield {"image": image, "weight": np.ones((1, 1, 3, 3)), "alpha": 1e-9}
    right = 9 * image.sum() / 24
    if np.allclose(yours, right, atol=1e-6):
        return None
    return (
        f"At alpha 1e-9 each head gives all keys the same weight: on a 2 x 4 image with its ring that is 1/24, and "
        f"nine heads with maps of 1 give 9/24 of the sum of the image everywhere, {right:.4g}. Yours gives "
        f"{yours.flat[np.abs(yours - right).argmax()]:.4g} somewhere."
    )


@known.probe
def ones_under_the_middle(rng):
    weight = np.zeros((1, 1, 3, 3))
    weight[0, 0, 1, 1] = 1
    yours = yield {"image": np.ones((1, 1, 1)), "weight": weight, "alpha": math.log(2)}
    if np.allclose(yours, 1 / 4):
        return None
    return (
        "One pixel of 1 in its ring of zeros, under a kernel that is 1 in the middle, at alpha = log 2: the pixel has "
        "the exponential 1, its four neighbors in the ring 1/2, the four corners 1/4. So its weight, and the result, "
        f"is 1/4; yours is {yours.item():.4g}."
    )


@known.legal
def with_loops(image, weight, alpha):
    height, width, _ = image.shape
    d_out, _, size, _ = weight.shape
    ring = size // 2
    padded = np.pad(image, ((ring, ring), (ring, ring), (0, 0)))
    output = np.zeros((height, width, d_out), dtype=image.dtype)
    rows, columns = np.indices(padded.shape[:2])
    for y, x in np.ndindex(height, width):
        for i, j in np.ndindex(size, size):
            exponentials = np.exp(-alpha * ((rows - y - i) ** 2 + (columns - x - j) ** 2))
            share = (exponentials / exponentials.sum()).astype(image.dtype)
            output[y, x] += weight[:, :, i, j] @ np.tensordot(share, padded, 2)
    return output


@known.legal
def one_head_after_the_other(image, weight, alpha):
    height, width, d_in = image.shape
    size = weight.shape[-1]
    reach = size // 2
    padded = np.zeros((height + 2 * reach, width + 2 * reach, d_in), dtype=image.dtype)
    padded[reach : reach + height, reach : reach + width] = image
    keys = np.array([(r, c) for r in range(-reach, height + reach) for c in range(-reach, width + reach)])
    queries = np.array([(r, c) for r in range(height) for c in range(width)])
    offsets = keys[None] - queries[:, None]
    total = 0
    for i in range(-reach, reach + 1):
        for j in range(-reach, reach + 1):
            scores = -alpha * ((offsets - (i, j)) ** 2).sum(axis=-1)
            weights = course_lib.softmax(scores.astype(image.dtype))
            total = total + weights @ padded.reshape(-1, d_in) @ weight[:, :, i + reach, j + reach].T
    return total.reshape(height, width, -1)


@known.legal
def by_the_papers_product(image, weight, alpha):
    height, width, d_in = image.shape
    d_out, _, size, _ = weight.shape
    b = size // 2
    row, column = (axis.ravel() for axis in np.indices((height + 2 * b, width + 2 * b)) - b)
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    d1, d2 = row - row[inside][:, None], column - column[inside][:, None]
    c1, c2 = (axis.ravel() for axis in np.indices((size, size)) - b)
    v = -alpha * np.stack([np.ones(size**2), -2 * c1, -2 * c2], axis=-1)
    scores = np.einsum("hm,mqk->hqk", v, np.stack([d1**2 + d2**2, d1, d2]))
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    values = np.einsum("kd,odh->hko", image.reshape(-1, d_in), weight.reshape(d_out, d_in, -1))
    return (weights[:, :, inside] @ values).sum(axis=0).reshape(height, width, d_out).astype(image.dtype)


@known.legal
def with_torch(image, weight, alpha):
    import torch

    image, weight = torch.from_numpy(image), torch.from_numpy(weight)
    (height, width, _), size = image.shape, weight.shape[-1]
    b = size // 2
    padded = torch.nn.functional.pad(image, (0, 0, b, b, b, b))
    keys = torch.cartesian_prod(torch.arange(-b, height + b), torch.arange(-b, width + b)).to(image.dtype)
    queries = torch.cartesian_prod(torch.arange(height), torch.arange(width)).to(image.dtype)
    centers = torch.cartesian_prod(torch.arange(size), torch.arange(size)).reshape(-1, 2) - b
    gaps = keys[None, None] - queries[None, :, None] - centers[:, None, None].to(image.dtype)
    weights = torch.softmax(-alpha * gaps.square().sum(-1), dim=-1)
    maps = weight.flatten(2).permute(2, 1, 0)
    return (weights @ padded.flatten(0, 1) @ maps).sum(0).unflatten(0, (height, width)).numpy()


RARE = {
    "first_heads_weights_for_all",
    "no_maps",
    "first_head_alone",
    "ring_of_the_kernel_size",
    "ring_of_ones",
    "places_for_offsets",
    "first_map_for_all",
    "all_heads_at_the_query",
    "steps_along_both_axes",
    "scaled_by_the_channels",
    "softmax_over_the_heads",
    "softmax_over_the_heads_too",
    "cut_to_integers",
    "half_a_pixel_off",
    "alpha_squared",
    "largest_of_the_heads",
    "first_k_heads_alone",
    "ring_from_minus_one",
    "no_softmax",
}
STAGES = tuple(
    stage.but(rare=[slip.name for slip in stage.slips if slip.name in RARE])
    for stage in (ring, pixels, offsets, centers, maps, scores, weights, gathered, summed, shaped)
)

TASK = Task(
    id="12.convolution_by_heads",
    title="A convolution made of heads",
    difficulty=3,
    minutes=25,
    reference=reference,
    draw=an_image,
    cases=(
        Case("the example of the text", dict(width=2), draw=of_the_text),
        Case("a single pixel in its ring, the text's second example", dict(kernel_size=3), draw=a_single_pixel),
        Case("a 4 x 5 image, 2 channels in, 6 out", dict(height=4, width=5, d_in=2, d_out=6, kernel_size=3), points=2),
        Case("a 5 x 5 kernel", dict(height=3, width=2, d_in=4, d_out=1, kernel_size=5), points=2),
        Case("a 1 x 1 kernel", dict(height=2, width=3, d_in=4, d_out=5, kernel_size=1)),
        Case(
            "alpha 40, float32",
            dict(height=2, width=5, d_in=4, d_out=3, kernel_size=3),
            points=2,
            dtype="float32",
            draw=sharp,
        ),
    ),
    finished=("course_lib.relatives.convolution.convolution_by_attention",),
    hints=(
        (
            "Who asks, and who answers? How many queries are there, how many keys with the ring, and how many heads "
            "for a kernel of K x K?"
        ),
        (
            "Write down the places first: (row, column) of each key, from -(K // 2) on, and of each query, from 0 on. "
            "The offsets are (q_len, k_len, 2): keys minus queries. The rest you have built already."
        ),
        (
            "The scores of these offsets, with kernel_offsets(K) as centers, have the shape (K*K, q_len, k_len), and "
            "the softmax runs over the last axis. The padded image as a list of pixels is (k_len, d_in), the maps are "
            "(K*K, d_in, d_out)."
        ),
        (
            "`weights @ pixels @ maps` is (K*K, q_len, d_out): every head at once. Add up its first axis, lay the "
            "queries out as an image again, and mind the dtype: whole-number offsets make float64."
        ),
    ),
    drawn=(informative(weights_of_the_heads),),
    stages=STAGES,
    coincidences={
        "queries_down_the_columns + width_before_height": "height_and_width_exchanged",
        "all_rows_by_the_height + rows_meet_columns": "all_places_down_the_columns",
        "all_places_down_the_columns + rows_meet_columns": "all_rows_by_the_height",
    },
    cancelling=("ring_not_subtracted + centers_from_zero",),
    **known.ways,
)
