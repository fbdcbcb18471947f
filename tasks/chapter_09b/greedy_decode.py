"""09b.greedy_decode: BEGIN, the most probable next token of a Transformer, again and again, until END."""

import functools

import numpy as np
import torch

from grader.known import Known
from grader.stages import Stage
from grader.task import Build, Case, Task
from tasks.decoding_stages import ARGUMENTS, indifferent, module_of, sources, transformer
from tasks.decoding_stages import logits_of as logits_by
from tasks.skeletons import Transformer

known = Known()

BUILD = Build(
    takes=("source", "source_lengths", "begin", "end", "max_len"),
    arguments=ARGUMENTS,
    module="Transformer",
    given=True,
    name="model",
)

MARGIN = 0.02  # in logits: by how much the most probable token leads at every step


def draw_inputs(rng, batch, k_len, vocab, max_len):
    """The first text never ends, the others end, all at different steps."""
    return _drawn(int(rng.integers(2**62)), k_len, vocab, max_len, (max_len, *range(1, max_len - 1)), batch)


def end_at_once(rng, batch, k_len, vocab, max_len):
    """One text is empty: END comes first. The others end later."""
    return _drawn(int(rng.integers(2**62)), k_len, vocab, max_len, (0, *range(2, max_len - 1)), batch)


def all_end(rng, batch, k_len, vocab, max_len):
    """All texts end, and BEGIN is written: always the same draw, in which every way to go on after END shows."""
    return _drawn(0, k_len, vocab, max_len, (5, 1, 3), batch)


def on_a_device(rng, batch, k_len):
    return {**transformer(rng, 4), **sources(rng, batch, k_len), "begin": 0, "end": 3, "max_len": 2}


@functools.lru_cache(maxsize=512)
def _drawn(seed, k_len, vocab, max_len, wanted, batch):
    """Draw many sources, and set END's bias so that among them are some of the wanted lengths: the first one, and
    others; no step is a near tie."""
    rng = np.random.default_rng(seed)
    while True:
        tokens = rng.permutation(vocab)
        begin, end = int(tokens[0]), int(tokens[1])
        inputs = {**transformer(rng, vocab), **sources(rng, 40, k_len)}
        lead, second = _leads(inputs, begin, end, max_len)  # (40, max_len) each
        for bias in rng.permutation(np.quantile(lead, np.linspace(0.02, 0.5, 12))):
            lengths = np.where(lead < bias, np.arange(max_len), max_len).min(axis=1)
            is_written = np.arange(max_len) <= lengths[:, None]
            is_clear = (np.minimum(np.abs(lead - bias), second) > MARGIN) | ~is_written
            of_length = {int(n): np.flatnonzero((lengths == n) & is_clear.all(axis=1)) for n in set(lengths)}
            found = [rng.choice(of_length[n]) for n in wanted if len(of_length.get(n, ()))]
            if len(of_length.get(wanted[0], ())) and len(found) >= batch:
                chosen = rng.permutation([found[0], *rng.permutation(found[1:])[: batch - 1]])
                inputs["W_vocabulary.bias"][end] += bias
                texts = {name: inputs[name][chosen] for name in ("source", "source_lengths")}
                return {**inputs, **texts, "begin": begin, "end": end, "max_len": max_len}


def _leads(inputs, begin, end, max_len):
    """Return by how much the best token but END leads before END, and before the next one, at each step."""
    model = module_of(inputs)
    source, lengths = torch.from_numpy(inputs["source"]), torch.from_numpy(inputs["source_lengths"])
    tokens = torch.full((len(source), 1), begin)
    lead, second = [], []
    for _ in range(max_len):
        logits = model(source, tokens, lengths)[:, -1]
        others = logits.index_fill(1, torch.tensor([end]), -torch.inf).topk(2)
        lead.append(others.values[:, 0] - logits[:, end])
        second.append(others.values[:, 0] - others.values[:, 1])
        tokens = torch.cat([tokens, others.indices[:, :1]], dim=1)
    return torch.stack(lead, 1).numpy(), torch.stack(second, 1).numpy()


def the_example(rng, max_len):
    """A model that gives the same logits whatever it is given: 1 wins each time, and END never."""
    source = {"source": np.array([[1, 2, 0]]), "source_lengths": np.array([2])}
    return {**indifferent([0.0, 3.0, 2.0, 1.0]), **source, "begin": 0, "end": 3, "max_len": max_len}


def the_example_that_ends(rng, max_len):
    source = {"source": np.array([[1, 2, 0]]), "source_lengths": np.array([2])}
    return {**indifferent([0.0, 1.0, 2.0, 3.0]), **source, "begin": 0, "end": 3, "max_len": max_len}


