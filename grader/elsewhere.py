"""Whether an answer makes its tensors where its inputs are, found without a GPU: on PyTorch's meta device, which
computes shapes alone.
"""

import contextlib

from grader.contract import BrokenError
from grader.failing_line import where_it_raised

WRITERS = {"__setitem__", "copy_"}  # from any device to any other, but what is on the CPU stays there
MOVERS = WRITERS | {"__getitem__", "to", "type_as", "expand_as", "view_as", "reshape_as", "__get__"}


def shape_elsewhere(called, given, module):
    """Return the shape of what comes out on the meta device, which computes shapes alone and needs no GPU."""
    import torch

    output = called(given)
    if not isinstance(output, torch.Tensor):
        return output
    if module is not None:
        module.to("meta")
    moved = {name: value.to("meta") if isinstance(value, torch.Tensor) else value for name, value in given.items()}
    try:
        with _one_device():
            elsewhere = called(moved)
    except BrokenError:
        raise
    except Exception as error:
        if "device" in str(error) and "numpy" not in str(error):
            raise BrokenError(
                "On a GPU this stops: a tensor that your code made stands on the CPU, where the inputs and the "
                "parameters do not. Make it where x is, with device=x.device, or bring it there: .to(x.device)."
            ) from None
        return shape_of(output)  # it reads numbers, and there are none: nothing can be said
    if isinstance(elsewhere, torch.Tensor) and elsewhere.device.type != "meta":
        raise BrokenError(
            "With its inputs and its parameters on a GPU, the result would still stand on the CPU: some tensor is made "
            "anew there. Make it where the inputs are: device=x.device."
        )
    return torch.tensor(output.shape)


def shape_of(output):
    import torch

    return torch.tensor(output.shape) if isinstance(output, torch.Tensor) else output


@contextlib.contextmanager
def _one_device():
    """Stop with `BrokenError` where a tensor of the CPU meets one of another device."""
    from torch.overrides import TorchFunctionMode

    class OneDevice(TorchFunctionMode):
        def __torch_function__(self, function, types, args=(), kwargs=None):
            kwargs = kwargs or {}
            name = getattr(function, "__name__", "")
            if name not in MOVERS or (name in WRITERS and args[0].device.type == "cpu"):
                tensors = [one for one in _tensors((args, kwargs)) if one.ndim]
                if len({one.device.type for one in tensors}) > 1:
                    stranger = next(one for one in tensors if one.device.type == "cpu")
                    raise StrangerError(tuple(stranger.shape))
            return function(*args, **kwargs)

    try:
        with OneDevice():
            yield
    except StrangerError as error:
        line, _ = where_it_raised(error)
        where = f" in `{line}`" if line else ""
        raise BrokenError(
            f"On a GPU this stops{where}: a tensor of shape {error.args[0]} that your code made stands on the CPU, "
            f"where the inputs and the parameters do not. Make it where x is, with device=x.device, or bring it there: "
            f".to(x.device)."
        ) from None


class StrangerError(Exception):
    """A tensor of the CPU, of this shape, among those of another device."""


def _tensors(value):
    import torch

    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _tensors(one)
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))
