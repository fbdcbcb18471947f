"""What the tests of modules share: where they run, random weights, and the same weights in PyTorch's own modules."""

import math
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn

TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-12}


FLOAT64 = {"dtype": torch.float64, "device": "cpu"}


def tensor(rng, *shape, **place):
    """Return a random tensor that asks for its gradient."""
    return torch.tensor(rng.standard_normal(shape), **(place or FLOAT64), requires_grad=True)


@torch.no_grad()
def randomized(module, rng, **place):
    """Return the module with all its weights random, norms and biases among them: a fresh module's hide mistakes."""
    for name, parameter in module.named_parameters():
        numbers = torch.from_numpy(rng.standard_normal(tuple(parameter.shape)))
        if parameter.ndim == 2:
            parameter.copy_(numbers / math.sqrt(parameter.shape[1]))
        else:
            parameter.copy_(numbers / 2 if name.endswith("bias") else 1 + numbers / 4)
    return module.to(**(place or FLOAT64))


def in_our_order(module, of=lambda parameter: parameter):
    """Yield `of` every parameter of a PyTorch module in the order of ours, which keep W_q, W_k and W_v apart."""
    if isinstance(module, nn.MultiheadAttention):
        packed = of(module.in_proj_weight).chunk(3), of(module.in_proj_bias).chunk(3)
        for weight, bias in zip(*packed, strict=True):
            yield from (weight, bias)
        yield from (of(parameter) for parameter in module.out_proj.parameters())
    elif children := list(module.children()):
        for child in children:
            yield from in_our_order(child, of)
    else:
        yield from (of(parameter) for parameter in module.parameters())


@torch.no_grad()
def copy_weights(ours, pytorch):
    for parameter, weight in zip(ours.parameters(), in_our_order(pytorch), strict=True):
        assert parameter.shape == weight.shape
        parameter.copy_(weight)


def assert_equal(actual, expected):
    """Hold shape, dtype and values to the dtype's tolerance, measured by the largest number."""
    scale = max(1.0, expected.abs().max().item()) if expected.numel() else 1.0
    tolerance = TOLERANCE[expected.dtype]
    torch.testing.assert_close(actual, expected, rtol=tolerance, atol=tolerance * scale)


def assert_equal_gradients(ours, pytorch, outputs, inputs, rng):
    """Hold the gradients of two outputs, ours and PyTorch's, for all weights and for their inputs."""
    direction = torch.from_numpy(rng.standard_normal(tuple(outputs[0].shape))).to(outputs[0])
    gradients = []
    for output in outputs:
        for x in inputs:
            x.grad = None
        (output * direction).sum().backward()
        gradients.append([x.grad for x in inputs])
    for actual, expected in zip(*gradients, strict=True):
        assert_equal(actual, expected)
    names = [name for name, _ in ours.named_parameters()]
    of_ours = [parameter.grad for parameter in ours.parameters()]
    of_pytorch = in_our_order(pytorch, lambda parameter: parameter.grad)
    for name, actual, expected in zip(names, of_ours, of_pytorch, strict=True):
        assert actual is not None, name
        assert_equal(actual, expected)


def assert_finite_gradients(output, module, *inputs):
    """Hold that nothing is NaN or infinite, forward and backward."""
    assert output.isfinite().all()
    output.square().sum().backward()
    for tensor in (*inputs, *(parameter for parameter in module.parameters() if parameter.grad is not None)):
        assert tensor.grad.isfinite().all()


def reach(function, x, *, to):
    """Return a boolean matrix: whether position i of the output depends on position j of x, by gradients.

    Both have shape (1, length, d_model); `to` is the length of the output.
    """
    rows = []
    for i in range(to):
        (gradient,) = torch.autograd.grad(function(x)[0, i].square().sum(), x)
        rows.append((gradient[0] != 0).any(dim=-1))
    return torch.stack(rows).numpy()


@contextmanager
def unchanged(module):
    """Hold that a module keeps nothing from what runs inside."""
    before = {name: set(vars(part)) for name, part in module.named_modules()}
    yield
    assert {name: set(vars(part)) for name, part in module.named_modules()} == before


def lower_triangle(length):
    return np.tril(np.ones((length, length), dtype=bool))