def reference(model, source, source_lengths, begin, end, max_len):
    """Text by text, on lists."""
    if source.device.type == "meta":
        return source.new_full((len(source), max_len), end)
    rows = []
    for one, length in zip(source, source_lengths, strict=True):
        tokens = [begin]
        while len(tokens) <= max_len and end not in tokens[1:]:
            logits = model(one[None], torch.tensor([tokens]), length[None])
            tokens.append(int(logits[0, -1].argmax()))
        rows.append(tokens[1:] + [end] * (max_len + 1 - len(tokens)))
    return torch.tensor(rows)


@Stage
def logits_of(model, source, source_lengths):
    return lambda tokens: logits_by(model, source, tokens, source_lengths)  # (batch, length) -> (batch, length, vocab)


@logits_of.slip
def lengths_ignored(model, source):
    """The padding of the sources is read like real tokens: their lengths have no effect. They go into the model, too:
    model(source, target, source_lengths)."""
    full = torch.full((len(source),), source.shape[1])
    return lambda tokens: logits_by(model, source, tokens, full)


@logits_of.slip
def first_source_for_all(model, source, source_lengths):
    """Every text is written from the first source. Text b has its own."""
    return lambda tokens: logits_by(
        model, source[:1].expand_as(source), tokens, source_lengths[:1].expand_as(source_lengths)
    )


@logits_of.slip
def only_the_last_token(model, source, source_lengths):
    """At each step the last token alone goes in, as if it were the first of its text. Without a cache, all that was
    written goes in again, BEGIN in front."""
    return lambda tokens: logits_by(model, source, tokens[:, -1:], source_lengths)


@logits_of.slip
def begin_left_out(model, source, source_lengths):
    """BEGIN goes in at the first step only; from then on what was written goes in without it, and each token stands one
    position too early. BEGIN stays in front."""
    return lambda tokens: logits_by(model, source, tokens[:, min(1, tokens.shape[1] - 1) :], source_lengths)


@Stage
def choose():
    return lambda logits, tokens: logits[:, -1].argmax(dim=-1)  # (batch,)


@choose.slip
def never_appended():
    """Every step asks what follows BEGIN: what was written does not count. It goes in, behind BEGIN, and what comes
    next is said by the logits of the last position."""
    return lambda logits, tokens: logits[:, 0].argmax(dim=-1)


@choose.slip
def position_before_the_last():
    """Each step reads the logits of the position before the last: what follows the token before. What comes next is
    said by the last one."""
    return lambda logits, tokens: logits[:, -2:][:, 0].argmax(dim=-1)


@choose.slip
def least_probable():
    """Each step takes the least probable token. It takes the most probable one."""
    return lambda logits, tokens: logits[:, -1].argmin(dim=-1)


@choose.slip
def second_best():
    """Each step takes the second best token; greedy choice takes the best."""
    return lambda logits, tokens: logits[:, -1].topk(2).indices[:, 1]


@choose.slip
def begin_forbidden(begin):
    """BEGIN is never chosen here. Greedy choice takes whatever token has the largest logit, BEGIN as well."""
    forbidden = torch.tensor([begin])
    return lambda logits, tokens: logits[:, -1].index_fill(1, forbidden, -torch.inf).argmax(dim=-1)


@choose.slip
def no_token_after_itself():
    """The token just written is never chosen again at once. Greedy choice takes whatever has the largest logit."""
    return lambda logits, tokens: logits[:, -1].scatter(1, tokens[:, -1:], -torch.inf).argmax(dim=-1)


@Stage
def raw(model, source, begin, end, max_len, logits_of, choose):
    """All max_len tokens, END or not; on a device without numbers, of the right shape."""
    return _write(logits_of, choose, torch.full((len(source), 1), begin, device=source.device), max_len)


def _write(logits_of, choose, tokens, max_len):
    for _ in range(max_len):
        tokens = torch.cat([tokens, choose(logits_of(tokens), tokens)[:, None]], dim=1)
    return tokens[:, 1:]


@raw.slip
def starts_from_end(source, end, max_len, logits_of, choose):
    """The first token that goes in is END. It is BEGIN, the number that comes as `begin`."""
    return _write(logits_of, choose, source.new_full((len(source), 1), end), max_len)


@raw.slip
def starts_from_zero(source, max_len, logits_of, choose):
    """The first token that goes in is 0. It is BEGIN, the number that comes as `begin`."""
    return _write(logits_of, choose, source.new_zeros(len(source), 1), max_len)


