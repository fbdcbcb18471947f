"""What the tasks of decoding share: how their Transformers are drawn, so that tokens, positions, the source and its
padding all show in the logits."""

import math

import numpy as np
import torch

from tasks import draws
from tasks.skeletons import Transformer

ARGUMENTS = ("source_size", "target_size", "d_model", "num_heads", "d_ff", "num_layers")


def transformer(rng, target_size, *, source_size=5, d_model=8, num_heads=2, d_ff=12, num_layers=1, sharpness=3.0):
    """Return the arguments of a Transformer and its parameters, all by name.

    Args:
        sharpness: what the logits' weights are multiplied by.
    """
    sizes = dict(zip(ARGUMENTS, (source_size, target_size, d_model, num_heads, d_ff, num_layers), strict=True))
    weights = draws.parameters(rng, Transformer(**sizes))
    for name, factor in (
        ("source.weight", 1.5 * math.sqrt(d_model)),
        ("target.weight", 1.5 * math.sqrt(d_model)),
        ("W_vocabulary.weight", sharpness),
        *(
            (f"decoder.blocks.{block}.cross_attention.{name}.weight", 2.0)
            for block in range(num_layers)
            for name in ("W_q", "W_v", "W_o")
        ),
    ):
        weights[name] = factor * weights[name]
    return {**sizes, **weights}


def indifferent(logits):
    """Return the arguments and parameters of a Transformer that gives the same logits whatever it is given: all
    parameters are 0 but the bias of W_vocabulary."""
    sizes = dict(source_size=3, target_size=len(logits), d_model=2, num_heads=1, d_ff=1, num_layers=1)
    weights = {name: np.zeros(tuple(one.shape)) for name, one in Transformer(**sizes).named_parameters()}
    return {**sizes, **weights, "W_vocabulary.bias": np.array(logits, dtype=float)}


def module_of(inputs):
    """Return the Transformer that drawn inputs describe, in float64."""
    model = Transformer(*(inputs[name] for name in ARGUMENTS)).double().eval()
    model.load_state_dict({name: torch.from_numpy(inputs[name]) for name, _ in model.named_parameters()})
    return model.requires_grad_(False)


def sources(rng, batch, k_len, source_size=5, *, shortest=2):
    """Return `source` and `source_lengths`: sources of different lengths, the padding drawn as well."""
    lengths = rng.permutation(np.linspace(shortest, k_len, batch).round().astype(np.int64))
    return {"source": rng.integers(source_size, size=(batch, k_len)), "source_lengths": lengths}


_kept = {}


def logits_of(model, source, tokens, source_lengths):
    """Return model(source, tokens, source_lengths), computed once: the stages ask for the same again and again."""
    if source.device.type == "meta":
        return tokens.new_zeros(*tokens.shape, model.W_vocabulary.out_features, dtype=model.W_vocabulary.weight.dtype)
    of_model = (model.W_vocabulary.weight, model.W_vocabulary.bias, model.source.weight, model.target.weight)
    tensors = (*of_model, source, tokens, source_lengths)
    key = tuple((tuple(one.shape), one.detach().numpy().tobytes()) for one in tensors)
    if key not in _kept:
        if len(_kept) > 20_000:
            _kept.clear()
        with torch.no_grad():
            _kept[key] = model(source, tokens, source_lengths)
    return _kept[key]
