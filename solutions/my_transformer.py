"""The course's own Transformer, part by part: the answers of the solutions, put together.

A learner's own my_transformer.py takes from here what is not theirs yet. Made by `course.py release`.
"""

import math

import torch
from torch import nn

# 04.padding_mask ------------------------------------------------------------------------------------------------------


def padding_mask(lengths, max_len):
    """Return where the keys are real: lengths (batch,) -> (batch, 1, max_len) boolean, on the device of lengths."""
    positions = torch.arange(max_len, device=lengths.device)
    return positions < lengths[:, None, None]


# 04.causal_mask -------------------------------------------------------------------------------------------------------


def causal_mask(length):
    """Return who may attend to whom when nobody sees the future: (length, length) boolean, on the CPU."""
    positions = torch.arange(length)
    return positions[:, None] >= positions[None, :]


# 04.masked_softmax ----------------------------------------------------------------------------------------------------


def masked_softmax(scores, mask):
    """Return the softmax over the allowed keys, 0 where there are none: both (..., q_len, k_len)."""
    weights = torch.softmax(torch.where(mask, scores, -math.inf), dim=-1)  # an empty row is NaN here
    return torch.where(mask, weights, 0.0)


# 04.masked_attention --------------------------------------------------------------------------------------------------


def masked_attention(query, key, value, mask=None):
    """Return attention over the keys that the mask allows: (..., q_len, d_v).

    query: (..., q_len, d_k); key: (..., k_len, d_k); value: (..., k_len, d_v); mask: (..., q_len, k_len) or None.
    """
    scores = (query / math.sqrt(query.shape[-1])) @ key.mT  # (..., q_len, k_len)
    weights = torch.softmax(scores, dim=-1) if mask is None else masked_softmax(scores, mask)
    return weights @ value


# 05.SelfAttention -----------------------------------------------------------------------------------------------------


class SelfAttention(nn.Module):
    """One head of self-attention: what each token gathers from those that it may attend to."""

    def __init__(self, d_model, d_k):
        super().__init__()
        self.W_q = nn.Linear(d_model, d_k)
        self.W_k = nn.Linear(d_model, d_k)
        self.W_v = nn.Linear(d_model, d_k)
        self.W_o = nn.Linear(d_k, d_model)

    def forward(self, x, mask=None):
        """Return what each token gathers: (..., length, d_model) -> (..., length, d_model)."""
        return self.W_o(masked_attention(self.W_q(x), self.W_k(x), self.W_v(x), mask))


# 06.split_heads -------------------------------------------------------------------------------------------------------


