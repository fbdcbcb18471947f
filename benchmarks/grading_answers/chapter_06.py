"""Answers to chapter 06 as a class writes them: `TASK_right_...` and `TASK_wrong_...`, for benchmarks/grading.py.

Where a wrong answer says DRAWN, a number is drawn for each student, so that it is a mistake nobody has seen before.
"""

# ruff: noqa: N801
import math

import torch
from torch import nn

from my_transformer import masked_attention

DRAWN = 0.731


def split_heads_right_swapaxes(x, num_heads):
    *leading, length, d_model = x.shape
    pieces = x.reshape(*leading, length, num_heads, d_model // num_heads)
    return pieces.swapaxes(-3, -2)


def split_heads_right_view(x, num_heads):
    d_k = x.shape[-1] // num_heads
    return x.view(*x.shape[:-1], num_heads, d_k).transpose(-3, -2)


def split_heads_right_stack(x, num_heads):
    return torch.stack(x.chunk(num_heads, dim=-1), dim=-3)


def split_heads_wrong_reshape_alone(x, num_heads):
    *leading, length, d_model = x.shape
    return x.reshape(*leading, num_heads, length, d_model // num_heads)


def split_heads_wrong_not_swapped(x, num_heads):
    return x.reshape(*x.shape[:-1], num_heads, x.shape[-1] // num_heads)


def split_heads_wrong_interleaved(x, num_heads):
    *leading, length, d_model = x.shape
    return x.reshape(*leading, length, d_model // num_heads, num_heads).movedim(-1, -3)


def split_heads_wrong_unseen(x, num_heads):
    pieces = torch.stack(x.chunk(num_heads, dim=-1), dim=-3)
    return pieces + DRAWN * pieces.flip(-2)


def merge_heads_right_reshape(heads):
    *leading, num_heads, length, d_k = heads.shape
    return heads.swapaxes(-3, -2).reshape(*leading, length, num_heads * d_k)


def merge_heads_right_cat(heads):
    return torch.cat(heads.unbind(-3), dim=-1)


def merge_heads_right_flatten(heads):
    return heads.movedim(-3, -2).flatten(-2)


def merge_heads_wrong_reshape_alone(heads):
    *leading, num_heads, length, d_k = heads.shape
    return heads.reshape(*leading, length, num_heads * d_k)


def merge_heads_wrong_interleaved(heads):
    *leading, num_heads, length, d_k = heads.shape
    return heads.movedim(-3, -1).reshape(*leading, length, num_heads * d_k)


def merge_heads_wrong_mean(heads):
    return heads.mean(dim=-3)


def merge_heads_wrong_view(heads):
    *leading, num_heads, length, d_k = heads.shape
    return heads.swapaxes(-3, -2).view(*leading, length, num_heads * d_k)


def merge_heads_wrong_unseen(heads):
    merged = torch.cat(heads.unbind(-3), dim=-1)
    return merged * (1 + DRAWN * torch.arange(merged.shape[-1], dtype=merged.dtype))


class MultiHeadAttention_right_parts(nn.Module):
    def __init__(self, d_model, num_heads):
        super().__init__()
        self.num_heads = num_heads
        self.W_q, self.W_k, self.W_v, self.W_o = (nn.Linear(d_model, d_model) for _ in range(4))

    def forward(self, x, memory=None, mask=None):
        memory = x if memory is None else memory
        maps = self.W_q(x), self.W_k(memory), self.W_v(memory)
        mask = None if mask is None else mask[..., None, :, :]
        cut = [torch.stack(each.chunk(self.num_heads, dim=-1), dim=-3) for each in maps]
        return self.W_o(torch.cat(masked_attention(*cut, mask).unbind(-3), dim=-1))


class MultiHeadAttention_right_views(nn.Module):
    def __init__(self, d_model, num_heads):
        super().__init__()
        self.h, self.d_k = num_heads, d_model // num_heads
        self.W_q = nn.Linear(d_model, d_model)
        self.W_k = nn.Linear(d_model, d_model)
        self.W_v = nn.Linear(d_model, d_model)
        self.W_o = nn.Linear(d_model, d_model)

    def forward(self, x, memory=None, mask=None):
        if memory is None:
            memory = x
        batch, q_len, d_model = x.shape
        k_len = memory.shape[1]
        q = self.W_q(x).view(batch, q_len, self.h, self.d_k).transpose(1, 2)
        k = self.W_k(memory).view(batch, k_len, self.h, self.d_k).transpose(1, 2)
        v = self.W_v(memory).view(batch, k_len, self.h, self.d_k).transpose(1, 2)
        if mask is not None:
            mask = mask.unsqueeze(-3)
        out = masked_attention(q, k, v, mask)
        return self.W_o(out.transpose(1, 2).reshape(batch, q_len, d_model))


class MultiHeadAttention_wrong_no_output_map(nn.Module):
    def __init__(self, d_model, num_heads):
        super().__init__()
        self.num_heads = num_heads
        self.W_q, self.W_k, self.W_v, self.W_o = (nn.Linear(d_model, d_model) for _ in range(4))

    def forward(self, x, memory=None, mask=None):
        memory = x if memory is None else memory
        maps = self.W_q(x), self.W_k(memory), self.W_v(memory)
        mask = None if mask is None else mask[..., None, :, :]
        cut = [torch.stack(each.chunk(self.num_heads, dim=-1), dim=-3) for each in maps]
        return torch.cat(masked_attention(*cut, mask).unbind(-3), dim=-1)


class MultiHeadAttention_wrong_values_from_x(nn.Module):
    def __init__(self, d_model, num_heads):
        super().__init__()
        self.num_heads = num_heads
        self.W_q, self.W_k, self.W_v, self.W_o = (nn.Linear(d_model, d_model) for _ in range(4))

    def forward(self, x, memory=None, mask=None):
        maps = self.W_q(x), self.W_k(x), self.W_v(x)
        mask = None if mask is None else mask[..., None, :, :]
        cut = [torch.stack(each.chunk(self.num_heads, dim=-1), dim=-3) for each in maps]
        return self.W_o(torch.cat(masked_attention(*cut, mask).unbind(-3), dim=-1))


class MultiHeadAttention_wrong_mask_forgotten(nn.Module):
    def __init__(self, d_model, num_heads):
        super().__init__()
        self.num_heads = num_heads
        self.W_q, self.W_k, self.W_v, self.W_o = (nn.Linear(d_model, d_model) for _ in range(4))

    def forward(self, x, memory=None, mask=None):
        memory = x if memory is None else memory
        maps = self.W_q(x), self.W_k(memory), self.W_v(memory)
        cut = [torch.stack(each.chunk(self.num_heads, dim=-1), dim=-3) for each in maps]
        return self.W_o(torch.cat(masked_attention(*cut, None).unbind(-3), dim=-1))


class MultiHeadAttention_wrong_mask_without_axis(nn.Module):
    def __init__(self, d_model, num_heads):
        super().__init__()
        self.num_heads = num_heads
        self.W_q, self.W_k, self.W_v, self.W_o = (nn.Linear(d_model, d_model) for _ in range(4))

    def forward(self, x, memory=None, mask=None):
        memory = x if memory is None else memory
        maps = self.W_q(x), self.W_k(memory), self.W_v(memory)
        cut = [torch.stack(each.chunk(self.num_heads, dim=-1), dim=-3) for each in maps]
        return self.W_o(torch.cat(masked_attention(*cut, mask).unbind(-3), dim=-1))


class MultiHeadAttention_wrong_root_of_d_model(nn.Module):
    def __init__(self, d_model, num_heads):
        super().__init__()
        self.num_heads = num_heads
        self.W_q, self.W_k, self.W_v, self.W_o = (nn.Linear(d_model, d_model) for _ in range(4))

    def forward(self, x, memory=None, mask=None):
        memory = x if memory is None else memory
        maps = self.W_q(x), self.W_k(memory), self.W_v(memory)
        q, k, v = (torch.stack(each.chunk(self.num_heads, dim=-1), dim=-3) for each in maps)
        scores = q @ k.mT / math.sqrt(x.shape[-1])
        if mask is not None:
            scores = scores.masked_fill(~mask[..., None, :, :], -math.inf)
        weights = torch.softmax(scores, dim=-1).nan_to_num()
        return self.W_o(torch.cat((weights @ v).unbind(-3), dim=-1))


class MultiHeadAttention_wrong_unseen(nn.Module):
    def __init__(self, d_model, num_heads):
        super().__init__()
        self.num_heads = num_heads
        self.W_q, self.W_k, self.W_v, self.W_o = (nn.Linear(d_model, d_model) for _ in range(4))

    def forward(self, x, memory=None, mask=None):
        memory = x if memory is None else memory
        maps = self.W_q(x) * DRAWN, self.W_k(memory), self.W_v(memory)
        mask = None if mask is None else mask[..., None, :, :]
        cut = [torch.stack(each.chunk(self.num_heads, dim=-1), dim=-3) for each in maps]
        return self.W_o(torch.cat(masked_attention(*cut, mask).unbind(-3), dim=-1))


def in_projection_right_chunk(x, in_proj_weight, in_proj_bias, num_heads):
    projected = x @ in_proj_weight.T + in_proj_bias
    parts = projected.chunk(3, dim=-1)
    return torch.stack([torch.stack(part.chunk(num_heads, dim=-1), dim=-3) for part in parts])


def in_projection_right_functional(x, in_proj_weight, in_proj_bias, num_heads):
    *leading, length, d_model = x.shape
    qkv = nn.functional.linear(x, in_proj_weight, in_proj_bias)
    return qkv.reshape(*leading, length, 3, num_heads, d_model // num_heads).movedim(-3, 0).swapaxes(-3, -2)


def in_projection_wrong_no_bias(x, in_proj_weight, in_proj_bias, num_heads):
    parts = (x @ in_proj_weight.T).chunk(3, dim=-1)
    return torch.stack([torch.stack(part.chunk(num_heads, dim=-1), dim=-3) for part in parts])


def in_projection_wrong_not_transposed(x, in_proj_weight, in_proj_bias, num_heads):
    parts = (x @ in_proj_weight + in_proj_bias).chunk(3, dim=-1)
    return torch.stack([torch.stack(part.chunk(num_heads, dim=-1), dim=-3) for part in parts])


def in_projection_wrong_reshape_alone(x, in_proj_weight, in_proj_bias, num_heads):
    *leading, length, d_model = x.shape
    parts = (x @ in_proj_weight.T + in_proj_bias).chunk(3, dim=-1)
    return torch.stack([part.reshape(*leading, num_heads, length, d_model // num_heads) for part in parts])


def in_projection_wrong_unseen(x, in_proj_weight, in_proj_bias, num_heads):
    parts = (x @ in_proj_weight.T + DRAWN * in_proj_bias).chunk(3, dim=-1)
    return torch.stack([torch.stack(part.chunk(num_heads, dim=-1), dim=-3) for part in parts])
