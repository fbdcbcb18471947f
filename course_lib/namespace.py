"""The one file that tells array libraries and devices apart; everything else speaks the array API standard."""

import array_api_compat


def array_namespace(**arrays):
    """Return the library (`xp`) that all the given arrays belong to.

    Arguments are passed by name, so that an error can say which one is wrong.

    Raises:
        TypeError: an argument is not an array, or the arrays come from different libraries.
    """
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


def fused_softmax(array):
    """Return the softmax that the array's own library ships, or None where it ships none.

    PyTorch's reads and writes its memory once where the formula in array operations does so four times: on long
    sequences that is half of attention's time. A test holds the two equal.
    """
    if array_api_compat.is_torch_array(array):
        import torch

        return torch.softmax
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
