"""09b.beam_search: the best text that a beam of some width finds, its log probability divided by a length penalty."""

import functools
import inspect
import itertools
import math

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
    takes=("source", "source_lengths", "begin", "end", "max_len", "width", "alpha"),
    arguments=ARGUMENTS,
    module="Transformer",
    given=True,
    name="model",
)

MARGIN = 0.01  # in log P and in scores: by how much what is kept leads what is not


# In each case these must find different texts: pairs of slips by name, "" for none. All cases together tell all apart.
PENALTY = (("", "no_penalty"), ("", "begin_counted"))
LENGTH = (
    ("", "end_not_counted"),
    ("end_not_counted", "divided_by_the_length"),
    ("greedy_choice", "divided_by_the_length"),
    ("", "ended_ones_lose"),
    ("divided_by_the_length", "ended_ones_lose"),
    ("greedy_choice", "ended_ones_lose"),
)
PLACES = (("", "ended_may_fall_out"), ("ended_leave_their_place", "ended_may_fall_out"))
WIDTH = (
    ("", "ended_leave_their_place"),
    ("", "greedy_choice"),
    ("ended_leave_their_place", "each_its_best_next"),
    ("end_not_counted", "each_its_best_next"),
    ("", "each_its_best_next"),
)
EVERYTHING = (
    ("", "cut_off_ones_lose"),
    ("no_penalty", "cut_off_ones_lose"),
    ("no_penalty", "multiplied"),
    ("cut_off_ones_lose", "multiplied"),
)
BEHIND = (
    ("", "end_is_continued"),
    ("", "probabilities_summed"),
    ("end_is_continued", "divided_by_the_length"),
    ("end_is_continued", "probabilities_summed"),
    ("probabilities_summed", "ended_ones_lose"),
    ("probabilities_summed", "divided_by_the_length"),
)


def draw_inputs(rng, k_len, vocab, max_len, width):
    return _drawn(int(rng.integers(2**62)), k_len, vocab, max_len, width, PENALTY)


def aiming_at(pairs):
    def draw(rng, k_len, vocab, max_len, width=None):
        return _drawn(int(rng.integers(2**62)), k_len, vocab, max_len, width or vocab**max_len, pairs)

    return draw


def greedy(rng, k_len, vocab, max_len):
    """A beam of width 1."""
    return {**_drawn(int(rng.integers(2**62)), k_len, vocab, max_len, 1, ()), "alpha": 0.0}