def split_heads(x, num_heads):
    """Return every vector cut into heads: (..., length, d_model) -> (..., num_heads, length, d_k)."""
    *leading, length, d_model = x.shape
    pieces = x.reshape(*leading, length, num_heads, d_model // num_heads)
    return pieces.swapaxes(-3, -2)


# 06.merge_heads -------------------------------------------------------------------------------------------------------


def merge_heads(heads):
    """Return the heads side by side: (..., num_heads, length, d_k) -> (..., length, num_heads * d_k)."""
    *leading, num_heads, length, d_k = heads.shape
    return heads.swapaxes(-3, -2).reshape(*leading, length, num_heads * d_k)


# 06.MultiHeadAttention ------------------------------------------------------------------------------------------------


class MultiHeadAttention(nn.Module):
    """Attention in several heads at once: self-attention, or cross-attention if there is a memory."""

    def __init__(self, d_model, num_heads):
        super().__init__()
        self.num_heads = num_heads
        self.W_q, self.W_k, self.W_v, self.W_o = (nn.Linear(d_model, d_model) for _ in range(4))

    def forward(self, x, memory=None, mask=None):
        """Return what each token of x gathers from the memory: (batch, q_len, d_model)."""
        memory = x if memory is None else memory
        maps = self.W_q(x), self.W_k(memory), self.W_v(memory)
        mask = None if mask is None else mask[..., None, :, :]  # one for all heads
        heads = masked_attention(*(split_heads(each, self.num_heads) for each in maps), mask)
        return self.W_o(merge_heads(heads))


# 07.sinusoidal_positions ----------------------------------------------------------------------------------------------


def sinusoidal_positions(x, start):
    """Return x plus the vectors of positions start, start + 1, ...: (..., length, d_model)."""
    length, d_model = x.shape[-2:]
    positions = torch.arange(start, start + length)[:, None]  # (length, 1)
    angles = positions * 10000.0 ** (-torch.arange(0, d_model, 2) / d_model)  # (length, d_model / 2)
    vectors = torch.zeros(length, d_model)
    vectors[:, 0::2] = torch.sin(angles)
    vectors[:, 1::2] = torch.cos(angles)
    return x + vectors


# 07.SinusoidalPositions -----------------------------------------------------------------------------------------------


class SinusoidalPositions(nn.Module):
    """Adds sines and cosines of its position to each element of a sequence."""

    def forward(self, x, start=0):
        """Return x plus the vectors of positions start, start + 1, ...: (..., length, d_model)."""
        vectors = sinusoidal_positions(torch.zeros(x.shape[-2:]), start)  # (length, d_model)
        return x + vectors.to(x)


# 08.layer_norm --------------------------------------------------------------------------------------------------------


def layer_norm(x, weight, bias):
    """Return every word normalized, scaled and shifted: (..., d_model), (d_model,), (d_model,) -> (..., d_model)."""
    centered = x - x.mean(dim=-1, keepdim=True)
    variance = (centered**2).mean(dim=-1, keepdim=True)
    return centered / (variance + 1e-5) ** 0.5 * weight + bias


# 08.FeedForward -------------------------------------------------------------------------------------------------------


class FeedForward(nn.Module):
    """Two linear maps, and between them everything below 0 is cut off."""

    def __init__(self, d_model, d_ff):
        super().__init__()
        self.W_1 = nn.Linear(d_model, d_ff)
        self.W_2 = nn.Linear(d_ff, d_model)

    def forward(self, x):
        """Return what the network makes of every word: (..., d_model) -> (..., d_model)."""
        return self.W_2(torch.relu(self.W_1(x)))


# 08.EncoderBlock ------------------------------------------------------------------------------------------------------


class EncoderBlock(nn.Module):
    """Self-attention, then the feed-forward network, each with dropout, a sum and a norm around it."""

    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, norm="pre"):
        super().__init__()
        self.attention = MultiHeadAttention(d_model, num_heads)
        self.feed_forward = FeedForward(d_model, d_ff)
        self.norm_attention = nn.LayerNorm(d_model)
        self.norm_feed_forward = nn.LayerNorm(d_model)
        self.dropout = nn.Dropout(dropout)
        self.is_pre = norm == "pre"

    def forward(self, x, mask=None):
        """Return the output of the block for every word: (batch, length, d_model) -> (batch, length, d_model)."""
        if self.is_pre:
            x = x + self.dropout(self.attention(self.norm_attention(x), mask=mask))
            return x + self.dropout(self.feed_forward(self.norm_feed_forward(x)))
        x = self.norm_attention(x + self.dropout(self.attention(x, mask=mask)))
        return self.norm_feed_forward(x + self.dropout(self.feed_forward(x)))


# 08.Encoder -----------------------------------------------------------------------------------------------------------


class Encoder(nn.Module):
    """Blocks one after the other, and a last norm."""

    def __init__(self, num_layers, d_model, num_heads, d_ff, dropout=0.0, norm="pre"):
        super().__init__()
        self.blocks = nn.ModuleList(EncoderBlock(d_model, num_heads, d_ff, dropout, norm) for _ in range(num_layers))
        self.norm = nn.LayerNorm(d_model)

    def forward(self, x, mask=None):
        """Return what the stack makes of every word: (batch, length, d_model) -> (batch, length, d_model)."""
        for block in self.blocks:
            x = block(x, mask)
        return self.norm(x)


# 09.DecoderBlock ------------------------------------------------------------------------------------------------------


class DecoderBlock(nn.Module):
    """Self-attention, cross-attention and the network, each with dropout, a sum and a norm around it."""

    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, norm="pre"):
        super().__init__()
        self.self_attention, self.cross_attention = (MultiHeadAttention(d_model, num_heads) for _ in range(2))
        self.feed_forward = FeedForward(d_model, d_ff)
        self.norm_self_attention, self.norm_cross_attention = (nn.LayerNorm(d_model) for _ in range(2))
        self.norm_feed_forward = nn.LayerNorm(d_model)
        self.dropout, self.is_pre = nn.Dropout(dropout), norm == "pre"

    def forward(self, x, memory, mask=None, memory_mask=None):
        """Return the block's output for every position that is written: (batch, length, d_model)."""
        if self.is_pre:
            x = x + self.dropout(self.self_attention(self.norm_self_attention(x), mask=mask))
            x = x + self.dropout(self.cross_attention(self.norm_cross_attention(x), memory, memory_mask))
            return x + self.dropout(self.feed_forward(self.norm_feed_forward(x)))
        x = self.norm_self_attention(x + self.dropout(self.self_attention(x, mask=mask)))
        x = self.norm_cross_attention(x + self.dropout(self.cross_attention(x, memory, memory_mask)))
        return self.norm_feed_forward(x + self.dropout(self.feed_forward(x)))


