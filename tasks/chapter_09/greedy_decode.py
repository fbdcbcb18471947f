"""09.greedy_decode: BEGIN, the most probable next token, again and again, until END."""

import numpy as np
import torch

from grader.known import Known
from grader.stages import Stage
from grader.task import Case, Task

known = Known()

LEAD = 4.0  # how far the most probable next token is ahead of the noise, in logits


def paths(rng, batch, vocab, max_len):
    """Each table leads from BEGIN along tokens of its own to END, after 1, 2, 3, ... tokens; the last one goes round in
    a circle and never ends. After END the tables go on, for whoever does not stop."""
    return _paths(rng, vocab, max_len, rng.permutation([*range(1, batch), vocab - 2]))


def all_end_early(rng, batch, vocab, max_len):
    """One text is empty: END comes first. The others end well before max_len."""
    return _paths(rng, vocab, max_len, rng.permutation(batch))


def begin_again(rng, batch, vocab, max_len):
    """A text that writes BEGIN again and again, one that goes back to BEGIN, and one that ends; all logits are
    negative."""
    inputs = _paths(rng, vocab, max_len, [1, 1, 2])
    begin, end, logits = inputs["begin"], inputs["end"], inputs["logits"]
    logits[0, begin, begin] += 3 * LEAD
    logits[1, int(logits[1, begin].argmax()), begin] += 3 * LEAD
    order = [1, 2, 0] if rng.integers(2) else [2, 0, 1]
    return {"logits": logits[order] - 20, "begin": begin, "end": end, "max_len": max_len}


def _paths(rng, vocab, max_len, lengths):
    tokens = rng.permutation(vocab)
    begin, end, others = int(tokens[0]), int(tokens[1]), tokens[2:]
    logits = rng.uniform(-1, 1, size=(len(lengths), vocab, vocab))
    for table, length in zip(logits, lengths, strict=True):
        path = rng.permutation(others)[:length]
        last = path[0] if length == len(others) else end
        table[[begin, *path], [*path, last]] += LEAD
        table[end, path[0] if length else others[0]] += LEAD
    return {"logits": logits, "begin": begin, "end": end, "max_len": max_len}


def five_of_the_text(rng, batch, vocab, max_len):
    return {"logits": _of_the_text(), "begin": 0, "end": 3, "max_len": 5}


def one_of_the_text(rng, batch, vocab, max_len):
    return {"logits": _of_the_text(), "begin": 0, "end": 3, "max_len": 1}


def _of_the_text():
    return np.array([[[0, 9, 1, 2], [0, 1, 8, 2], [1, 2, 0, 7], [0, 5, 1, 1]]], dtype=float)


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


@Stage
def tables(logits):
    return logits


@tables.slip
def wrong_axis(logits):
    """The argmax runs over the wrong axis: it looks for the token that leads to the last one. The row is the last
    token, the column the next one."""
    return logits.mT


@tables.slip
def first_table_for_all(logits):
    """All texts are written from the first table. Text b has its own: logits[b]."""
    return logits[:1].expand_as(logits)


@tables.slip
def last_table_for_all(logits):
    """All texts are written from the last table. Text b has its own: logits[b]."""
    return logits[-1:].expand_as(logits)


@tables.slip
def average_of_the_tables(logits):
    """The tables of all texts are added up or averaged, and every text is written from that. Text b has its own:
    logits[b]."""
    return logits.mean(0, keepdim=True).expand_as(logits)


@tables.slip
def least_probable(logits):
    """Each step takes the least probable token, the one with the smallest logit. It takes the most probable one."""
    return -logits


@tables.slip
def largest_without_sign(logits):
    """Each step takes the token whose logit is largest without its sign. Logits may be negative, and the largest one
    wins."""
    return logits.abs()


@Stage
def goal(end):
    return end


@goal.slip
def end_of_the_example(end):
    """Each text ends with token 3, as in the example. It ends with `end`."""
    return 3


@Stage
def start(begin):
    return begin