@Stage
def is_behind(raw, end):
    """Whether a token stands behind the first END of its text."""
    ended = (raw == end).long()
    return ended.cumsum(dim=1) > ended


@is_behind.slip
def end_ignored(raw):
    """END is ignored: what comes after it is written as well. Once a text has ended, all that follows is END."""
    return torch.zeros_like(raw, dtype=torch.bool)


@is_behind.slip
def all_stop_with_the_first(raw, end):
    """All texts stop as soon as the first one has ended. The others go on: keep track of who is done, one by one."""
    some = (raw == end).any(dim=0).long()
    return (some.cumsum(dim=0) > some)[None].expand_as(raw)


@is_behind.slip
def all_go_on_until_the_last(raw, end):
    """A text goes on behind its END until all the others have ended, too. Once a text has ended, all that follows is
    END, whatever the others do."""
    done = ((raw == end).cumsum(dim=1) > 0).all(dim=0)
    return (done.roll(1, 0) & (torch.arange(len(done)) > 0))[None].expand_as(raw)


@is_behind.slip
def end_once_then_on(raw, end):
    """Behind END one more END is written, and then the text goes on. Once a text has ended, all that follows is END:
    remember who is done."""
    behind, done = torch.zeros_like(raw, dtype=torch.bool), torch.zeros(len(raw), dtype=torch.bool)
    for place in range(raw.shape[1]):
        behind[:, place] = done
        done = (raw[:, place] == end) & ~done
    return behind


@is_behind.rare
def end_takes_the_token_before(raw, end):
    """END stands one place too early: it has taken the place of the last token before it."""
    ended = (raw == end).long().cumsum(dim=1) > 0
    return torch.cat([ended[:, 1:], ended[:, -1:]], dim=1)


@Stage
def filled(raw, is_behind, end):
    return raw.masked_fill(is_behind, end)


@filled.slip
def filled_with_zeros(raw, is_behind):
    """Behind END stands 0. Here 0 is a token like any other: fill up with END."""
    return raw.masked_fill(is_behind, 0)


@filled.slip
def filled_with_minus_one(raw, is_behind):
    """Behind END stands -1. Fill up with END."""
    return raw.masked_fill(is_behind, -1)


@filled.slip
def filled_with_begin(raw, is_behind, begin):
    """The texts are filled up with BEGIN. Fill up with END."""
    return raw.masked_fill(is_behind, begin)


@filled.rare
def zeros_from_end_on(raw, is_behind, end):
    """END itself is not written: from its place on stands 0. The first END belongs to the text, and all behind it is
    END."""
    return raw.masked_fill(is_behind | (raw == end), 0)


@Stage
def tokens(filled):
    return filled


@tokens.slip
def begin_kept(filled, begin):
    """BEGIN is part of your result, and the last token fell off behind. BEGIN goes in, but it is no part of the
    text."""
    return torch.cat([torch.full_like(filled[:, :1], begin), filled[:, :-1]], dim=1)


@tokens.slip
def begin_kept_in_front(filled, begin):
    """BEGIN stands in front of what was written. It goes in, but it is no part of the text: leave it out."""
    return torch.cat([torch.full_like(filled[:, :1], begin), filled], dim=1)


@tokens.slip
def one_column_more(filled, end):
    """There is one column more than max_len, and END stands in it. At most max_len tokens are written."""
    return torch.cat([filled, torch.full_like(filled[:, :1], end)], dim=1)


@tokens.slip
def end_forced_at_last(filled, end):
    """The last column is END in every text, as if no text had more than max_len - 1 tokens of its own. One that does
    not end writes max_len tokens, and no END."""
    return torch.cat([filled[:, :-1], torch.full_like(filled[:, :1], end)], dim=1)


@tokens.slip
def stops_with_the_last(filled, end):
    """The result ends where all texts have ended, and has fewer than max_len columns. Fill it up with END."""
    ended = (filled == end).all(dim=0)
    return filled[:, : int((~ended).sum()) + 1]


@tokens.rare
def numbers_with_a_point(filled):
    """The tokens are floating-point numbers. Tokens are integers: torch.zeros and torch.empty make some with
    dtype=torch.int64."""
    return filled.float()


@known.mistake
def one_token_too_many(model, source, source_lengths, begin, end, max_len):
    """Each text has max_len + 1 tokens, not counting BEGIN: one more than may be written."""
    return reference(model, source, source_lengths, begin, end, max_len + 1)


