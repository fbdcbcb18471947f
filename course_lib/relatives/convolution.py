"""Convolution as attention: a filter is a set of heads, each of which looks at one offset.

Images are channels-last, (..., height, width, d_in); their pixels are the tokens, in reading order. A place is
(row, column), and an offset is the key's place minus the query's. The functions take NumPy arrays and PyTorch tensors.
"""

import math

import numpy as np
import torch
from torch import nn

from course_lib.namespace import array_namespace
from course_lib.softmax import unchecked_softmax
from course_lib.validation import check_axes, check_equal_sizes, check_floats, check_heads

BORDERS = ("zeros", "renormalized")


def kernel_offsets(kernel_size):
    """Return the offsets that a square kernel looks at, in reading order: (kernel_size**2, 2) integers, NumPy.

    `torch.nn.functional.conv2d` multiplies the pixel at offset (i - K // 2, j - K // 2) by weight[:, :, i, j].

    Raises:
        ValueError: kernel_size is even or below 1: such a kernel has no pixel in its middle.

    Source: Cordonnier et al. 2020, section 2.2 (the set of shifts).
    """
    if kernel_size < 1 or kernel_size % 2 == 0:
        raise ValueError(
            f"a kernel with a pixel in its middle has an odd size, but kernel_size is {kernel_size}. "
            f"Take {max(kernel_size + 1, 1)}, with zeros in the rows and columns that are too many."
        )
    steps = np.arange(kernel_size) - kernel_size // 2
    return np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1).reshape(-1, 2)


def grid_offsets(height, width, border=0):
    """Return the offset from every pixel of an image to every pixel: the key's (row, column) minus the query's.

    Args:
        height, width: of the image; its pixels ask in reading order.
        border: width of a ring of pixels around the image that answer, too, but do not ask.

    Returns:
        (height * width, (height + 2 * border) * (width + 2 * border), 2) integers, NumPy.
    """
    queries = _places(height, width)
    keys = _places(height + 2 * border, width + 2 * border) - border  # the image's first pixel stays (0, 0)
    return keys[None, :, :] - queries[:, None, :]


def quadratic_scores(offsets, centers, alpha):
    """Return `-alpha ||offset - center||^2`: each head's score is highest at its own center.

    Args:
        offsets: (..., 2), such as (q_len, k_len, 2) of `grid_offsets`: integers, or floating-point numbers.
        centers: (num_heads, 2) floating-point: where each head looks.
        alpha: how sharply; a number, or an array (num_heads,) like the centers.

    Returns:
        (num_heads, ...) scores, of the library, dtype and device of the centers.

    Raises:
        TypeError: the centers are no floating-point array, or alpha is an array of another library or dtype.
        ValueError: offsets or centers do not hold pairs, or alpha is not one number or one for each head.

    Source: Cordonnier et al. 2020, eq. 9 with the encodings of Lemma 2; that form leaves out -alpha ||center||^2,
    which is the same for all keys, so that the softmax does not see it.
    """
    xp = check_floats(centers=centers) if not hasattr(alpha, "ndim") else check_floats(centers=centers, alpha=alpha)
    check_axes("centers", centers, "num_heads", "2")
    check_equal_sizes("a center is (row, column)", numbers_of_center=centers.shape[-1], needed=2)
    check_equal_sizes("an offset is (rows, columns)", numbers_of_offset=offsets.shape[-1], needed=2)
    offsets = xp.asarray(offsets, dtype=centers.dtype, device=centers.device)
    each_head = (-1, *(1,) * (offsets.ndim - 1))  # a head's number beside all of its scores
    if hasattr(alpha, "ndim") and alpha.ndim:
        check_equal_sizes("alpha is one for each head", alphas=alpha.shape[0], heads=centers.shape[0])
        alpha = xp.reshape(alpha, each_head)
    difference = offsets - xp.reshape(centers, (*each_head, 2))  # (num_heads, ..., 2)
    return -alpha * xp.sum(difference**2, axis=-1)  # (num_heads, ...)


def heads_from_kernel(weight):
    """Return what each head makes of the pixel it looks at: the kernel's matrices, one for each offset.

    Args:
        weight: (d_out, d_in, K, K), as `torch.nn.Conv2d` keeps it.

    Returns:
        (K * K, d_in, d_out): head h takes a pixel x to x W_h; the heads are in the order of `kernel_offsets`.

    Raises:
        ValueError: the kernel is not square, or its size is even.

    Source: Cordonnier et al. 2020, proof of Theorem 1: W_val W_out of head h is the kernel's slice.
    """
    xp = array_namespace(weight=weight)
    check_axes("weight", weight, "d_out", "d_in", "K", "K")
    d_out, d_in, height, width = weight.shape
    check_equal_sizes("the kernel is square", height=height, width=width)
    kernel_offsets(height)  # says so if there is no middle
    return xp.moveaxis(xp.reshape(weight, (d_out, d_in, height * width)), (2, 1, 0), (0, 1, 2))


