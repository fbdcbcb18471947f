"""The one file that tells array libraries and devices apart; everything else speaks the array API standard."""

import sys

import array_api_compat
import numpy as np

_NUMPY_KINDS = {"real floating": "f", "integral": "iu", "bool": "b"}


def array_namespace(**arrays):
    """Return the library (`xp`) that all the given arrays belong to.

    Arguments are passed by name, so that an error can say which one is wrong.

    Raises:
        TypeError: an argument is not an array, or the arrays come from different libraries.
    """
    first, *others = arrays.values()
    known = known_namespace(first)
    if known is not None and all(known_namespace(array) is known for array in others):
        return known
    for name, array in arrays.items():
        if not array_api_compat.is_array_api_obj(array):
            raise TypeError(
                f"{name} must be a NumPy array or a PyTorch tensor, not a {type(array).__name__}. "
                f"For a list of numbers: {name} = np.array({name}) or torch.tensor({name})."
            )
    try:
        return array_api_compat.array_namespace(*arrays.values())
    except TypeError:
        found = ", ".join(
            f"{name} is a {type(array).__module__}.{type(array).__name__}" for name, array in arrays.items()
        )
        raise TypeError(
            f"all arrays must come from one library, but {found}. "
            f"Convert with torch.from_numpy(array) or tensor.numpy()."
        ) from None


def known_namespace(array):
    """Return NumPy or PyTorch if the array is theirs, else None.

    Both are told by type: that is quicker than asking array_api_compat, and `torch.compile` can follow it. NumPy speaks
    the standard itself from version 2 on; PyTorch speaks as much of it as is used here.
    """
    kind = type(array)
    if kind is np.ndarray:
        return np
    torch = sys.modules.get("torch")  # where nobody has imported PyTorch, nothing is a tensor
    return torch if torch is not None and issubclass(kind, torch.Tensor) else None


def is_kind(xp, dtype, kind):
    """Return whether a dtype is of a kind: "real floating", "integral" or "bool"."""
    if xp is np:
        return dtype.kind in _NUMPY_KINDS[kind]
    if xp.__name__ == "torch":
        if kind == "real floating":
            return dtype.is_floating_point
        return (
            dtype == xp.bool
            if kind == "bool"
            else not (dtype.is_floating_point or dtype.is_complex or dtype == xp.bool)
        )
    return xp.isdtype(dtype, kind)


def reductions(xp):
    """Return the library's `max` and `sum`. NumPy's methods cost half of what its functions do on small arrays."""
    return (np.ndarray.max, np.ndarray.sum) if xp is np else (xp.max, xp.sum)


def fused_softmax(xp):
    """Return the softmax that a library ships, or None where it ships none.

    PyTorch's reads and writes its memory once where the formula in array operations does so four times: on long
    sequences that is half of attention's time. A test holds the two equal.
    """
    return xp.softmax if xp.__name__ == "torch" else None


def running_sums(xp, array, axis):
    """Return the sums of all that stand up to each place of `axis`, by the name that the library has for it."""
    cumulative = getattr(xp, "cumulative_sum", None) or xp.cumsum
    return cumulative(array, axis=axis)


def read_range(xp, integers):
    """Return the least and the greatest of some integers, or None where reading them would cost more than a look.

    On a GPU one would wait until all that is under way is done; a tensor that stands for others (`torch.compile`,
    `torch.export`, `torch.vmap`, the meta device) has no numbers to be read.
    """
    if 0 in integers.shape:
        return 0, 0
    if xp.__name__ == "torch" and (integers.device.type != "cpu" or xp.compiler.is_compiling()):
        return None
    try:
        return int(xp.min(integers)), int(xp.max(integers))
    except RuntimeError:  # of `torch.vmap`
        return None


def pick_device():
    """Return the fastest PyTorch device of this machine: an NVIDIA or AMD GPU, Apple's GPU, or the CPU.

    The one place where the course chooses a device; everything else follows its input.
    """
    import torch

    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")
