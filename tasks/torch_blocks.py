"""PyTorch's own encoder and its blocks, with the weights of a module that has the course's names: an oracle that shares
no code with it.
"""

import functools

import torch
from torch import nn


def torchs_block(module, norm):
    """Return PyTorch's block and its parameters by name, made of an encoder block's; gradients get back to these.

    Args:
        module: an `EncoderBlock`, such as the skeleton.
        norm: "pre" or "post".
    """
    network = module.feed_forward
    sizes = (network.W_1.in_features, module.attention.num_heads, network.W_1.out_features)
    return _layer(*sizes, module.dropout.p, norm), _weights(module)


def torchs_encoder(module, norm):
    """Return PyTorch's encoder and its parameters by name, made of an encoder's."""
    layer, _ = torchs_block(module.blocks[0], norm)
    weights = {
        f"layers.{i}.{name}": weight
        for i, block in enumerate(module.blocks)
        for name, weight in _weights(block).items()
    }
    weights |= {"norm.weight": module.norm.weight, "norm.bias": module.norm.bias}
    return _stack(layer, len(module.blocks)), weights


def torchs_mask(x, mask, num_heads):
    """Return PyTorch's mask, in which True hides, one for each head of each sentence."""
    if mask is None:
        return None
    batch, length, _ = x.shape
    return ~mask.expand(batch, length, length).repeat_interleave(num_heads, dim=0)


def _weights(module):
    attention, network = module.attention, module.feed_forward
    maps = (attention.W_q, attention.W_k, attention.W_v)
    places = {
        "self_attn.out_proj": attention.W_o,
        "linear1": network.W_1,
        "linear2": network.W_2,
        "norm1": module.norm_attention,
        "norm2": module.norm_feed_forward,
    }
    return {
        "self_attn.in_proj_weight": torch.cat([one.weight for one in maps]),
        "self_attn.in_proj_bias": torch.cat([one.bias for one in maps]),
        **{f"{place}.weight": one.weight for place, one in places.items()},
        **{f"{place}.bias": one.bias for place, one in places.items()},
    }


@functools.cache
def _layer(d_model, num_heads, d_ff, dropout, norm):
    with torch.device("meta"):  # all its parameters are given with the call
        layer = nn.TransformerEncoderLayer(
            d_model, num_heads, d_ff, dropout, batch_first=True, norm_first=norm == "pre"
        )
    layer.self_attn.dropout, layer.dropout = 0.0, nn.Identity()  # it drops in two more places than the paper does
    return layer


@functools.cache
def _stack(layer, num_layers):
    with torch.device("meta"):
        last = nn.LayerNorm(layer.norm1.normalized_shape)
        return nn.TransformerEncoder(layer, num_layers, norm=last, enable_nested_tensor=False)
