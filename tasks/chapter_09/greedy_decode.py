"""09.greedy_decode: BEGIN, the most probable next token, again and again, until END."""

import numpy as np
import torch

from grader.known import Known
from grader.task import Case, Task

known = Known()

LEAD = 4.0  # how far the most probable next token is ahead of the noise, in logits


def paths(rng, batch, vocab, max_len):
    """Each table leads from BEGIN along tokens of its own to END, after 1, 2, 3, ... tokens; the last one goes round in
    a circle and never ends. After END the tables go on, for whoever does not stop."""
    tokens = rng.permutation(vocab)
    begin, end, others = int(tokens[0]), int(tokens[1]), tokens[2:]
    logits = rng.uniform(-1, 1, size=(batch, vocab, vocab))
    lengths = rng.permutation([*range(1, batch), len(others)])
    for table, length in zip(logits, lengths, strict=True):
        path = rng.permutation(others)[:length]
        last = path[0] if length == len(others) else end
        table[[begin, *path], [*path, last]] += LEAD
        table[end, path[0]] += LEAD
    return {"logits": logits, "begin": begin, "end": end, "max_len": max_len}


def nothing_to_say(rng, batch, vocab, max_len):
    """One source has an empty translation: END comes first."""
    inputs = paths(rng, batch, vocab, max_len)
    inputs["logits"][rng.integers(batch), inputs["begin"], inputs["end"]] += 2 * LEAD
    return inputs


def reference(logits, begin, end, max_len):
    rows = torch.arange(len(logits))
    tokens = torch.full((len(logits),), begin)
    written = torch.full((len(logits), max_len), end)
    done = torch.zeros(len(logits), dtype=torch.bool)
    for position in range(max_len):
        tokens = torch.where(done, end, logits[rows, tokens].argmax(dim=-1))
        written[:, position] = tokens
        done = done | (tokens == end)
    return written


def _write(logits, begin, max_len, choose=lambda table, token: table[token].argmax()):
    """Write max_len tokens from every table without a look at END."""
    written = torch.empty(len(logits), max_len, dtype=torch.int64)
    for row, table in zip(written, logits, strict=True):
        token = begin
        for position in range(max_len):
            token = row[position] = choose(table, token)
    return written


def _fill(written, end, filling):
    """Replace what stands behind the first END."""
    ended = (written == end).long().cumsum(dim=1)
    return torch.where((ended >= 1) & ~((ended == 1) & (written == end)), filling, written)


def _until(row, end):
    return row[: row.index(end) + 1] if end in row else row


@known.mistake
def end_ignored(logits, begin, end, max_len):
    """END is ignored: what comes after it is written as well. Once a text has ended, all that follows is END."""
    return _write(logits, begin, max_len)


@known.mistake
def wrong_axis(logits, begin, end, max_len):
    """The argmax runs over the wrong axis: it looks for the token that leads to the last one. The row is the last
    token, the column the next one."""
    return _fill(_write(logits, begin, max_len, lambda table, token: table[:, token].argmax()), end, end)


@known.mistake
def begin_kept(logits, begin, end, max_len):
    """BEGIN is part of your result, and the last token fell off behind. BEGIN goes in, it is never written."""
    return torch.cat([torch.full((len(logits), 1), begin), reference(logits, begin, end, max_len)[:, :-1]], dim=1)


@known.mistake
def begin_kept_in_front(logits, begin, end, max_len):
    """BEGIN stands in front of what was written. It goes in, but it is no part of the text: leave it out."""
    return torch.cat([torch.full((len(logits), 1), begin), reference(logits, begin, end, max_len)], dim=1)


@known.mistake
def never_appended(logits, begin, end, max_len):
    """Every step asks what follows BEGIN. The token just chosen has to be the input of the next step."""
    return _fill(_write(logits, begin, max_len, lambda table, token: table[begin].argmax()), end, end)


@known.mistake
def filled_with_zeros(logits, begin, end, max_len):
    """The texts are right, but behind END stands 0. Here 0 is a token like any other: fill up with END."""
    return _fill(reference(logits, begin, end, max_len), end, 0)


@known.mistake
def filled_with_begin(logits, begin, end, max_len):
    """The texts are right, but they are filled up with BEGIN. Fill up with END."""
    return _fill(reference(logits, begin, end, max_len), end, begin)


@known.mistake
def all_stop_with_the_first(logits, begin, end, max_len):
    """All texts stop as soon as the first one has ended. The others go on: keep track of who is done, one by one."""
    written = reference(logits, begin, end, max_len)
    first = (written == end).any(dim=0).long().argmax()
    return torch.where(torch.arange(max_len) <= first, written, end)


