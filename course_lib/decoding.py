"""Writing with a Transformer, token by token: greedy, sampled, and beam search.

Each step sees the keys and values that earlier steps computed (the cache), so it costs one position and not all.
"""

import torch


@torch.no_grad()
def greedy(model, source, lengths=None, *, begin, end, max_len):
    """Return for each input the tokens that are most probable one by one: a list of lists, without BEGIN and END.

    Args:
        model: a `Transformer`.
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
    """

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
        tokens = torch.where(done, end, choose(logits))  # whoever is done stays done
        written.append(tokens)
        done = done | (tokens == end)
        if done.all():
            break
    rows = torch.stack(written, dim=1).tolist() if written else [[] for _ in range(len(source))]
    return [row[: row.index(end)] if end in row else row for row in rows]


@torch.no_grad()
def greedy_without_cache(model, source, lengths=None, *, begin, end, max_len):
    """Return what `greedy` returns, by running the decoder over all the tokens again at every step."""
    memory = model.encode(source, lengths)
    tokens = torch.full((len(source), 1), begin, device=source.device)
    done = torch.zeros(len(source), dtype=torch.bool, device=source.device)
    for _ in range(max_len):
        output, _ = model.decoder(model.embed(tokens), memory, None, lengths)
        chosen = torch.where(done, end, model.W_vocabulary(output[:, -1]).argmax(dim=-1))
        tokens = torch.cat([tokens, chosen[:, None]], dim=1)
        done = done | (chosen == end)
        if done.all():
            break
    rows = tokens[:, 1:].tolist()
    return [row[: row.index(end)] if end in row else row for row in rows]


@torch.no_grad()
def beam(model, source, lengths=None, *, begin, end, max_len, width):
    """Return for each input the most probable sequence that beam search finds: a list of lists, as `greedy`.

    At every step the `width` most probable beginnings are kept, finished ones among them; a beam of width 1 is greedy.

    Args:
        width: how many beginnings are kept.
        The others as `greedy`.
    """
    rows = range(len(source))
    return [
        _beam_of_one(
            model, source[i : i + 1], None if lengths is None else lengths[i : i + 1], begin, end, max_len, width
        )
        for i in rows
    ]


def _beam_of_one(model, source, length, begin, end, max_len, width):
    state = model.begin(source, length)
    tokens = torch.tensor([begin], device=source.device)
    kept, scores = [[]], torch.zeros(1, device=source.device)  # unfinished beginnings and their log probabilities
    finished = []  # (log probability, tokens)
    for _ in range(max_len):
        logits, state, _ = model.step(tokens, state)
        totals = scores[:, None] + torch.log_softmax(logits, dim=-1)  # (kept, vocabulary)
        best = totals.flatten().topk(min(width, totals.numel()))
        parents, chosen = best.indices // totals.shape[1], best.indices % totals.shape[1]
        goes_on = chosen != end
        finished += [
            (s.item(), kept[p]) for s, p in zip(best.values[~goes_on], parents[~goes_on].tolist(), strict=True)
        ]
        parents, tokens, scores = parents[goes_on], chosen[goes_on], best.values[goes_on]
        kept = [[*kept[p], token] for p, token in zip(parents.tolist(), tokens.tolist(), strict=True)]
        width = width - int((~goes_on).sum())
        if not kept:
            break
        state = state.select(parents)
    finished += list(zip(scores.tolist(), kept, strict=True))
    return max(finished, key=lambda pair: pair[0])[1]