@known.mistake
def last_of_a_full_row(model, source, source_lengths, begin, end, max_len):
    """The whole row goes in at every step, places that are not written yet as well, and the logits of its very last
    position are read. What comes next is said by the position of the last token written."""
    written = torch.full((len(source), max_len + 1), end)
    written[:, 0] = begin
    for position in range(max_len):
        chosen = model(source, written, source_lengths)[:, -1].argmax(dim=-1)
        written[:, position + 1] = torch.where((written[:, 1 : position + 1] == end).any(dim=1), end, chosen)
    return written[:, 1:]


@known.mistake
def logits_for_tokens(model, source, source_lengths, begin, end, max_len):
    """These are the largest logits. What is asked for is where they stand: the number of the token, as argmax gives
    it."""
    tokens, values = torch.full((len(source), 1), begin), []
    for _ in range(max_len):
        value, chosen = model(source, tokens, source_lengths)[:, -1].max(dim=-1)
        values.append(value)
        tokens = torch.cat([tokens, torch.where((tokens[:, 1:] == end).any(dim=1), end, chosen)[:, None]], dim=1)
    return torch.stack(values, dim=1)


@known.mistake
def one_number_of_several(model, source, source_lengths, begin, end, max_len):
    """A single number is asked of a tensor that holds a token for each text. Keep them in a tensor, or write text by
    text."""
    tokens = [begin]
    for _ in range(max_len):
        row = torch.tensor([tokens]).expand(len(source), -1)
        chosen = model(source, row, source_lengths)[:, -1].argmax(dim=-1).item()
        tokens.append(chosen)
        if chosen == end:
            break
    return torch.tensor([tokens[1:] + [end] * (max_len + 1 - len(tokens))])


@known.mistake
def one_decision_for_all_texts(model, source, source_lengths, begin, end, max_len):
    """One True or False is asked of the tokens of all texts at once, and each text has its own. Keep track of who is
    done in a boolean tensor, or write text by text."""
    tokens = torch.full((len(source), 1), begin)
    for _ in range(max_len):
        chosen = model(source, tokens, source_lengths)[:, -1].argmax(dim=-1)
        tokens = torch.cat([tokens, chosen[:, None]], dim=1)
        if chosen == end:
            break
    return tokens[:, 1:]


@known.mistake
def one_begin_for_all(model, source, source_lengths, begin, end, max_len):
    """One row of tokens goes in with all the sources, and a batch of one meets a larger one. Each text begins with a
    BEGIN of its own: (batch, 1)."""
    tokens = torch.tensor([[begin]])
    for _ in range(max_len):
        chosen = model(source, tokens, source_lengths)[:, -1].argmax(dim=-1)
        tokens = torch.cat([tokens, chosen[:, None]], dim=1)
    return tokens[:, 1:]


@known.mistake
def made_on_the_cpu(model, source, source_lengths, begin, end, max_len):
    """BEGIN is put into a tensor on the CPU, and on a GPU the model is not there. Make it where the source is:
    device=source.device."""
    tokens = torch.full((len(source), 1), begin)
    done = torch.zeros(len(source), dtype=torch.bool)
    for _ in range(max_len):
        chosen = torch.where(done, end, model(source, tokens, source_lengths)[:, -1].argmax(dim=-1))
        tokens, done = torch.cat([tokens, chosen[:, None]], dim=1), done | (chosen == end)
    return tokens[:, 1:]


@known.probe
def the_tables_of_the_text(rng):
    for inputs, right in ((the_example(rng, 3), [1, 1, 1]), (the_example_that_ends(rng, 3), [3, 3, 3])):
        yours = yield inputs
        if yours[0].tolist() != right:
            which = "1 has the largest logit" if right[0] == 1 else "END = 3 has the largest logit"
            return (
                f"With a model whose logits are always the same, where {which}, and max_len = 3, yours writes "
                f"{_read(yours[0])}, expected {_read(right)}."
            )
    return None


@known.probe
def one_text_and_another(rng):
    inputs = draw_inputs(rng, batch=3, k_len=6, vocab=5, max_len=7)
    together = yield inputs
    for text in range(3):
        alone = yield {**inputs, **{name: inputs[name][[text]] for name in ("source", "source_lengths")}}
        if alone[0].tolist() != together[text].tolist():
            return (
                f"Alone, yours writes text {text} as {_read(alone[0])}; in a batch of three as "
                f"{_read(together[text])}. No text should depend on the others."
            )
    return None


@known.probe
def padding_changed(rng):
    inputs = draw_inputs(rng, batch=3, k_len=6, vocab=5, max_len=7)
    before = yield inputs
    is_padding = np.arange(6) >= inputs["source_lengths"][:, None]
    after = yield {**inputs, "source": np.where(is_padding, (inputs["source"] + 1) % 5, inputs["source"])}
    if (before == after).all():
        return None
    return "When tokens of the sources' padding are changed, what yours writes changes with them."