@start.slip
def starts_from_zero(begin):
    """The first step starts from token 0. It starts from `begin`."""
    return 0


@start.slip
def starts_from_end(begin, end):
    """The first step starts from END. It starts from `begin`."""
    return end


@Stage
def choose(start):
    return lambda table, tokens, position: _best(table[tokens[-1]])


@choose.slip
def never_appended(start):
    """Every step asks what follows BEGIN. The token just chosen has to be the input of the next step."""
    return lambda table, tokens, position: _best(table[tokens[0]])


@choose.slip
def row_of_the_step(start):
    """Step number i looks into row i of the table. The row is the last token, first BEGIN, then what was chosen."""
    return lambda table, tokens, position: _best(table[position % len(table)])


@choose.slip
def rows_summed(start):
    """The rows of all tokens so far are added up, and the choice is made from the sum. The row of the last token alone
    tells what comes next."""
    return lambda table, tokens, position: _best(
        [sum(column) for column in zip(*(table[t] for t in tokens), strict=True)]
    )


@choose.slip
def row_before_the_last(start):
    """The row is that of the last token but one. It is the row of the last one that tells what comes next."""
    return lambda table, tokens, position: _best(table[tokens[-2:][0]])


@choose.slip
def second_best(start):
    """Each step takes the second best token; greedy choice takes the best."""
    return lambda table, tokens, position: sorted(range(len(table)), key=table[tokens[-1]].__getitem__)[-2]


@choose.slip
def begin_forbidden(start):
    """BEGIN is never chosen here. Greedy choice takes whatever token has the largest logit, BEGIN as well."""
    return lambda table, tokens, position: _best(table[tokens[-1]], {tokens[0]})


@choose.slip
def no_token_twice(start):
    """No token is written twice. Greedy choice may come back to any token: only the last one counts."""
    return lambda table, tokens, position: _best(table[tokens[-1]], set(tokens))


@choose.slip
def no_token_after_itself(start):
    """The token just written is never chosen again at once. Greedy choice takes whatever has the largest logit."""
    return lambda table, tokens, position: _best(table[tokens[-1]], {tokens[-1]})


@choose.slip
def negative_logits_never_win(start):
    """A logit below 0 never wins, and where all are below 0, token 0 is taken. Logits may be negative; the largest one
    wins."""
    return lambda table, tokens, position: _best([max(logit, 0) for logit in table[tokens[-1]]])


def _best(row, without=frozenset()):
    allowed = [token for token in range(len(row)) if token not in without] or [0]
    return max(allowed, key=row.__getitem__)


def _own_end(rows, goal):
    return [[token if goal not in row[:place] else None for place, token in enumerate(row)] for row in rows]


@Stage
def ended():
    return _own_end  # None for what comes behind END


@ended.slip
def end_ignored():
    """END is ignored: what comes after it is written as well. Once a text has ended, all that follows is END."""
    return lambda rows, goal: rows


@ended.slip
def all_stop_with_the_first():
    """All texts stop as soon as the first one has ended. The others go on: keep track of who is done, one by one."""

    def ended(rows, goal):
        first = min(row.index(goal) if goal in row else len(row) for row in rows)
        return [[token if place <= first else None for place, token in enumerate(row)] for row in rows]

    return ended


@ended.slip
def all_go_on_until_the_last():
    """A text goes on behind its END until all the others have ended, too. Once a text has ended, all that follows is
    END, whatever the others do."""

    def ended(rows, goal):
        last = max(row.index(goal) if goal in row else len(row) for row in rows)
        return [[token if place <= last else None for place, token in enumerate(row)] for row in rows]

    return ended


@ended.slip
def end_takes_the_token_before():
    """END stands one place too early: it has taken the place of the last token before it."""

    def ended(rows, goal):
        return [[token if goal not in row[: place + 2] else None for place, token in enumerate(row)] for row in rows]

    return ended


@Stage
def rows(tables, start, goal, choose, ended, max_len):
    """The tokens as lists, None behind END."""
    return ended([_write(table, start, max_len, choose) for table in tables.tolist()], goal)


