"""How inputs and replies cross between the judge and the child: a short text and raw numbers, length first.

A message is eight bytes that say how long the text is, the text (JSON: a header, and name, dtype and shape of every
array), and the arrays' bytes one after the other. Nothing is unpickled, nothing is looked up, no dtype but numbers is
known, and the reader never takes more than it expects.
"""

import functools
import json
import math

import numpy as np

DTYPES = {
    name: np.dtype(name)
    for name in (
        *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
        *("float16", "float32", "float64", "complex64", "complex128"),
    )
}
MOST_ARRAYS = 1000  # of one message; a whole Transformer has less than two hundred
LARGEST_TEXT = 2**20  # bytes of the text, of which a reply needs a few thousand


class WireError(ValueError):
    """What came is no message, or more than was expected."""


def fits(array):
    """Tell whether an array is one that can cross: of numbers, of a width that every machine knows."""
    return name_of(array.dtype) in DTYPES


@functools.lru_cache(256)
def name_of(dtype):
    """Return the name of a dtype; NumPy puts it together each time."""
    return dtype.name


def pack(header, arrays=None):
    """Return a message as bytes.

    Args:
        header: a dictionary of what JSON can say.
        arrays: arrays by name; of the dtypes in `DTYPES`.
    """
    arrays = {name: _in_order(array) for name, array in (arrays or {}).items()}
    described = [[name, name_of(array.dtype), list(array.shape)] for name, array in arrays.items()]
    text = json.dumps([header, described]).encode()
    return b"".join([len(text).to_bytes(8, "little"), text, *(array.tobytes() for array in arrays.values())])


def receive(read, most):
    """Return the header and the arrays of the next message.

    Args:
        read: returns exactly so many bytes, as `read(n)`.
        most: bytes that the arrays may have in all.

    Raises:
        WireError: the message is none of ours, or its arrays have more bytes than `most`.
    """
    length = int.from_bytes(read(8), "little")
    if length > LARGEST_TEXT:
        raise WireError(f"a text of {length} bytes")
    header, described = _parse(read(length))
    sizes = [math.prod(shape) * dtype.itemsize for _, dtype, shape in described]
    if sum(sizes) > most:
        raise WireError(f"{sum(sizes)} bytes of numbers where {most} are the most")
    arrays = {
        name: np.frombuffer(read(size), dtype).reshape(shape).copy()
        for (name, dtype, shape), size in zip(described, sizes, strict=True)
    }
    return header, arrays


def reader_of(stream):
    """Return `read(n)` for a stream that blocks: exactly n bytes.

    The function raises EOFError where the stream ends before.
    """

    def read(count):
        data = stream.read(count)
        if len(data) < count:
            raise EOFError("the other side has closed the line")
        return data

    return read


def _in_order(array):
    """Return an array with its numbers in the machine's byte order; `tobytes` puts the axes in C order."""
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _parse(text):
    try:
        header, described = json.loads(text)
        if not isinstance(header, dict):
            raise TypeError("the header is no dictionary")
        if len(described) > MOST_ARRAYS:
            raise ValueError("too many arrays")
        return header, [(str(name), DTYPES[dtype], _shape(shape)) for name, dtype, shape in described]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise WireError(f"no message of ours ({type(error).__name__})") from None


def _shape(sizes):
    shape = tuple(sizes)
    if len(shape) > 32 or not all(type(size) is int and 0 <= size < 2**48 for size in shape):
        raise ValueError("no shape")
    if math.prod(size or 1 for size in shape) >= 2**48:  # of no numbers at all, and still too large for NumPy
        raise ValueError("no shape")
    return shape
