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
    # The two libraries of the course are told by type: quicker than asking, and `torch.compile` can follow it.
    kind, *others = {type(array) for array in arrays.values()}
    if kind is np.ndarray and not others:
        return np  # speaks the standard itself, from NumPy 2 on
    if _holds_tensors(kind) and all(map(_holds_tensors, others)):
        return sys.modules["torch"]  # speaks as much of it as is used here
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


def _holds_tensors(kind):
    torch = sys.modules.get("torch")  # where nobody has imported PyTorch, nothing is a tensor
    return torch is not None and issubclass(kind, torch.Tensor)


def is_kind(xp, dtype, kind):
    """Return whether a dtype is of a kind: "real floating", "integral" or "bool"."""
    if xp is np:
        return dtype.kind in _NUMPY_KINDS[kind]
    if xp.__name__ == "torch":
        from array_api_compat import torch as xp
    return xp.isdtype(dtype, kind)


def reductions(xp):
    """Return the library's `max` and `sum`. NumPy's methods cost half of what its functions do on small arrays."""
    return (np.ndarray.max, np.ndarray.sum) if xp is np else (xp.max, xp.sum)


def fused_softmax(array):
    """Return the softmax that the array's own library ships, or None where it ships none.

    PyTorch's reads and writes its memory once where the formula in array operations does so four times: on long
    sequences that is half of attention's time. A test holds the two equal.
    """
    return sys.modules["torch"].softmax if _holds_tensors(type(array)) else None


def read_range(xp, integers):
    """Return the least and the greatest of some integers, or None where reading them would cost more than a look.

    On a GPU one would wait until all that is under way is done; a tensor that stands for others (`torch.compile`,
    `torch.export`, `torch.vmap`, the meta device) has no numbers to be read.
    """
    if 0 in integers.shape:
        return 0, 0
    if _holds_tensors(type(integers)) and (
        integers.device.type != "cpu" or sys.modules["torch"].compiler.is_compiling()
    ):
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