@rows.slip
def end_once_then_on(tables, start, goal, choose, max_len):
    """Behind END one more END is written, and then the text may go on. Once a text has ended, all that follows is END:
    remember who is done."""

    def write(table):
        done, tokens = False, [start]
        for position in range(max_len):
            step = choose(table, tokens, position)
            tokens.append(goal if done else step)
            done = step == goal
        return tokens[1:]

    return [write(table) for table in tables.tolist()]


def _write(table, start, max_len, choose):
    tokens = [start]
    for position in range(max_len):
        tokens.append(choose(table, tokens, position))
    return tokens[1:]


def _filled(rows, filling, width):
    return torch.tensor(
        [[filling if token is None else token for token in [*row, *(width - len(row)) * [None]]] for row in rows]
    )


@Stage
def filled(rows, goal, max_len):
    return _filled(rows, goal, max_len)


@filled.slip
def filled_with_zeros(rows, goal, max_len):
    """Behind END stands 0. Here 0 is a token like any other: fill up with END."""
    return _filled(rows, 0, max_len)


@filled.slip
def filled_with_minus_one(rows, goal, max_len):
    """Behind END stands -1. Fill up with END."""
    return _filled(rows, -1, max_len)


@filled.slip
def filled_with_begin(rows, goal, begin, max_len):
    """The texts are filled up with BEGIN. Fill up with END."""
    return _filled(rows, begin, max_len)


@filled.slip
def zeros_from_end_on(rows, goal, max_len):
    """END itself is not written: from its place on stands 0. The first END belongs to the text, and all behind it is
    END."""
    return _filled([[None if token == goal else token for token in row] for row in rows], 0, max_len)


@filled.slip
def minus_one_from_end_on(rows, goal, max_len):
    """END itself is not written: from its place on stands -1. The first END belongs to the text, and all behind it is
    END."""
    return _filled([[None if token == goal else token for token in row] for row in rows], -1, max_len)


@filled.slip
def begin_from_end_on(rows, goal, begin, max_len):
    """END itself is not written: from its place on stands BEGIN. The first END belongs to the text, and all behind it
    is END."""
    return _filled([[None if token == goal else token for token in row] for row in rows], begin, max_len)


@Stage
def tokens(filled):
    return filled


@tokens.slip
def begin_kept(filled, begin):
    """BEGIN is part of your result, and the last token fell off behind. BEGIN goes in, but it is no part of the
    text."""
    return torch.cat([torch.full((len(filled), 1), begin), filled[:, :-1]], dim=1)


@tokens.slip
def begin_kept_in_front(filled, begin):
    """BEGIN stands in front of what was written. It goes in, but it is no part of the text: leave it out."""
    return torch.cat([torch.full((len(filled), 1), begin), filled], dim=1)


@tokens.slip
def one_column_more(filled, end):
    """There is one column more than max_len, and END stands in it. At most max_len tokens are written."""
    return torch.cat([filled, torch.full((len(filled), 1), end)], dim=1)


@tokens.slip
def end_forced_at_last(filled, end):
    """The last column is END in every text, as if no text had more than max_len - 1 tokens of its own. One that does
    not end writes max_len tokens, and no END."""
    return torch.cat([filled[:, :-1], torch.full((len(filled), 1), end)], dim=1)


@tokens.slip
def stops_with_the_last(filled, end):
    """The result ends where all texts have ended, and has fewer than max_len columns. Fill it up with END."""
    ended = (filled == end).cumsum(1).bool().all(0)
    return filled[:, : int((~ended).sum()) + 1]


@tokens.slip
def numbers_with_a_point(filled):
    """The tokens are floating-point numbers. Tokens are integers: torch.zeros and torch.empty make some with
    dtype=torch.int64."""
    return filled.float()


@known.mistake
def one_token_too_many(logits, begin, end, max_len):
    """Each text has max_len + 1 tokens, not counting BEGIN: one more than may be written."""
    return reference(logits, begin, end, max_len + 1)


