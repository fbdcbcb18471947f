"""09b.cached_logits: a Transformer's logits token by token, with a cache in every block; nothing computed twice."""

import math

import numpy as np
import torch

from course_lib.positional_encoding import sinusoidal_encoding
from grader.known import Known
from grader.stages import Stage
from grader.task import Build, Case, Task
from tasks.decoding_stages import ARGUMENTS, sources, transformer
from tasks.probes import first_difference
from tasks.skeletons import Transformer

known = Known()

BUILD = Build(
    takes=("source", "source_lengths", "target"), arguments=ARGUMENTS, module="Transformer", given=True, name="model"
)


def draw_inputs(rng, batch, k_len, length, num_layers, num_heads, vocab):
    model = transformer(
        rng, vocab, d_model=4 * num_heads, num_heads=num_heads, d_ff=11, num_layers=num_layers, sharpness=1.0
    )
    target = rng.integers(vocab, size=(batch, length))
    target[:, 1:] = np.where(target[:, 1:] == target[:, :-1], (target[:, 1:] + 1) % vocab, target[:, 1:])
    return {**model, **sources(rng, batch, k_len), "target": target}


def counted(rng, **sizes):
    """The budget is what one call of the model takes, all positions at once; a hundredth more."""
    inputs = draw_inputs(rng, **sizes)
    return {**inputs, "budget": int(1.01 * _operations(**{name: inputs[name] for name in ARGUMENTS} | sizes))}


def _operations(source_size, target_size, d_model, num_heads, d_ff, num_layers, batch, k_len, length, **_):
    """Return the floating-point operations of the matrix products: two for each number of one times one of another."""
    maps = d_model * d_model
    encoder = k_len * (4 * maps + 2 * d_model * d_ff) + 2 * k_len * k_len * d_model
    own = 4 * length * maps + 2 * length * length * d_model
    across = 2 * (length + k_len) * maps + 2 * length * k_len * d_model
    decoder = own + across + 2 * length * d_model * d_ff
    return 2 * batch * (num_layers * (encoder + decoder) + length * d_model * target_size)


def the_example(rng):
    """Two positions of one text, in the smallest model that has all its parts."""
    return draw_inputs(np.random.default_rng(9), batch=1, k_len=3, length=2, num_layers=1, num_heads=1, vocab=4)


def reference(model, source, source_lengths, target):
    return model(source, target, source_lengths)


@Stage
def source_mask(source, source_lengths):
    return torch.arange(source.shape[1]) < source_lengths[:, None, None]  # (batch, 1, k_len)


@Stage
def memory(model, source, source_mask):
    return model.encoder(model.positions(model.source(source)), source_mask)


@memory.slip
def encoder_without_a_mask(model, source):
    """In the encoder the padding of the sources is not hidden. It needs the mask as well: padding_mask(source_lengths,
    k_len)."""
    return model.encoder(model.positions(model.source(source)))


@memory.slip
def source_without_positions(model, source, source_mask):
    """The source goes into the encoder without positions. They are added as model.forward does, to source and
    target."""
    return model.encoder(model.source(source), source_mask)


@Stage
def bridge_mask(source_mask):
    return source_mask


@bridge_mask.slip
def bridge_without_a_mask():
    """In cross-attention the padding of the memory is not hidden. What attends to it needs the mask as well:
    padding_mask(source_lengths, k_len)."""
    return None


@Stage
def place():
    return lambda step: step


@place.slip
def every_token_at_position_0():
    """Every token stands at position 0: it is the first of the little sequence that goes in, and `start` was not said.
    model.positions(x, start) counts from `start` on."""
    return lambda step: 0


@place.slip
def one_position_too_late():
    """The positions are counted from 1 on. The first token, BEGIN, stands at position 0."""
    return lambda step: step + 1


@place.slip
def one_position_too_early():
    """From the second token on, each stands one position too early. Token number t of the target, counted from 0,
    stands at position t."""
    return lambda step: max(step - 1, 0)


@place.rare
def no_positions():
    """The tokens of the target get no positions. They are added as model.forward does: model.positions(x, start)."""
    return None


@Stage
def seen():
    return lambda caches, layer: caches[layer]


@seen.slip
def itself_alone():
    """Each token sees itself alone: nothing of the tokens before it is left in the cache. What extend_cache gives is
    the cache of the next step."""
    return lambda caches, layer: caches[layer][..., -1:, :]