# 09.Decoder -----------------------------------------------------------------------------------------------------------


class Decoder(nn.Module):
    """Blocks one after the other under one causal mask, and a last norm."""

    def __init__(self, num_layers, d_model, num_heads, d_ff, dropout=0.0, norm="pre"):
        super().__init__()
        self.blocks = nn.ModuleList(DecoderBlock(d_model, num_heads, d_ff, dropout, norm) for _ in range(num_layers))
        self.norm = nn.LayerNorm(d_model)

    def forward(self, x, memory, memory_mask=None):
        """Return what the stack makes of every position that is written: (batch, length, d_model)."""
        mask = causal_mask(x.shape[1]).to(x.device)
        for block in self.blocks:
            x = block(x, memory, mask, memory_mask)
        return self.norm(x)


# 09.Transformer -------------------------------------------------------------------------------------------------------


class Transformer(nn.Module):
    """Reads a source, and says of every position of a target which token comes next."""

    def __init__(self, source_size, target_size, d_model, num_heads, d_ff, num_layers, dropout=0.0, norm="pre"):
        super().__init__()
        self.source = nn.Embedding(source_size, d_model)
        self.target = nn.Embedding(target_size, d_model)
        self.positions = SinusoidalPositions()
        self.dropout = nn.Dropout(dropout)
        self.encoder = Encoder(num_layers, d_model, num_heads, d_ff, dropout, norm)
        self.decoder = Decoder(num_layers, d_model, num_heads, d_ff, dropout, norm)
        self.W_vocabulary = nn.Linear(d_model, target_size)

    def forward(self, source, target, source_lengths):
        """Return the logits of the token after each position of the target: (batch, length, target_size)."""
        mask = padding_mask(source_lengths, source.shape[1])  # (batch, 1, k_len)
        memory = self.encoder(self.dropout(self.positions(self.source(source))), mask)
        x = self.decoder(self.dropout(self.positions(self.target(target))), memory, mask)
        return self.W_vocabulary(x)


# 09b.extend_cache -----------------------------------------------------------------------------------------------------


def extend_cache(attention, x, cache):
    """Return the cache with keys and values of x behind it: (2, batch, num_heads, past + length, d_k)."""
    key = split_heads(attention.W_k(x), attention.num_heads)  # (batch, num_heads, length, d_k)
    value = split_heads(attention.W_v(x), attention.num_heads)
    new = torch.stack([key, value])
    return new if cache is None else torch.cat([cache, new], dim=-2)


# 09b.attend_to_cache --------------------------------------------------------------------------------------------------


def attend_to_cache(attention, x, cache, mask=None):
    """Return what each position of x gathers from all of the cache: (batch, q_len, d_model)."""
    if mask is not None and mask.ndim == 3:
        mask = mask[:, None]  # (batch, 1, q_len or 1, k_len): the same for every head
    query = split_heads(attention.W_q(x), attention.num_heads)  # (batch, num_heads, q_len, d_k)
    gathered = masked_attention(query, cache[0], cache[1], mask)
    return attention.W_o(merge_heads(gathered))


# 09b.greedy_decode ----------------------------------------------------------------------------------------------------


def greedy_decode(model, source, source_lengths, begin, end, max_len):
    """Return the tokens written by greedy choice, filled up with END: (batch, max_len)."""
    tokens = torch.full((len(source), 1), begin, device=source.device)
    done = torch.zeros(len(source), dtype=torch.bool, device=source.device)
    for _ in range(max_len):
        logits = model(source, tokens, source_lengths)[:, -1]  # (batch, target_size)
        chosen = torch.where(done, end, logits.argmax(dim=-1))
        tokens = torch.cat([tokens, chosen[:, None]], dim=1)
        done = done | (chosen == end)
    return tokens[:, 1:]


# 09b.cached_logits ----------------------------------------------------------------------------------------------------