@known.mistake
def logits_for_tokens(logits, begin, end, max_len):
    """These are the largest logits. What is asked for is where they stand: the number of the token, as argmax gives
    it."""
    rows, last, values = torch.arange(len(logits)), torch.full((len(logits),), begin), []
    for _ in range(max_len):
        value, step = logits[rows, last].max(dim=-1)
        values.append(value)
        last = torch.where(last == end, end, step)
    return torch.stack(values, dim=1)


@known.mistake
def rows_of_different_length(logits, begin, end, max_len):
    """Each text stops at its END here. Behind it, END fills the row up to max_len."""
    rows = [_until_end(table, begin, end, max_len) for table in logits.tolist()]
    return torch.tensor(rows)


def _until_end(table, begin, end, max_len):
    row = _write(table, begin, max_len, lambda table, tokens, position: _best(table[tokens[-1]]))
    return row[: row.index(end) + 1] if end in row else row


@known.mistake
def rows_of_every_table(logits, begin, end, max_len):
    """The rows of all texts are taken from every table: an axis too many. Text b wants the row of its own last token
    from its own table: logits[torch.arange(batch), last]."""
    last = torch.full((len(logits),), begin)
    written = torch.full((len(logits), max_len), end)
    for position in range(max_len):
        last = torch.where(last == end, end, logits[:, last].argmax(-1))
        written[:, position] = last
    return written


@known.mistake
def every_table_for_every_text(logits, begin, end, max_len):
    """logits[:, last] takes from every table the rows of all texts, an axis too many. Text b wants the row of its own
    last token from its own table: logits[torch.arange(batch), last]."""
    last = torch.full((len(logits),), begin)
    written = torch.full((len(logits), max_len), end)
    for position in range(max_len):
        last = logits[:, last].argmax(-1)
        written[:, position] = last
    return written


@known.mistake
def one_number_of_several(logits, begin, end, max_len):
    """A single number is asked of a tensor that holds a token for each text. Keep them in a tensor, or write text by
    text."""
    written, last = torch.full((len(logits), max_len), end), begin
    for position in range(max_len):
        last = logits[:, last].argmax(dim=-1).item()
        written[:, position] = last
        if last == end:
            break
    return written


@known.mistake
def one_decision_for_all_texts(logits, begin, end, max_len):
    """One True or False is asked of the tokens of all texts at once, and each text has its own. Keep track of who is
    done in a boolean tensor, or write text by text."""
    rows, last = torch.arange(len(logits)), torch.full((len(logits),), begin)
    written = torch.full((len(logits), max_len), end)
    for position in range(max_len):
        last = logits[rows, last].argmax(-1)
        written[:, position] = last
        if last == end:
            break
    return written


@known.mistake
def argmax_over_the_texts(logits, begin, end, max_len):
    """The argmax runs over the texts, axis 0, and gives one number for each token. It runs over the tokens: the last
    axis."""
    rows, last = torch.arange(len(logits)), torch.full((len(logits),), begin)
    written = torch.full((len(logits), max_len), end)
    for position in range(max_len):
        step = logits[rows, last].argmax(dim=0)
        last = torch.where(last == end, end, step)
        written[:, position] = last
    return written


@known.mistake
def tokens_transposed(logits, begin, end, max_len):
    """The tokens are right, the axes are swapped. One row for each text is asked for, and one column for each step."""
    return reference(logits, begin, end, max_len).T


@known.probe
def one_path(rng):
    logits = _of_the_text()
    for max_len, right in ((1, [1]), (2, [1, 2]), (3, [1, 2, 3]), (5, [1, 2, 3, 3, 3])):
        yours = yield {"logits": logits, "begin": 0, "end": 3, "max_len": max_len}
        if yours[0].tolist() != right:
            return (
                f"On the table of the example with max_len = {max_len} yours writes {_read(yours[0])}, expected "
                f"{_read(right)}."
            )
    return None