@seen.slip
def itself_not_seen():
    """A token sees those before it, but not itself. First its own keys and values go into the cache, then it attends to
    all of it."""
    return lambda caches, layer: caches[layer][..., : max(1, caches[layer].shape[3] - 1), :]


@seen.slip
def begin_and_itself():
    """Each token sees BEGIN and itself: the cache never gets longer than that. What extend_cache gives is the cache of
    the next step."""
    return lambda caches, layer: torch.cat([caches[layer][..., :1, :], caches[layer][..., 1:, :][..., -1:, :]], dim=3)


@seen.rare
def only_the_last_two():
    """Each token sees itself and the one before it: the cache never gets longer than that. What extend_cache gives is
    the cache of the next step."""
    return lambda caches, layer: caches[layer][..., -2:, :]


@Stage
def kept():
    """What of a block's input goes into the cache."""
    return lambda block, x: block.norm_self_attention(x)


@kept.slip
def not_normed_for_the_cache():
    """What goes into the cache is not normed, while the queries are. Keys, values and queries are all made of the
    normed x, as block.self_attention(norm(x)) does."""
    return lambda block, x: x


@Stage
def asked():
    """What of a block's input asks."""
    return lambda block, x: block.norm_self_attention(x)


@asked.slip
def not_normed_for_the_queries():
    """The queries of masked self-attention are made of x itself, while what is kept is normed. Keys, values and queries
    are all made of the normed x."""
    return lambda block, x: x


@Stage
def ending(model):
    return model.decoder.norm


@ending.slip
def no_last_norm():
    """The decoder's last norm is left out: model.decoder.norm comes after all the blocks."""
    return lambda x: x


@Stage
def logits(model, target, memory, bridge_mask, place, seen, kept, asked, ending):
    return _decode(model, target, memory, bridge_mask, place, seen, kept, asked, ending)


@logits.rare
def no_sum_around_cross_attention(model, target, memory, bridge_mask, place, seen, kept, asked, ending):
    """What cross-attention gathers takes the place of x and is not added to it. Around every part of a block there is a
    sum: x = x + part(norm(x))."""
    return _decode(model, target, memory, bridge_mask, place, seen, kept, asked, ending, keep=0.0)


@logits.rare
def one_cache_for_all_blocks(model, target, memory, bridge_mask, place, kept, asked, ending):
    """All blocks put their keys and values into one cache, and each sees those of the others, too. Every block has a
    cache of its own."""
    return _decode(model, target, memory, bridge_mask, place, None, kept, asked, ending)


@logits.rare
def only_the_last_block(model, target, memory, bridge_mask, place, seen, kept, asked, ending):
    """One block alone is gone through, the first. The decoder has several: each takes what the one before it gives."""
    return _decode(model, target, memory, bridge_mask, place, seen, kept, asked, ending, most=1)


def _decode(model, target, memory, mask, place, seen, kept, asked, ending, *, keep=1.0, most=99):
    """Go through the target token by token."""
    blocks = model.decoder.blocks[:most]
    across = [_keys_and_values(block.cross_attention, memory) for block in blocks]
    caches, columns, shared = [None] * len(blocks), [], None
    for step in range(target.shape[1]):
        x = model.target(target[:, step : step + 1])
        if place is not None:
            x = x + sinusoidal_encoding(1, x.shape[-1], start=place(step), like=x)
        for layer, block in enumerate(blocks):
            new = _keys_and_values(block.self_attention, kept(block, x))
            if seen is None:
                shared = offered = new if shared is None else torch.cat([shared, new], dim=3)
            else:
                caches[layer] = new if caches[layer] is None else torch.cat([caches[layer], new], dim=3)
                offered = seen(caches, layer)
            x = x + _gather(block.self_attention, asked(block, x), offered)
            x = keep * x + _gather(block.cross_attention, block.norm_cross_attention(x), across[layer], mask)
            x = x + block.feed_forward(block.norm_feed_forward(x))
        columns.append(model.W_vocabulary(ending(x)))
    return torch.cat(columns, dim=1)


def _keys_and_values(attention, x):
    both = torch.stack([attention.W_k(x), attention.W_v(x)])
    return both.unflatten(-1, (attention.num_heads, -1)).transpose(-3, -2)  # (2, batch, num_heads, length, d_k)


