"""PyTorch's own encoder and blocks, with the weights of a module that has the course's names: an oracle that shares no
code with it.
"""

import functools
import warnings

import torch
from torch import nn
from torch.func import functional_call


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


def by_torchs_decoder_block(module, x, memory, mask, memory_mask, norm):
    """Return what PyTorch's decoder block makes of x and memory with the parameters of a decoder block."""
    network, num_heads = module.feed_forward, module.self_attention.num_heads
    sizes = (network.W_1.in_features, num_heads, network.W_1.out_features)
    layer = _layer(*sizes, module.dropout.p, norm, nn.TransformerDecoderLayer)
    weights = _decoder_weights(module)
    masks = torchs_mask(x, mask, num_heads), torchs_mask(x, memory_mask, num_heads, memory)
    return functional_call(layer.train(module.training), weights, (x, memory, *masks))


def by_torchs_transformer(module, source, target, source_lengths):
    """Return the logits that `nn.Transformer`, pre-norm, makes with the parameters of a Transformer."""
    network, layers = module.encoder.blocks[0].feed_forward, len(module.encoder.blocks)
    sizes = network.W_1.in_features, module.encoder.blocks[0].attention.num_heads, layers, layers
    machine = _machine(*sizes, network.W_1.out_features)
    weights = {f"encoder.{name}": weight for name, weight in torchs_encoder(module.encoder, "pre")[1].items()}
    for i, block in enumerate(module.decoder.blocks):
        weights |= {f"decoder.layers.{i}.{name}": weight for name, weight in _decoder_weights(block).items()}
    weights |= {f"decoder.norm.{kind}": getattr(module.decoder.norm, kind) for kind in ("weight", "bias")}
    padding = torch.arange(source.shape[1], device=source.device) >= source_lengths[:, None]
    future = torch.ones(target.shape[1], target.shape[1], dtype=torch.bool, device=target.device).triu(1)
    masks = {"tgt_mask": future, "src_key_padding_mask": padding, "memory_key_padding_mask": padding}
    texts = module.positions(module.source(source)), module.positions(module.target(target))
    return module.W_vocabulary(functional_call(machine, weights, texts, masks))


def torchs_mask(x, mask, num_heads, memory=None):
    """Return PyTorch's mask, in which True hides, one for each head of each sentence."""
    if mask is None:
        return None
    batch, length, _ = x.shape
    k_len = length if memory is None else memory.shape[1]
    return ~mask.expand(batch, length, k_len).repeat_interleave(num_heads, dim=0)


def _weights(module):
    norms = module.norm_attention, module.norm_feed_forward
    return {**_attention_weights("self_attn", module.attention), **_other_weights(module.feed_forward, *norms)}


def _decoder_weights(module):
    norms = module.norm_self_attention, module.norm_cross_attention, module.norm_feed_forward
    return {
        **_attention_weights("self_attn", module.self_attention),
        **_attention_weights("multihead_attn", module.cross_attention),
        **_other_weights(module.feed_forward, *norms),
    }


def _attention_weights(place, attention):
    maps = (attention.W_q, attention.W_k, attention.W_v)
    return {
        f"{place}.in_proj_weight": torch.cat([one.weight for one in maps]),
        f"{place}.in_proj_bias": torch.cat([one.bias for one in maps]),
        f"{place}.out_proj.weight": attention.W_o.weight,
        f"{place}.out_proj.bias": attention.W_o.bias,
    }


def _other_weights(network, *norms):
    places = {"linear1": network.W_1, "linear2": network.W_2}
    places |= {f"norm{number}": norm for number, norm in enumerate(norms, 1)}
    return {f"{place}.{kind}": getattr(one, kind) for place, one in places.items() for kind in ("weight", "bias")}


@functools.cache
def _layer(d_model, num_heads, d_ff, dropout, norm, kind=nn.TransformerEncoderLayer):
    with torch.device("meta"):  # all its parameters are given with the call
        layer = kind(d_model, num_heads, d_ff, dropout, batch_first=True, norm_first=norm == "pre")
    layer.self_attn.dropout, layer.dropout = 0.0, nn.Identity()  # it drops in two more places than the paper does
    if kind is nn.TransformerDecoderLayer:
        layer.multihead_attn.dropout = 0.0
    return layer


@functools.cache
def _machine(d_model, num_heads, encoder_layers, decoder_layers, d_ff):
    options = {"dropout": 0.0, "batch_first": True, "norm_first": True, "device": "meta"}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "enable_nested_tensor is True")  # PyTorch speaks of its fast path
        return nn.Transformer(d_model, num_heads, encoder_layers, decoder_layers, d_ff, **options)


@functools.cache
def _stack(layer, num_layers):
    with torch.device("meta"):
        last = nn.LayerNorm(layer.norm1.normalized_shape)
        return nn.TransformerEncoder(layer, num_layers, norm=last, enable_nested_tensor=False)