def cached_logits(model, source, source_lengths, target):
    """Return the logits of every step, token by token with caches: (batch, length, target_size)."""
    mask, blocks = padding_mask(source_lengths, source.shape[1]), model.decoder.blocks
    memory = model.encoder(model.positions(model.source(source)), mask)
    bridges = [extend_cache(block.cross_attention, memory, None) for block in blocks]
    caches, steps = [None] * len(blocks), []
    for t in range(target.shape[1]):
        x = model.positions(model.target(target[:, t : t + 1]), start=t)  # (batch, 1, d_model)
        for i, block in enumerate(blocks):
            normed = block.norm_self_attention(x)
            caches[i] = extend_cache(block.self_attention, normed, caches[i])
            x = x + attend_to_cache(block.self_attention, normed, caches[i])
            x = x + attend_to_cache(block.cross_attention, block.norm_cross_attention(x), bridges[i], mask)
            x = x + block.feed_forward(block.norm_feed_forward(x))
        steps.append(model.W_vocabulary(model.decoder.norm(x)))
    return torch.cat(steps, dim=1)


# 09b.beam_search ------------------------------------------------------------------------------------------------------


def beam_search(model, source, source_lengths, begin, end, max_len, width, alpha):
    """Return the text with the best log P / lp that a beam finds, filled up with END: (max_len,)."""
    going, ended = [(0.0, [])], []  # pairs of log P and tokens
    for _ in range(max_len):
        candidates = []
        for so_far, text in going:
            target = torch.tensor([[begin, *text]], device=source.device)
            log_p = torch.log_softmax(model(source, target, source_lengths)[0, -1], dim=-1)
            candidates += [(so_far + more, [*text, token]) for token, more in enumerate(log_p.tolist())]
        kept = sorted(candidates, reverse=True)[: width - len(ended)]
        ended += [pair for pair in kept if pair[1][-1] == end]
        going = [pair for pair in kept if pair[1][-1] != end]
    _, text = max(ended + going, key=lambda pair: pair[0] / ((5 + len(pair[1])) / 6) ** alpha)
    return torch.tensor(text + [end] * (max_len - len(text)), device=source.device)


# 10.teacher_forced_batch ----------------------------------------------------------------------------------------------


def teacher_forced_batch(targets, lengths, begin, end):
    """Return the inputs and the labels of a padded batch: (batch, length) -> (2, batch, length + 1)."""
    batch, length = targets.shape
    both = torch.zeros(2, batch, length + 1, dtype=targets.dtype)  # padding
    inputs, labels = both
    inputs[:, 0] = begin
    inputs[:, 1:] = targets
    labels[:, :-1] = targets
    labels[torch.arange(batch), lengths] = end
    return both


# 10.padded_cross_entropy ----------------------------------------------------------------------------------------------


def padded_cross_entropy(logits, labels):
    """Return the mean loss of the real labels: (batch, length, vocab), (batch, length) -> ()."""
    real = labels != 0
    log_p = logits[real].log_softmax(dim=-1)  # (n, vocab)
    return -log_p.gather(-1, labels[real].unsqueeze(-1)).mean()


# 10.learning_rate -----------------------------------------------------------------------------------------------------


def learning_rate(steps, peak, warmup, total):
    """Return the learning rate of each step: (n,) -> (n,)."""
    up = steps / warmup
    way = (steps - warmup) / (total + 1 - warmup)
    down = (1 + torch.cos(math.pi * way)) / 2
    return peak * torch.where(steps <= warmup, up, down)


# 10.adam_step ---------------------------------------------------------------------------------------------------------


def adam_step(weight, gradient, first, second, step, rate, beta_1, beta_2, eps):
    """Return the new weight and the new moments, stacked: (...) four times -> (3, ...)."""
    first = beta_1 * first + (1 - beta_1) * gradient
    second = beta_2 * second + (1 - beta_2) * gradient**2
    first_hat = first / (1 - beta_1**step)
    second_hat = second / (1 - beta_2**step)
    weight = weight - rate * first_hat / (second_hat.sqrt() + eps)
    return torch.stack([weight, first, second])


# 10.training_step -----------------------------------------------------------------------------------------------------


def training_step(model, optimizer, source, source_lengths, inputs, labels, clip):
    """Take one step and return the loss before it: (batch, k_len), (batch,), (batch, length) twice -> ()."""
    loss = padded_cross_entropy(model(source, inputs, source_lengths), labels)
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
    optimizer.step()
    return loss.detach()