@known.probe
def what_comes_first(rng):
    """The first token needs one step alone."""
    inputs = draw_inputs(rng, batch=3, k_len=6, vocab=5, max_len=7)
    longer = yield inputs
    shorter = yield {**inputs, "max_len": 1}
    if (longer[:, 0] == shorter[:, 0]).all():
        return None
    return (
        f"With max_len = 1 your texts begin with {_read(shorter[:, 0])}, with max_len = 7 with {_read(longer[:, 0])}. "
        f"The first token should not depend on how many may follow."
    )


def _read(row):
    return " ".join(map(str, np.asarray(row).tolist()))


@known.always
def end_stays(inputs, output):
    """After its first END a row should hold nothing but END."""
    if output.ndim < 2:  # of the case that asks for the device, a shape
        return True
    ended = np.maximum.accumulate(output == inputs["end"], axis=1)
    return bool((output[ended] == inputs["end"]).all())


@known.legal
def together(model, source, source_lengths, begin, end, max_len):
    tokens = torch.full((len(source), 1), begin, device=source.device)
    done = torch.zeros(len(source), dtype=torch.bool, device=source.device)
    for _ in range(max_len):
        chosen = model(source, tokens, source_lengths)[:, -1].argmax(dim=-1)
        chosen = torch.where(done, end, chosen)
        tokens, done = torch.cat([tokens, chosen[:, None]], dim=1), done | (chosen == end)
    return tokens[:, 1:]


@known.legal
def into_a_full_row(model, source, source_lengths, begin, end, max_len):
    """What is not written yet lies in the future, and the causal mask hides it."""
    written = source.new_full((len(source), max_len + 1), end)
    written[:, 0] = begin
    for position in range(max_len):
        chosen = model(source, written, source_lengths)[:, position].argmax(dim=-1)
        written[:, position + 1] = torch.where(written[:, position] == end, end, chosen) if position else chosen
    return written[:, 1:]


@known.legal
def encoded_once(model, source, source_lengths, begin, end, max_len):
    """The encoder runs once, and the texts are cut afterward."""
    mask = torch.arange(source.shape[1], device=source.device) < source_lengths[:, None, None]
    memory = model.encoder(model.dropout(model.positions(model.source(source))), mask)
    tokens = torch.full((len(source), 1), begin, device=source.device)
    for _ in range(max_len):
        output = model.decoder(model.dropout(model.positions(model.target(tokens))), memory, mask)
        logits = model.W_vocabulary(output[:, -1])
        tokens = torch.cat([tokens, torch.softmax(logits, dim=-1).max(dim=-1, keepdim=True).indices], dim=1)
    written = tokens[:, 1:]
    return written.masked_fill((written == end).long().cumsum(dim=1) > 0, end)


TASK = Task(
    id="09b.greedy_decode",
    title="Until END",
    difficulty=2,
    minutes=15,
    library="torch",
    reference=reference,
    draw=draw_inputs,
    build=BUILD,
    skeleton=Transformer,
    part=True,
    cases=(
        Case("the example of the text", dict(max_len=4), 1, "float32", draw=the_example),
        Case("3 texts, up to 7 tokens", dict(batch=3, k_len=5, vocab=6, max_len=7), 2, "float32"),
        Case("one text ends at once", dict(batch=2, k_len=4, vocab=5, max_len=6), 1, "float32", draw=end_at_once),
        Case("3 texts that all end", dict(batch=3, k_len=5, vocab=5, max_len=8), 1, "float32", draw=all_end),
        Case("2 texts, wide numbers", dict(batch=2, k_len=6, vocab=4, max_len=5), 1, "float64"),
        Case("another device", dict(batch=3, k_len=4), 1, "float32", draw=on_a_device, asks="device"),
    ),
    hints=(
        "Before anything is written, what goes into the model as the target? And after three tokens?",
        "The logits are (batch, length, target_size): one row of them for every position that went in. Which position "
        "says what comes next? And what is a text to get that has ended?",
        "Up to max_len times: logits of the last position, argmax, END where a text is done, append as a new column. "
        "In the end leave out BEGIN.",
        "tokens = torch.full((len(source), 1), begin, device=source.device) begins; in the loop "
        "chosen = torch.where(done, end, logits[:, -1].argmax(dim=-1)), and done remembers chosen == end.",
    ),
    stages=(logits_of, choose, raw, is_behind, filled, tokens),
    **known.ways,
)