@known.mistake
def stops_one_early(logits, begin, end, max_len):
    """One token is missing from the text that never ends: max_len tokens are to be written, not counting BEGIN."""
    written = reference(logits, begin, end, max_len)
    written[:, -1] = end
    return written


@known.mistake
def starts_from_zero(logits, begin, end, max_len):
    """The first step starts from token 0. It starts from `begin`."""
    return reference(logits, 0, end, max_len)


@known.mistake
def first_table_for_all(logits, begin, end, max_len):
    """All texts are written from the first table. Text b has its own: logits[b]."""
    return reference(logits[:1].expand_as(logits), begin, end, max_len)


@known.mistake
def least_probable(logits, begin, end, max_len):
    """Each step takes the least probable token: argmin in place of argmax, or a sort from the small end."""
    return reference(-logits, begin, end, max_len)


@known.mistake
def row_of_the_step(logits, begin, end, max_len):
    """Step number i looks into row i of the table. The row is the last token, first BEGIN, then what was chosen."""
    following = logits.argmax(dim=-1)
    written = following[:, [position % logits.shape[1] for position in range(max_len)]]
    return _fill(written, end, end)


@known.mistake
def rows_of_different_length(logits, begin, end, max_len):
    """Each text stops at its END, so the rows have different lengths, and no tensor can hold them. Fill them up with
    END to max_len."""
    return torch.tensor([_until(row, end) for row in _write(logits, begin, max_len).tolist()])


@known.mistake
def tokens_transposed(logits, begin, end, max_len):
    """The tokens are right, the axes are swapped: one row for each text, one column for each step."""
    return reference(logits, begin, end, max_len).T


@known.mistake
def numbers_with_a_point(logits, begin, end, max_len):
    """The tokens are right, but they are floating-point numbers. Tokens are integers: tell torch.zeros or torch.empty
    with dtype=torch.int64."""
    return reference(logits, begin, end, max_len).to(logits.dtype)


@known.always
def end_stays(inputs, output):
    """After its first END a row should hold nothing but END."""
    ended = np.maximum.accumulate(output == inputs["end"], axis=1)
    return bool((output[ended] == inputs["end"]).all())


@known.legal
def row_by_row(logits, begin, end, max_len):
    rows = []
    for table in logits:
        tokens = [begin]
        while len(tokens) <= max_len and tokens[-1] != end:
            tokens.append(table[tokens[-1]].argmax().item())
        rows.append(tokens[1:] + [end] * (max_len + 1 - len(tokens)))
    return torch.tensor(rows)


@known.legal
def end_leads_to_end(logits, begin, end, max_len):
    """Change a copy of the tables: after END comes END."""
    logits = logits.clone()
    logits[:, end] = -torch.inf
    logits[:, end, end] = 0
    return _write(logits, begin, max_len)


@known.legal
def fill_afterward(logits, begin, end, max_len):
    return _fill(_write(logits, begin, max_len), end, end)


@known.legal
def with_numpy(logits, begin, end, max_len):
    following = logits.numpy().argmax(axis=-1)  # (batch, vocab): what follows each token
    following[:, end] = end
    tokens, columns = np.full(len(following), begin), []
    for _ in range(max_len):
        tokens = following[np.arange(len(following)), tokens]
        columns.append(tokens)
    return np.stack(columns, axis=1)


TASK = Task(
    id="09.greedy_decode",
    title="Until END",
    difficulty=3,
    minutes=20,
    library="torch",
    reference=reference,
    draw=paths,
    cases=(
        Case("2 texts, up to 4 tokens", dict(batch=2, vocab=5, max_len=4), points=2),
        Case("3 texts, up to 5 tokens", dict(batch=3, vocab=7, max_len=5), points=2),
        Case("4 texts, up to 7 tokens, float32", dict(batch=4, vocab=9, max_len=7), dtype="float32"),
        Case("one text is empty", dict(batch=3, vocab=6, max_len=5), draw=nothing_to_say),
    ),
    hints=(
        "Start with one text. Which row of its table tells what comes first? And once a token is chosen, which row?",
        "What should happen at the steps after END, and when no END comes at all?",
        (
            "For each table: token = begin; then up to max_len times: token = the argmax of row `token`; write it "
            "down; stop at END. Fill the row up with END."
        ),
        (
            "Begin with `written = torch.full((len(logits), max_len), end)`: then a text that stops early is filled up "
            "already. In the loop: `token = table[token].argmax().item()`."
        ),
    ),
    **known.ways,
)
