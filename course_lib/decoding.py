"""Writing with a Transformer, token by token: greedy, sampled, and beam search.

Each step sees the keys and values that earlier steps computed (the cache), so it costs one position and not all.
"""

import torch


@torch.no_grad()
def greedy(model, source, lengths=None, *, begin, end, max_len):
    """Return for each input the tokens that are most probable one by one: a list of lists, without BEGIN and END.

    Args:
        model: a `Transformer`, in evaluation mode: dropout would make its choices random.
        source: (batch, k_len) tokens, or (batch, k_len, d_input) frames.
        lengths: (batch,) integers: how many positions of the source are real.
        begin, end: the tokens BEGIN and END.
        max_len: stop after so many tokens.
    """
    return _write(model, source, lengths, begin, end, max_len, lambda logits: logits.argmax(dim=-1))


@torch.no_grad()
def sampled(model, source, lengths=None, *, begin, end, max_len, generator, temperature=1.0):
    """Return for each input tokens drawn from the model's distribution; the same generator state gives the same tokens.

    Args:
        generator: a `torch.Generator` on the model's device.
        temperature: divides the logits; below 1 favors the probable, above 1 the improbable.
        The others as `greedy`.

    Raises:
        ValueError: the temperature is not above 0.
    """
    if temperature <= 0:
        raise ValueError(f"temperature divides the logits, so it must be above 0, not {temperature}; at 0 use greedy.")

    def draw(logits):
        return torch.multinomial(torch.softmax(logits / temperature, dim=-1), 1, generator=generator)[:, 0]

    return _write(model, source, lengths, begin, end, max_len, draw)


def _write(model, source, lengths, begin, end, max_len, choose):
    state = model.begin(source, lengths)
    tokens = torch.full((len(source),), begin, device=source.device)
    written = []
    done = torch.zeros(len(source), dtype=torch.bool, device=source.device)
    for _ in range(max_len):
        logits, state, _ = model.step(tokens, state)
        tokens = choose(logits)
        written.append(tokens)
        done = done | (tokens == end)
        if done.all():
            break
    return _until_end(torch.stack(written, dim=1), end) if written else [[] for _ in range(len(source))]


def _until_end(tokens, end):  # who ends early goes on until all have ended
    return [row[: row.index(end)] if end in row else row for row in tokens.tolist()]


@torch.no_grad()
def greedy_without_cache(model, source, lengths=None, *, begin, end, max_len):
    """Return what `greedy` returns, by running the decoder over all the tokens again at every step."""
    memory = model.encode(source, lengths)
    tokens = torch.full((len(source), 1), begin, device=source.device)
    done = torch.zeros(len(source), dtype=torch.bool, device=source.device)
    for _ in range(max_len):
        output, _ = model.decoder(model.embed(tokens), memory, None, lengths)
        chosen = model.W_vocabulary(output[:, -1]).argmax(dim=-1)
        tokens = torch.cat([tokens, chosen[:, None]], dim=1)
        done = done | (chosen == end)
        if done.all():
            break
    return _until_end(tokens[:, 1:], end)


@torch.no_grad()
def beam(model, source, lengths=None, *, begin, end, max_len, width):
    """Return for each input the most probable sequence that beam search finds: a list of lists, as `greedy`.

    At every step the `width` most probable beginnings are kept; one that ends keeps its place and is not continued. A
    beam of width 1 is greedy.

    Args:
        width: how many beginnings are kept.
        The others as `greedy`.

    Raises:
        ValueError: the width is below 1.
    """
    if width < 1:
        raise ValueError(f"a beam keeps at least 1 beginning, not width={width}.")
    return [
        _beam_of_one(
            model, source[i : i + 1], None if lengths is None else lengths[i : i + 1], begin, end, max_len, width
        )
        for i in range(len(source))
    ]


def _beam_of_one(model, source, length, begin, end, max_len, width):
    state = model.begin(source, length)
    tokens = torch.tensor([begin], device=source.device)
    finished, kept = [], [(0.0, [])]  # beginnings: (log probability, tokens)
    for _ in range(max_len):
        logits, state, _ = model.step(tokens, state)
        so_far = torch.tensor([score for score, _ in kept], dtype=logits.dtype, device=logits.device)
        scores = so_far[:, None] + torch.log_softmax(logits, dim=-1)  # (kept, vocabulary)
        best = scores.flatten().topk(min(width - len(finished), scores.numel()))
        before, kept, parents = kept, [], []
        for score, index in zip(best.values.tolist(), best.indices.tolist(), strict=True):
            parent, token = divmod(index, scores.shape[1])
            written = before[parent][1]
            if token == end:
                finished.append((score, written))
            else:
                kept.append((score, [*written, token]))
                parents.append(parent)
        if not kept:
            break
        state = state.select(torch.tensor(parents, device=source.device))
        tokens = torch.tensor([written[-1] for _, written in kept], device=source.device)
    return max(finished + kept, key=lambda pair: pair[0])[1]