def convolution_by_attention(image, weight, bias=None, *, alpha, border="zeros"):
    """Return a convolution computed by attention: a head for each of the kernel's offsets, their outputs added.

    Head h has the scores `-alpha ||offset - center_h||^2`. The larger alpha, the more of its weight lies on the one
    pixel at its center, and the closer the sum comes to the convolution.

    Args:
        image: (..., height, width, d_in)
        weight: (d_out, d_in, K, K), as `torch.nn.Conv2d` keeps it; K is odd.
        bias: (d_out,), or None.
        alpha: how sharply the heads look.
        border: what a head finds beyond the edge. "zeros": a ring of zero pixels, as conv2d(padding=K // 2).
            "renormalized": nothing, so the softmax shares its weight among the pixels that there are; the nearest one
            wins, as conv2d does with the padding mode "replicate".

    Returns:
        (..., height, width, d_out)

    Raises:
        TypeError: not floating-point arrays of one library and dtype.
        ValueError: sizes that do not fit each other, or another word for the border.

    Source: Cordonnier et al. 2020, Theorem 1.
    """
    arrays = {"image": image, "weight": weight}
    xp = check_floats(**arrays) if bias is None else check_floats(**arrays, bias=bias)
    check_axes("image", image, "...", "height", "width", "d_in")
    W = heads_from_kernel(weight)  # (num_heads, d_in, d_out)
    *leading, height, width, d_in = image.shape
    check_equal_sizes("the kernel takes the image's channels", channels_of_image=d_in, channels_of_weight=W.shape[1])
    if border not in BORDERS:
        raise ValueError(f"border must be one of {', '.join(map(repr, BORDERS))}, not {border!r}.")
    kernel_size = weight.shape[-1]
    ring = kernel_size // 2 if border == "zeros" else 0
    centers = xp.asarray(kernel_offsets(kernel_size), dtype=image.dtype, device=image.device)
    scores = quadratic_scores(grid_offsets(height, width, ring), centers, alpha)  # (num_heads, q_len, k_len)
    weights = unchecked_softmax(xp, scores)
    pixels = xp.reshape(_surrounded(xp, image, ring), (*leading, 1, scores.shape[-1], d_in))  # 1: for all heads
    output = xp.sum(weights @ pixels @ W, axis=-3)  # (..., q_len, d_out): the heads, added
    output = xp.reshape(output, (*leading, height, width, W.shape[2]))
    return output if bias is None else output + bias


class QuadraticAttention2d(nn.Module):
    """Attention over pixels whose heads know where to look and learn it: a center and a sharpness for each.

    The scores depend on offsets alone, not on what is in the picture. With as many heads as a kernel has pixels, a head
    has as many parameters as a pixel of the kernel and three more: its center and its sharpness.

    Args:
        d_in, d_out: channels in and out.
        num_heads: number of heads.
        spread: the centers start at random around (0, 0), with this standard deviation in pixels.

    Source: Cordonnier et al. 2020, section 4.2. The spread is this course's; the paper's images are larger, and its
    centers start twice as far apart.
    """

    def __init__(self, d_in, d_out, num_heads, *, spread=1.0):
        super().__init__()
        check_heads(num_heads)
        self.centers = nn.Parameter(spread * torch.randn(num_heads, 2))
        self.log_alpha = nn.Parameter(torch.zeros(num_heads))  # its exponential is positive: 1 at first
        self.W_o = nn.Linear(num_heads * d_in, d_out)  # all W_h below each other

    @property
    def alpha(self):
        """How sharply each head looks: (num_heads,), positive."""
        return self.log_alpha.exp()

    def weights(self, height, width):
        """Return how much each pixel takes from each, in an image of this size: (num_heads, q_len, k_len)."""
        scores = quadratic_scores(grid_offsets(height, width), self.centers, self.alpha)
        return scores.softmax(dim=-1)

    def forward(self, image):
        """Return (..., height, width, d_out) for an image (..., height, width, d_in)."""
        check_axes("image", image, "...", "height", "width", "d_in")
        height, width = image.shape[-3:-1]
        weights = self.weights(height, width).swapaxes(0, 1)  # (q_len, num_heads, k_len)
        gathered = weights.flatten(0, 1) @ image.flatten(-3, -2)  # (..., q_len * num_heads, d_in): heads side by side
        return self.W_o(gathered.unflatten(-2, weights.shape[:2]).flatten(-2)).unflatten(-2, (height, width))


