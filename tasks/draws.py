"""How inputs are drawn: several tasks, in several chapters, take the same kind of arrays."""

import math


def query_and_key(rng, q_len, k_len, d_k, **leading):
    """Return queries and keys with unit variance, whose scaled scores then have unit variance too.

    Further sizes are leading axes, in their order: `batch=2, num_heads=3` gives (2, 3, q_len, d_k).
    """
    axes = tuple(leading.values())
    return {"query": rng.normal(size=(*axes, q_len, d_k)), "key": rng.normal(size=(*axes, k_len, d_k))}


def parameters(rng, module):
    """Return parameters for a PyTorch module by name: maps that nearly keep the variance, gains around 1, and biases
    large enough to be missed."""
    return {name: _parameter(rng, name, tuple(parameter.shape)) for name, parameter in module.named_parameters()}


def _parameter(rng, name, shape):
    if len(shape) > 1:
        return rng.normal(size=shape) / math.sqrt(shape[-1])
    return rng.uniform(0.6, 1.6, size=shape) if name.endswith("weight") else 0.5 * rng.normal(size=shape)