def _gather(attention, x, offered, mask=None):
    query = attention.W_q(x).unflatten(-1, (attention.num_heads, -1)).transpose(-3, -2)
    scores = query @ offered[0].mT / math.sqrt(query.shape[-1])  # (batch, num_heads, 1, k_len)
    if mask is not None:
        scores = scores.masked_fill(~mask[:, None], -math.inf)
    return attention.W_o((torch.softmax(scores, dim=-1) @ offered[1]).transpose(-3, -2).flatten(-2))


@known.mistake
def computed_again(model, source, source_lengths, target):
    """The logits are right, and take more multiplications than they should. Look for what is computed again: the
    encoder runs once, keys and values of the memory are made once for every block, before the loop, and at each step
    only the new token goes through the blocks."""
    mask = torch.arange(source.shape[1]) < source_lengths[:, None, None]
    memory = model.encoder(model.positions(model.source(source)), mask)
    columns = []
    for step in range(target.shape[1]):
        x = model.positions(model.target(target[:, : step + 1]))
        causal = torch.ones(step + 1, step + 1, dtype=torch.bool).tril()
        for block in model.decoder.blocks:
            x = block(x, memory, causal, mask)
        columns.append(model.W_vocabulary(model.decoder.norm(x[:, -1:])))
    return torch.cat(columns, dim=1)


@known.mistake
def last_position_alone(model, source, source_lengths, target):
    """The logits of the last token alone come back. They are asked for at every position: keep each step's, and join
    them along the positions."""
    return with_two_functions(model, source, source_lengths, target)[:, -1:]


@known.mistake
def steps_in_front(model, source, source_lengths, target):
    """The steps are stacked in front of the batch: (length, batch, target_size). Joined along axis 1 they give (batch,
    length, target_size)."""
    return with_two_functions(model, source, source_lengths, target).transpose(0, 1)


@known.mistake
def no_logits_yet(model, source, source_lengths, target):
    """These are the decoder's vectors, with d_model numbers each. W_vocabulary makes logits of them."""
    mask = torch.arange(source.shape[1]) < source_lengths[:, None, None]
    memory = model.encoder(model.positions(model.source(source)), mask)
    x, length = model.positions(model.target(target)), target.shape[1]
    for block in model.decoder.blocks:
        x = block(x, memory, torch.ones(length, length, dtype=torch.bool).tril(), mask)
    return model.decoder.norm(x)


@known.mistake
def probabilities(model, source, source_lengths, target):
    """These are probabilities, or their logarithms: a softmax has been over the logits. The logits themselves are asked
    for."""
    return torch.softmax(with_two_functions(model, source, source_lengths, target), dim=-1)


@known.mistake
def tokens_without_an_axis(model, source, source_lengths, target):
    """target[:, t] has shape (batch,), and what becomes of it lacks the axis of positions. target[:, t : t + 1] keeps
    it: (batch, 1)."""
    columns = []
    for step in range(target.shape[1]):
        x = model.positions(model.target(target[:, step]), step)
        block = model.decoder.blocks[0]
        new = torch.stack([block.self_attention.W_k(x), block.self_attention.W_v(x)])
        batch, length, d_model = x.shape
        columns.append(new.view(2, batch, length, d_model))
    return torch.cat(columns, dim=1)


@known.legal
@torch.no_grad()
def with_two_functions(model, source, source_lengths, target):
    def extend_cache(attention, x, cache):
        heads = [
            layer(x).unflatten(-1, (attention.num_heads, -1)).transpose(1, 2)
            for layer in (attention.W_k, attention.W_v)
        ]
        new = torch.stack(heads)
        return new if cache is None else torch.cat([cache, new], dim=-2)

    def attend_to_cache(attention, x, cache, mask=None):
        query = attention.W_q(x).unflatten(-1, (attention.num_heads, -1)).transpose(1, 2)
        mask = mask if mask is None else mask[:, None]
        output = torch.nn.functional.scaled_dot_product_attention(query, cache[0], cache[1], attn_mask=mask)
        return attention.W_o(output.transpose(1, 2).flatten(2))

    mask = torch.arange(source.shape[1], device=source.device) < source_lengths[:, None, None]
    memory = model.encoder(model.dropout(model.positions(model.source(source))), mask)
    blocks = model.decoder.blocks
    across = [extend_cache(block.cross_attention, memory, None) for block in blocks]
    caches = [None] * len(blocks)
    outputs = []
    for t in range(target.shape[1]):
        x = model.dropout(model.positions(model.target(target[:, t : t + 1]), start=t))
        for i, block in enumerate(blocks):
            normed = block.norm_self_attention(x)
            caches[i] = extend_cache(block.self_attention, normed, caches[i])
            x = x + block.dropout(attend_to_cache(block.self_attention, normed, caches[i]))
            x = x + block.dropout(
                attend_to_cache(block.cross_attention, block.norm_cross_attention(x), across[i], mask)
            )
            x = x + block.dropout(block.feed_forward(block.norm_feed_forward(x)))
        outputs.append(x)
    return model.W_vocabulary(model.decoder.norm(torch.cat(outputs, dim=1)))


