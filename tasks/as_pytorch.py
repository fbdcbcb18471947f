"""The blocks of a Transformer by PyTorch's own layers, with the weights of the course's modules: the oracle of tasks that
build them. Gradients get back to those weights."""

import functools

import torch
from torch import nn
from torch.func import functional_call


def encoder_block(block, x, mask, norm):
    """Return what `nn.TransformerEncoderLayer` makes of x with the block's weights."""
    weights = {
        **_of_attention("self_attn", block.attention),
        **_of_rest(block, (block.norm_attention, block.norm_feed_forward)),
    }
    layer = _layer(nn.TransformerEncoderLayer, block, block.attention, norm)
    return functional_call(layer, weights, (x,), {"src_mask": _blocked(mask, x, x, block.attention)})


def decoder_block(block, x, memory, mask, memory_mask, norm):
    """Return what `nn.TransformerDecoderLayer` makes of x and memory with the block's weights."""
    weights = {
        **_of_attention("self_attn", block.self_attention),
        **_of_attention("multihead_attn", block.cross_attention),
        **_of_rest(block, (block.norm_self_attention, block.norm_cross_attention, block.norm_feed_forward)),
    }
    layer = _layer(nn.TransformerDecoderLayer, block, block.self_attention, norm)
    masks = {
        "tgt_mask": _blocked(mask, x, x, block.self_attention),
        "memory_mask": _blocked(memory_mask, x, memory, block.cross_attention),
    }
    return functional_call(layer, weights, (x, memory), masks)


def _layer(kind, block, attention, norm):
    d_ff, d_model = block.feed_forward.W_1.weight.shape
    return _built(kind, d_model, attention.num_heads, d_ff, block.dropout.p, norm == "pre").train(block.training)


@functools.cache
def _built(kind, d_model, num_heads, d_ff, dropout, is_pre):
    """Return a layer without weights: they are handed over with each call."""
    return kind(d_model, num_heads, d_ff, dropout, batch_first=True, norm_first=is_pre, device="meta")


def _of_attention(name, attention):
    maps = (attention.W_q, attention.W_k, attention.W_v)
    return {
        f"{name}.in_proj_weight": torch.cat([linear.weight for linear in maps]),
        f"{name}.in_proj_bias": torch.cat([linear.bias for linear in maps]),
        f"{name}.out_proj.weight": attention.W_o.weight,
        f"{name}.out_proj.bias": attention.W_o.bias,
    }


def _of_rest(block, norms):
    modules = {f"norm{number}": norm for number, norm in enumerate(norms, 1)}
    modules |= {"linear1": block.feed_forward.W_1, "linear2": block.feed_forward.W_2}
    return {f"{name}.{kind}": getattr(module, kind) for name, module in modules.items() for kind in ("weight", "bias")}


def _blocked(mask, x, others, attention):
    """Return a mask as PyTorch's attention takes it: True = blocked, one for every head of every sequence."""
    if mask is None or mask.ndim == 2:
        return None if mask is None else ~mask
    whole = mask.expand(len(x), x.shape[-2], others.shape[-2])
    return ~whole.repeat_interleave(attention.num_heads, dim=0)