class RelativeAttention2d(nn.Module):
    """Attention over pixels by what is in them and by where they are: `q . (k + row offset + column offset)`.

    Every row offset and every column offset has a learned vector, which all heads share.

    Args:
        d_in, d_out: channels in and out.
        num_heads: number of heads.
        d_k: size of a query and of a key in one head.
        height, width: of the images: they say how many offsets there are.

    Source: Cordonnier et al. 2020, section 4.3; Ramachandran et al. 2019, eq. 3 (rows and columns apart). As in
    Shaw et al. 2018, the two parts are added here.
    """

    def __init__(self, d_in, d_out, num_heads, d_k, height, width):
        super().__init__()
        check_heads(num_heads)
        self.num_heads, self.height, self.width = num_heads, height, width
        self.W_q = nn.Linear(d_in, num_heads * d_k)
        self.W_k = nn.Linear(d_in, num_heads * d_k, bias=False)  # the softmax would not see one
        self.W_o = nn.Linear(num_heads * d_in, d_out)  # a head's values and its part of the output, in one map
        self.rows = nn.Parameter(torch.randn(2 * height - 1, d_k))
        self.columns = nn.Parameter(torch.randn(2 * width - 1, d_k))

    def forward(self, image, *, return_weights=False):
        """Return the output for images, and the weights.

        Args:
            image: (..., height, width, d_in)
            return_weights: whether weights are wanted.

        Returns:
            (..., height, width, d_out) output; with return_weights also (..., num_heads, q_len, k_len) weights.

        Raises:
            ValueError: the image has another size than the offsets were made for.
        """
        check_axes("image", image, "...", "height", "width", "d_in")
        height, width = image.shape[-3:-1]
        check_equal_sizes("offsets were learned for one height", height_of_image=height, height_of_offsets=self.height)
        check_equal_sizes("offsets were learned for one width", width_of_image=width, width_of_offsets=self.width)
        pixels = image.flatten(-3, -2)  # (..., k_len, d_in)
        query = self._split(self.W_q(pixels)) / math.sqrt(self.rows.shape[-1])  # (..., num_heads, q_len, d_k)
        key = self._split(self.W_k(pixels))
        # One product for the content, the rows and the columns: what a query makes of each row and column stands
        # behind the query, and behind the key a 1 for its own row and its own column.
        places = self._places_of_keys(key).expand(*key.shape[:-1], -1)
        scores = torch.cat([query, self._places_of_queries(query)], -1) @ torch.cat([key, places], -1).mT
        weights = scores.softmax(dim=-1)  # (..., num_heads, q_len, k_len)
        gathered = weights @ pixels[..., None, :, :]  # (..., num_heads, q_len, d_in)
        output = self.W_o(gathered.swapaxes(-3, -2).flatten(-2)).unflatten(-2, (height, width))
        return (output, weights) if return_weights else output

    def _split(self, x):
        return x.unflatten(-1, (self.num_heads, -1)).swapaxes(-3, -2)

    def _places_of_queries(self, query):
        """Return `q . row offset` for every row of keys, `q . column offset` for column: (..., height + width)."""
        row, column = torch.as_tensor(_places(self.height, self.width), device=query.device).unbind(-1)  # (q_len,) each
        by_row, by_column = query @ self.rows.mT, query @ self.columns.mT  # (..., q_len, offsets)
        return torch.cat([_at_distances(by_row, row), _at_distances(by_column, column)], dim=-1)

    def _places_of_keys(self, like):
        """Return a 1 for the row and a 1 for the column of each key: (k_len, height + width)."""
        rows, columns = (torch.eye(n, dtype=like.dtype, device=like.device) for n in (self.height, self.width))
        return torch.cat([rows.repeat_interleave(self.width, dim=0), columns.repeat(self.height, 1)], dim=-1)


def _places(height, width):
    """Return the (row, column) of every pixel in reading order: (height * width, 2)."""
    return np.stack(np.meshgrid(np.arange(height), np.arange(width), indexing="ij"), axis=-1).reshape(-1, 2)


def _surrounded(xp, image, ring):
    """Return the image in a ring of zero pixels: (..., height + 2 * ring, width + 2 * ring, d_in)."""
    for axis in (-3, -2):
        shape = list(image.shape)
        shape[axis] = ring
        zeros = xp.zeros(tuple(shape), dtype=image.dtype, device=image.device)
        image = xp.concat([zeros, image, zeros], axis=axis)
    return image


def _at_distances(products, place):
    """Return for each query the products that belong to the distances from its place to 0, 1, 2, ...

    Args:
        products: (..., q_len, 2 * n - 1): with the vectors of the distances -(n - 1) to n - 1.
        place: (q_len,) integers from 0 to n - 1.

    Returns:
        (..., q_len, n)
    """
    n = (products.shape[-1] + 1) // 2
    distance = torch.arange(n, device=place.device) - place[:, None]  # (q_len, n)
    return products.gather(-1, (distance + n - 1).expand(*products.shape[:-1], n))