@known.legal
def with_room_for_all(model, source, source_lengths, target):
    """The caches have room for the whole text from the start; what is not written yet is masked."""
    (batch, length), (heads, d_model) = (
        target.shape,
        (model.decoder.blocks[0].self_attention.num_heads, model.target.embedding_dim),
    )
    allowed = (torch.arange(source.shape[1]) < source_lengths[:, None])[:, None]
    memory = model.encoder(model.positions(model.source(source)), allowed)

    def heads_of(x):
        return x.reshape(len(x), -1, heads, d_model // heads).transpose(1, 2)

    def gather(attention, x, key, value, mask):
        scores = heads_of(attention.W_q(x)) @ key.transpose(2, 3) * (d_model // heads) ** -0.5
        weights = torch.softmax(torch.where(mask, scores, -torch.inf), dim=-1)
        return attention.W_o((weights @ value).transpose(1, 2).reshape(len(x), 1, d_model))

    rooms, across = {}, {}
    for block in model.decoder.blocks:
        across[block] = heads_of(block.cross_attention.W_k(memory)), heads_of(block.cross_attention.W_v(memory))
        rooms[block] = [memory.new_zeros(batch, heads, length, d_model // heads) for _ in range(2)]
    logits = memory.new_zeros(batch, length, model.W_vocabulary.out_features)
    for t in range(length):
        x = model.positions(model.target(target[:, [t]]), t)
        for block in model.decoder.blocks:
            normed, own = block.norm_self_attention(x), block.self_attention
            for room, layer in zip(rooms[block], (own.W_k, own.W_v), strict=True):
                room[:, :, t : t + 1] = heads_of(layer(normed))
            x = x + gather(own, normed, *rooms[block], torch.arange(length) <= t)
            x = x + gather(block.cross_attention, block.norm_cross_attention(x), *across[block], allowed[:, None])
            x = x + block.feed_forward(block.norm_feed_forward(x))
        logits[:, t] = model.W_vocabulary(model.decoder.norm(x))[:, 0]
    return logits


@known.legal
def text_by_text(model, source, source_lengths, target):
    """Without padding there is nothing to mask."""
    rows = []
    for text, n, tokens in zip(source, source_lengths.tolist(), target, strict=True):
        memory = model.encoder(model.positions(model.source(text[None, :n])))
        past = [[[], []] for _ in model.decoder.blocks]
        across = [(b.cross_attention.W_k(memory), b.cross_attention.W_v(memory)) for b in model.decoder.blocks]
        logits = []
        for t, token in enumerate(tokens):
            x = model.positions(model.target(token[None, None]), t)
            for b, kept, bridge in zip(model.decoder.blocks, past, across, strict=True):
                z = b.norm_self_attention(x)
                kept[0].append(b.self_attention.W_k(z))
                kept[1].append(b.self_attention.W_v(z))
                for part, y, (keys, values) in (
                    (b.self_attention, z, [torch.cat(one, 1) for one in kept]),
                    (b.cross_attention, None, bridge),
                ):
                    y = b.norm_cross_attention(x) if y is None else y
                    q, k, v = (
                        one.unflatten(-1, (part.num_heads, -1)).transpose(1, 2) for one in (part.W_q(y), keys, values)
                    )
                    found = torch.softmax(q @ k.mT / q.shape[-1] ** 0.5, dim=-1) @ v
                    x = x + part.W_o(found.transpose(1, 2).flatten(2))
                x = x + b.feed_forward(b.norm_feed_forward(x))
            logits.append(model.W_vocabulary(model.decoder.norm(x[0, 0])))
        rows.append(torch.stack(logits))
    return torch.stack(rows)


PROBE = dict(batch=2, k_len=5, length=4, num_layers=1, num_heads=2, vocab=6)


@known.probe
def where_it_first_differs(rng):
    inputs = draw_inputs(rng, **PROBE)
    model = {name: torch.from_numpy(value) for name, value in inputs.items() if "." in name}
    whole = Transformer(*(inputs[name] for name in ARGUMENTS)).double().eval()
    whole.load_state_dict(model)
    with torch.no_grad():
        right = whole(*(torch.from_numpy(inputs[name]) for name in ("source", "target", "source_lengths"))).numpy()
    found = yield inputs
    wrong = [step for step in range(4) if first_difference(found[:, step], right[:, step]) is not None]
    if not wrong:
        return None
    if wrong[0] == 0:
        return (
            "The very first logits differ already, where BEGIN sees nothing but itself and the memory: look at the "
            "encoder, at the masks and at the parts of a block first, not at the cache."
        )
    return (
        f"The logits of the first position are right, and those of position {wrong[0]} are the first to differ: the "
        f"parts of a block are right for one token alone, so look at the positions and at what the cache holds."
    )


@known.probe
def padding_changed(rng):
    inputs = draw_inputs(rng, **PROBE)
    before = yield inputs
    is_padding = np.arange(5) >= inputs["source_lengths"][:, None]
    after = yield {**inputs, "source": np.where(is_padding, (inputs["source"] + 1) % 5, inputs["source"])}
    if np.allclose(before, after, atol=1e-6):
        return None
    return "When tokens of the sources' padding are changed, your logits change with them."


@known.probe
def an_earlier_token_changed(rng):
    inputs = draw_inputs(rng, **PROBE)
    before = yield inputs
    target = inputs["target"].copy()
    target[:, 1] = (target[:, 1] + 1) % 6
    after = yield {**inputs, "target": target}
    moved = [not np.allclose(before[:, step], after[:, step], atol=1e-6) for step in range(4)]
    if moved == [False, True, True, True]:
        return None
    if moved[0]:
        return "When the token at position 1 is changed, your logits at position 0 change, too: that is its past."
    stays = moved[1:].index(False) + 1
    return f"When the token at position 1 is changed, your logits at position {stays} do not; they should."


TASK = Task(
    id="09b.cached_logits",
    title="Token by token",
    difficulty=3,
    minutes=20,
    library="torch",
    reference=reference,
    draw=draw_inputs,
    build=BUILD,
    skeleton=Transformer,
    part=True,
    cases=(
        Case("the example of the text", {}, 1, "float32", draw=the_example),
        Case("2 texts", dict(batch=2, k_len=5, length=4, num_layers=1, num_heads=3, vocab=6), 2, "float32"),
        Case(
            "several blocks",
            dict(batch=4, k_len=5, length=3, num_layers=2, num_heads=1, vocab=7),
            2,
            "float32",
        ),
        Case(
            "nothing is computed twice",
            dict(batch=1, k_len=4, length=5, num_layers=2, num_heads=1, vocab=3),
            2,
            "float32",
            draw=counted,
            asks="operations",
        ),
    ),
    finished=tuple(
        f"{module}.{name}.forward"
        for module in ("tasks.skeletons", "my_transformer", "solutions.my_transformer")
        for name in ("Transformer", "Decoder")
    ),
    hints=(
        "Of what happens in model.forward, what is the same at every step and can stand before the loop? Of each "
        "block, what is needed of tokens written earlier?",
        "Before the loop: the mask, the memory, and for every block extend_cache(block.cross_attention, memory, None). "
        "In the loop: one token, its position, and for every block its three parts, with norm and sum around each.",
        "normed = block.norm_self_attention(x); caches[i] = extend_cache(block.self_attention, normed, caches[i]); "
        "x = x + attend_to_cache(block.self_attention, normed, caches[i]); then likewise across the bridge.",
        "The token of step t: model.positions(model.target(target[:, t : t + 1]), start=t). Across the bridge: "
        "x = x + attend_to_cache(block.cross_attention, block.norm_cross_attention(x), bridges[i], mask).",
    ),
    stages=(source_mask, memory, bridge_mask, place, seen, kept, asked, ending, logits),
    **known.ways,
)