@functools.lru_cache(maxsize=512)
def _drawn(seed, k_len, vocab, max_len, width, pairs):
    """Draw until the pairs find different texts, and nothing is a near tie: END's bias and alpha are set so."""
    rng = np.random.default_rng(seed)
    while True:
        begin, *others = map(int, rng.permutation(vocab))
        inputs = {**transformer(rng, vocab, sharpness=1.5), **sources(rng, 1, k_len)}
        inputs["W_vocabulary.bias"] += 2.0  # no probability changes, sums of logits do
        inputs |= {"source_lengths": np.array([k_len // 2]), "begin": begin, "max_len": max_len, "width": width}
        model, tensors = module_of(inputs), [torch.from_numpy(inputs[name]) for name in ("source", "source_lengths")]
        table = _table(model, *tensors, begin, max_len)
        for end, bias in itertools.product(others, rng.uniform(-1, 3, size=4).tolist()):
            raised = table + bias * (torch.arange(vocab) == end)
            for alpha in rng.permutation([0.6, 1.2, 2.0]).tolist():
                way = {"end": end, "max_len": max_len, "width": width, "alpha": alpha}
                answer = functools.cache(functools.partial(_answer, raised, **way))
                if all(answer(one) != answer(other) for one, other in pairs) and _is_clear(raised, **way):
                    inputs["W_vocabulary.bias"][end] += bias
                    return {**inputs, **way}


def _answer(logits, name="", **values):
    """Return the best text of a search, as the stages find it, but for one slip by its name."""
    values["logits"] = logits
    for stage in (log_p, search, scored, best):
        slips = (*stage.slips, *stage.rare_slips)
        way = next((slip.compute for slip in slips if slip.name == name), stage.compute)
        values[stage.name] = way(*(values[asked] for asked in inspect.signature(way).parameters))
        if stage is log_p:
            values["log_p"] = values["log_p"].numpy()
    return values["best"]


def _is_clear(logits, end, max_len, width, alpha):
    """Tell whether no two candidates between which a decision is made are nearly equal."""
    log_p = torch.log_softmax(logits, dim=-1).numpy()
    beam, ended = [(0.0, ())], []
    for _ in range(max_len):
        candidates = sorted(_continued(beam, log_p), reverse=True)
        places = width - len(ended)
        if places < len(candidates) and candidates[places - 1][0] - candidates[places][0] < MARGIN:
            return False
        ended += [one for one in candidates[:places] if one[1][-1] == end]
        beam = [one for one in candidates[:places] if one[1][-1] != end]
        if not beam or len(ended) >= width:
            break
    scores = sorted((logp / _penalty(len(text), alpha) for logp, text in ended + beam), reverse=True)
    return len(scores) == 1 or scores[0] - scores[1] > MARGIN


def the_example(rng, alpha):
    """A model that gives the same probabilities whatever it is given."""
    source = {"source": np.array([[1, 2, 0]]), "source_lengths": np.array([2])}
    search = {"begin": 0, "end": 2, "max_len": 3, "width": 2, "alpha": alpha}
    return {**indifferent(np.log([0.1, 0.6, 0.3])), **source, **search}


def _penalty(n, alpha):
    return ((5 + n) / 6) ** alpha


def _table(model, source, source_lengths, begin, max_len):
    """Return the logits after every beginning: (vocab,) * (max_len - 1) + (max_len, vocab): [a, b, t] are those at
    position t of BEGIN a b."""
    vocab = model.W_vocabulary.out_features
    texts = torch.tensor(list(itertools.product(range(vocab), repeat=max_len - 1)), dtype=torch.int64)
    tokens = torch.cat([torch.full((len(texts), 1), begin), texts], dim=1)
    logits = logits_by(model, source.expand(len(texts), -1), tokens, source_lengths.expand(len(texts)))
    return logits.reshape(*[vocab] * (max_len - 1), max_len, vocab)


def _next(log_p, text):
    """Return log P of each next token after a text, as a list."""
    places = log_p.ndim - 2
    padded = (*text, *(0,) * (places - len(text)))
    return log_p[padded][len(text)].tolist()


def reference(model, source, source_lengths, begin, end, max_len, width, alpha):
    """Whatever there is, if the beam is wide enough for that; else a search on log P of every beginning."""
    log_p = torch.log_softmax(_table(model, source, source_lengths, begin, max_len), dim=-1)
    vocab = log_p.shape[-1]
    if width >= vocab**max_len:
        texts = {
            text[: text.index(end) + 1] if end in text else text
            for text in itertools.product(range(vocab), repeat=max_len)
        }
    else:
        alive, ended = {(): 0.0}, {}
        for _ in range(max_len):
            longer = {
                (*text, t): so_far + p for text, so_far in alive.items() for t, p in enumerate(_next(log_p, text))
            }
            first = sorted(longer, key=longer.get)[::-1][: width - len(ended)]
            ended |= {text: longer[text] for text in first if text[-1] == end}
            alive = {text: longer[text] for text in first if text[-1] != end}
        texts = {*ended, *alive}

    def score(text):
        log_of = sum(_next(log_p, text[:i])[token] for i, token in enumerate(text))
        return log_of / ((5 + len(text)) / 6) ** alpha

    text = max(texts, key=score)
    return torch.tensor([*text, *[end] * (max_len - len(text))])


@Stage
def logits(model, source, source_lengths, begin, max_len):
    return _table(model, source, source_lengths, begin, max_len)


@logits.slip
def lengths_ignored(model, source, begin, max_len):
    """The padding of the source is read like real tokens: its length has no effect. It goes into the model, too:
    model(source, target, source_lengths)."""
    return _table(model, source, torch.tensor([source.shape[1]]), begin, max_len)


@Stage
def log_p(logits):
    return torch.log_softmax(logits, dim=-1)


@log_p.slip
def logits_summed(logits):
    """The logits themselves are added up, and logits may be anything. Log probabilities are added up: log_softmax makes
    them."""
    return logits


@log_p.slip
def probabilities_summed(logits):
    """Probabilities are added up. It is their logarithms that add up, since probabilities multiply: log_softmax, not
    softmax."""
    return torch.softmax(logits, dim=-1)


def _continued(beam, log_p):
    return [(so_far + p, (*text, t)) for so_far, text in beam for t, p in enumerate(_next(log_p, text))]


@Stage
def search(log_p, end, max_len, width):
    """All that is in the beam at the end, as (log P, tokens)."""
    beam, ended = [(0.0, ())], []
    for _ in range(max_len):
        candidates = sorted(_continued(beam, log_p), reverse=True)[: max(width - len(ended), 0)]
        ended += [one for one in candidates if one[1][-1] == end]
        beam = [one for one in candidates if one[1][-1] != end]
    return ended + beam


@search.slip
def ended_may_fall_out(log_p, end, max_len, width):
    """A text that has ended may be pushed out of the beam by beginnings that go on. Once it has ended it keeps its
    place, and the others share those that are left."""
    beam = [(0.0, ())]
    for _ in range(max_len):
        ended = [one for one in beam if one[1][-1:] == (end,)]
        going = [one for one in beam if one[1][-1:] != (end,)]
        beam = sorted([*ended, *_continued(going, log_p)], reverse=True)[:width]
    return beam


@search.slip
def ended_leave_their_place(log_p, end, max_len, width):
    """A text that has ended leaves its place in the beam to another beginning, so that `width` of them go on all the
    same. It keeps its place: the others share those that are left."""
    beam, ended = [(0.0, ())], []
    for _ in range(max_len):
        candidates = sorted(_continued(beam, log_p), reverse=True)
        ended += [one for one in candidates[:width] if one[1][-1] == end]
        beam = [one for one in candidates if one[1][-1] != end][:width]
    return ended + beam


@search.rare
def stops_at_the_first_end(log_p, end, max_len, width):
    """The search stops as soon as one text has ended. The other beginnings go on, in the places that are left, until
    none is left or max_len is reached."""
    beam = [(0.0, ())]
    for _ in range(max_len):
        beam = sorted(_continued(beam, log_p), reverse=True)[:width]
        if any(text[-1] == end for _, text in beam):
            break
    return beam


@search.rare
def end_is_continued(log_p, end, max_len, width):
    """Beginnings are continued behind their END, and what comes there counts in log P. A text that has ended keeps its
    place and its log P."""
    beam = [(0.0, ())]
    for _ in range(max_len):
        beam = sorted(_continued(beam, log_p), reverse=True)[:width]
    return [(so_far, text[: text.index(end) + 1] if end in text else text) for so_far, text in beam]


@search.rare
def each_its_best_next(log_p, end, max_len, width):
    """The `width` best first tokens are each continued by their own best next token, so that the beginnings never
    compete. At every step, all continuations of all beginnings compete for the places."""
    beam, ended = [(0.0, ())], []
    for step in range(max_len):
        candidates = sorted(_continued(beam, log_p), reverse=True)
        if step == 0:
            candidates = candidates[:width]
        else:
            own = {}
            for one in candidates:
                own.setdefault(one[1][:-1], one)
            candidates = list(own.values())
        ended += [one for one in candidates if one[1][-1] == end]
        beam = [one for one in candidates if one[1][-1] != end]
    return ended + beam


@search.slip
def greedy_choice(log_p, end, max_len):
    """This is greedy choice: one beginning is kept, whatever the width."""
    return search(log_p, end, max_len, 1)


@search.rare
def least_probable(log_p, end, max_len, width):
    """The least probable continuations are kept at each step. The most probable ones are."""
    beam, ended = [(0.0, ())], []
    for _ in range(max_len):
        candidates = sorted(_continued(beam, log_p))[: max(width - len(ended), 0)]
        ended += [one for one in candidates if one[1][-1] == end]
        beam = [one for one in candidates if one[1][-1] != end]
    return ended + beam


@Stage
def scored(alpha, end):
    return lambda log_of, text: log_of / _penalty(len(text), alpha)


@scored.slip
def no_penalty():
    """The best is chosen by log P alone, whatever its length. It is divided by lp first."""
    return lambda log_of, text: log_of


@scored.rare
def multiplied(alpha):
    """log P is multiplied by lp. It is divided by it, so that a long text, whose log P is far below 0, comes nearer to
    0."""
    return lambda log_of, text: log_of * _penalty(len(text), alpha)


@scored.slip
def end_not_counted(alpha, end):
    """END is not counted in n. It is a token like the others: n is the number of all tokens with END."""
    return lambda log_of, text: log_of / _penalty(len(text) - (text[-1] == end), alpha)


@scored.rare
def begin_counted(alpha):
    """n is one too large, as if BEGIN counted. It is the number of tokens written, with END and without BEGIN."""
    return lambda log_of, text: log_of / _penalty(len(text) + 1, alpha)


@scored.rare
def divided_by_the_length():
    """log P is divided by n itself. It is divided by lp, ((5 + n) / 6) to the power of alpha."""
    return lambda log_of, text: log_of / len(text)


@Stage
def best(search, scored, end):
    return max(search, key=lambda one: scored(*one))[1]


@best.rare
def cut_off_ones_lose(search, scored, end):
    """A text that was cut off at max_len counts only if none has ended. It competes with the others, by its own
    score."""
    ended = [one for one in search if one[1][-1] == end]
    return max(ended or search, key=lambda one: scored(*one))[1]


@best.rare
def ended_ones_lose(search, scored, end):
    """Texts that have ended are lost, as long as one has been cut off at max_len: the best of those is taken. All of
    the beam compete, by their scores."""
    cut = [one for one in search if one[1][-1] != end]
    return max(cut or search, key=lambda one: scored(*one))[1]


@best.rare
def worst_of_the_beam(search, scored):
    """Of all in the beam the one with the lowest score is taken. Scores are below 0; the best is the largest, next to
    0."""
    return min(search, key=lambda one: scored(*one))[1]


@Stage
def tokens(best, end, max_len):
    return torch.tensor([*best, *[end] * (max_len - len(best))])


@tokens.slip
def filled_with_zeros(best, max_len):
    """Behind END stands 0. Here 0 is a token like any other: fill up with END."""
    return torch.tensor([*best, *[0] * (max_len - len(best))])


@tokens.slip
def begin_kept(best, begin, end, max_len):
    """BEGIN is part of your result, and the last place fell off behind. It goes into the model, but it is no part of
    the text."""
    return torch.tensor([begin, *best, *[end] * (max_len - len(best))][:max_len])


@tokens.slip
def begin_kept_in_front(best, begin, end, max_len):
    """BEGIN stands in front of the text. It goes into the model, but it is no part of the text: leave it out."""
    return torch.tensor([begin, *best, *[end] * (max_len - len(best))])


@tokens.slip
def not_filled(best):
    """The result is as long as its text. Behind END, END fills it up to max_len."""
    return torch.tensor(best)


@tokens.rare
def with_an_axis_in_front(best, end, max_len):
    """The tokens stand in a row of their own: (1, max_len). One text is asked for: (max_len,)."""
    return torch.tensor([[*best, *[end] * (max_len - len(best))]])


@known.mistake
def topk_of_too_few(model, source, source_lengths, begin, end, max_len, width, alpha):
    """More are asked of topk than there are: at the first step there are as many continuations as tokens, and the beam
    may be wider. Keep min(width, how many there are)."""
    logits = model(source, torch.tensor([[begin]]), source_lengths)[0, -1]
    first = torch.log_softmax(logits, dim=-1).topk(width)
    return first.indices


@known.probe
def the_model_of_the_text(rng):
    for alpha, right in ((0.0, [2, 2, 2]), (1.0, [1, 1, 1])):
        yours = yield the_example(rng, alpha)
        if yours.tolist() != right:
            return (
                f"With the model of the example and alpha = {alpha:g} yours writes {_read(yours)}, expected "
                f"{_read(right)}."
            )
    return None


@known.probe
def width_1(rng):
    inputs = greedy(rng, k_len=4, vocab=4, max_len=4)
    model, tensors = module_of(inputs), [torch.from_numpy(inputs[name]) for name in ("source", "source_lengths")]
    text = [inputs["begin"]]
    while len(text) < 5:
        chosen = int(model(tensors[0], torch.tensor([text]), tensors[1])[0, -1].argmax())
        text.append(inputs["end"] if inputs["end"] in text[1:] else chosen)
    yours = yield inputs
    if yours.tolist() == text[1:]:
        return None
    return f"A beam of width 1 is greedy choice. Yours writes {_read(yours)}, greedy choice {_read(text[1:])}."


@known.probe
def two_tokens(rng):
    """With max_len = 1 the beam is all the tokens, and n is 1 for each."""
    inputs = {**greedy(rng, k_len=4, vocab=4, max_len=4), "max_len": 1, "width": 3, "alpha": 1.0}
    model, tensors = module_of(inputs), [torch.from_numpy(inputs[name]) for name in ("source", "source_lengths")]
    right = int(model(tensors[0], torch.tensor([[inputs["begin"]]]), tensors[1])[0, -1].argmax())
    yours = yield inputs
    if yours.tolist() == [right]:
        return None
    return f"With max_len = 1 the text is the most probable first token, {right}. Yours writes {_read(yours)}."


def _read(row):
    return " ".join(map(str, np.asarray(row).tolist()))


@known.always
def end_stays(inputs, output):
    """After its first END the text should hold nothing but END."""
    ended = np.maximum.accumulate(output == inputs["end"])
    return bool((output[ended] == inputs["end"]).all())


@known.legal
def on_lists(model, source, source_lengths, begin, end, max_len, width, alpha):
    going, ended = [(0.0, [])], []
    for _ in range(max_len):
        candidates = []
        for so_far, text in going:
            logits = model(source, torch.tensor([[begin, *text]]), source_lengths)[0, -1]
            log_p = torch.log_softmax(logits, dim=-1).tolist()
            candidates += [(so_far + log_p[token], [*text, token]) for token in range(len(log_p))]
        candidates.sort(key=lambda one: one[0], reverse=True)
        kept = candidates[: width - len(ended)]
        ended += [one for one in kept if one[1][-1] == end]
        going = [one for one in kept if one[1][-1] != end]
    _, text = max(ended + going, key=lambda one: one[0] / ((5 + len(one[1])) / 6) ** alpha)
    return torch.tensor(text + [end] * (max_len - len(text)))


@known.legal
def on_tensors(model, source, source_lengths, begin, end, max_len, width, alpha):
    """All beginnings take a step together."""
    texts, scores = torch.tensor([[begin]]), torch.zeros(1, dtype=model.W_vocabulary.weight.dtype)
    best, found, places = -math.inf, None, width
    for n in range(1, max_len + 1):
        many = len(texts)
        logits = model(source.expand(many, -1), texts, source_lengths.expand(many))[:, -1]
        totals = scores[:, None] + logits - logits.logsumexp(dim=-1, keepdim=True)  # (kept, vocab)
        scores, index = totals.flatten().topk(min(places, totals.numel()))
        texts = torch.cat([texts[index // totals.shape[1]], (index % totals.shape[1])[:, None]], dim=1)
        done = texts[:, -1] == end
        for score, text, is_done in zip(scores.tolist(), texts, done.tolist(), strict=True):
            score /= ((5 + n) / 6) ** alpha
            if (is_done or n == max_len) and score > best:
                best, found = score, text
        places -= int(done.sum())
        scores, texts = scores[~done], texts[~done]
        if not len(texts) or not places:
            break
    written = torch.full((max_len,), end)
    written[: len(found) - 1] = found[1:]
    return written


@known.legal
def by_probabilities(model, source, source_lengths, begin, end, max_len, width, alpha):
    """Probabilities multiplied, the logarithm at the end; the encoder runs once."""
    mask = torch.arange(source.shape[1]) < source_lengths[:, None, None]
    memory = model.encoder(model.positions(model.source(source)), mask)
    beam = {(): 1.0}
    for step in range(max_len):
        longer = {}
        for text, p in beam.items():
            if end not in text and len(text) == step:
                x = model.positions(model.target(torch.tensor([[begin, *text]])))
                following = torch.softmax(model.W_vocabulary(model.decoder(x, memory, mask)[0, -1]), dim=-1)
                longer.update({(*text, token): p * q for token, q in enumerate(following.tolist())})
        ended = {text: p for text, p in beam.items() if end in text}
        kept = sorted(longer.items(), key=lambda one: -one[1])[: width - len(ended)]
        beam = ended | dict(kept)
    text = max(beam, key=lambda text: math.log(beam[text]) * (6 / (5 + len(text))) ** alpha)
    return torch.tensor([*text, *(max_len - len(text)) * [end]])


TASK = Task(
    id="09b.beam_search",
    title="Several beginnings",
    difficulty=3,
    minutes=20,
    library="torch",
    reference=reference,
    draw=draw_inputs,
    build=BUILD,
    skeleton=Transformer,
    part=True,
    cases=(
        Case("the example of the text, alpha = 1", dict(alpha=1.0), 1, "float32", draw=the_example),
        Case("the example of the text, alpha = 0", dict(alpha=0.0), 1, "float32", draw=the_example),
        Case("width 2", dict(k_len=6, vocab=3, max_len=5, width=2), 1, "float32"),
        Case("width 3", dict(k_len=6, vocab=4, max_len=5, width=3), 1, "float32", draw=aiming_at(WIDTH)),
        Case("width 4", dict(k_len=3, vocab=5, max_len=4, width=4), 1, "float32", draw=aiming_at(LENGTH)),
        Case("texts that end", dict(k_len=5, vocab=3, max_len=6, width=3), 1, "float32", draw=aiming_at(PLACES)),
        Case("width 5", dict(k_len=5, vocab=4, max_len=4, width=5), 1, "float32", draw=aiming_at(BEHIND)),
        Case("width 1, as greedy choice", dict(k_len=4, vocab=5, max_len=3), 1, "float32", draw=greedy),
        Case("everything is kept", dict(k_len=4, vocab=4, max_len=3), 1, "float32", draw=aiming_at(EVERYTHING)),
        Case("width 3, wide numbers", dict(k_len=6, vocab=4, max_len=5, width=3), 1, "float64"),
    ),
    hints=(
        "What does a beginning need to be compared with the others, and what to be continued? And where do those go "
        "that have ended?",
        "A list of pairs (log P, tokens) is enough for those that go on, and another for those that have ended. "
        "torch.log_softmax of the logits of the last position, .tolist(), gives log P of every next token.",
        "Up to max_len times: candidates = every beginning with every token; sort by log P, keep the first width - "
        "len(ended); move those with END. At the end: max of ended + going, by log P / lp.",
        "With tokens kept without BEGIN and with END, n is len(tokens). The last choice: max(ended + going, key=lambda "
        "pair: ...), where pair[0] is log P; then fill up with [end] * (max_len - n).",
    ),
    stages=(logits, log_p, search, scored, best, tokens),
    **known.ways,
)