@known.probe
def other_numbers_for_begin_and_end(rng):
    table = np.full((6, 6), -1.0)
    for token, following in ((4, 2), (2, 5), (5, 1), (1, 3), (0, 3), (3, 0)):
        table[token, following] = 5.0
    yours = yield {"logits": table[None], "begin": 4, "end": 1, "max_len": 5}
    if yours[0].tolist() != [2, 5, 1, 1, 1]:
        return (
            f"On a table where BEGIN = 4 leads to 2, 2 to 5, and 5 to END = 1, yours writes {_read(yours[0])}, "
            f"expected 2 5 1 1 1."
        )
    return None


@known.probe
def one_text_and_another(rng):
    inputs = paths(rng, batch=3, vocab=7, max_len=5)
    together = yield inputs
    for text in range(3):
        alone = yield {**inputs, "logits": inputs["logits"][[text]]}
        if alone[0].tolist() != together[text].tolist():
            return (
                f"Alone, yours writes text {text} as {_read(alone[0])}; in a batch of three as "
                f"{_read(together[text])}. No text should depend on the others."
            )
    return None


@known.probe
def a_text_that_never_ends(rng):
    table = np.full((4, 4), -1.0)
    for token, following in ((0, 2), (2, 1), (1, 2), (3, 0)):
        table[token, following] = 5.0
    yours = yield {"logits": table[None], "begin": 0, "end": 3, "max_len": 6}
    if yours[0].tolist() != [2, 1, 2, 1, 2, 1]:
        return (
            f"On a table that leads from BEGIN to 2, from 2 to 1 and from 1 back to 2, yours writes {_read(yours[0])}, "
            f"expected 2 1 2 1 2 1."
        )
    return None


def _read(row):
    return " ".join(map(str, np.asarray(row).tolist()))


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
    return _without_end(logits, begin, max_len)


@known.legal
def fill_afterward(logits, begin, end, max_len):
    written = _without_end(logits, begin, max_len)
    return written.masked_fill((written == end).long().cumsum(dim=1) > 0, end)


def _without_end(logits, begin, max_len):
    written = torch.empty(len(logits), max_len, dtype=torch.int64)
    for row, table in zip(written, logits, strict=True):
        token = begin
        for position in range(max_len):
            token = row[position] = table[token].argmax()
    return written


@known.legal
def with_numpy(logits, begin, end, max_len):
    following = logits.numpy().argmax(axis=-1)  # (batch, vocab): what follows each token
    following[:, end] = end
    tokens, columns = np.full(len(following), begin), []
    for _ in range(max_len):
        tokens = following[np.arange(len(following)), tokens]
        columns.append(tokens)
    return torch.from_numpy(np.stack(columns, axis=1))


TASK = Task(
    id="09.greedy_decode",
    title="Until END",
    difficulty=3,
    minutes=20,
    library="torch",
    reference=reference,
    draw=paths,
    cases=(
        Case("2 texts, up to 4 tokens", dict(batch=2, vocab=5, max_len=4), dtype="float32"),
        Case("3 texts, up to 5 tokens", dict(batch=3, vocab=7, max_len=5), dtype="float32"),
        Case("4 texts, up to 7 tokens, float64", dict(batch=4, vocab=9, max_len=7)),
        Case(
            "all texts end early, one at once", dict(batch=3, vocab=6, max_len=7), dtype="float32", draw=all_end_early
        ),
        Case(
            "BEGIN is written again, all logits are negative",
            dict(batch=3, vocab=7, max_len=6),
            dtype="float32",
            draw=begin_again,
        ),
        Case(
            "the example of the text, 5 tokens",
            dict(batch=1, vocab=4, max_len=5),
            dtype="float32",
            draw=five_of_the_text,
        ),
        Case(
            "the example of the text, one token",
            dict(batch=1, vocab=4, max_len=1),
            dtype="float32",
            draw=one_of_the_text,
        ),
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
    stages=(tables, goal, start, choose, ended, rows, filled, tokens),
    **known.ways,
)
