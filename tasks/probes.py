"""What several tasks' probes look for in what comes back; each says what it saw, or None if all is as it should be."""

import numpy as np

NEAR = {"float64": 1e-6, "float32": 1e-3}


def weights_seen(weights, mask=None):
    """Return what is wrong with attention weights (..., q_len, k_len), in words that go on a sentence.

    Args:
        weights: what came back where it should be weights.
        mask: boolean, broadcastable to the weights, True = may attend; everything may be if None.
    """
    near = NEAR.get(str(weights.dtype), 1e-3)
    if not np.isfinite(weights).all():
        return f"it holds {np.count_nonzero(~np.isfinite(weights))} numbers that are NaN or infinite"
    if (weights < -near).any():
        place = _first(weights < -near)
        return f"the one at [{_text(place)}] is negative, {weights[place]:.3g}"
    if mask is not None:
        hidden = ~np.broadcast_to(mask, weights.shape) & (np.abs(weights) > near)
        if hidden.any():
            place = _first(hidden)
            return f"the one at [{_text(place)}] is {weights[place]:.3g}, where the mask allows none"
        rows = np.broadcast_to(mask, weights.shape).any(axis=-1)
    else:
        rows = np.ones(weights.shape[:-1], dtype=bool)
    sums = weights.sum(axis=-1)
    off = rows & (np.abs(sums - 1) > near)
    if off.any():
        place = _first(off)
        columns = " while every column does" if np.allclose(weights.sum(axis=-2), 1, atol=near) else ""
        return f"row [{_text(place)}] sums to {apart(sums[place], 1)[0]}, not to 1{columns}"
    return None


def seen_from_a_change(before, after, place):
    """Return what is wrong with causal outputs (length, d_v) when key and value at `place` have changed."""
    moved = np.flatnonzero(~np.isclose(before, after, atol=1e-6).all(axis=-1))
    if len(moved) and moved[0] < place:
        return (
            f"When key and value of position {place} alone are changed, "
            f"your output at position {moved[0]} changes, too."
        )
    if not (moved == place + 1).any():
        return (
            f"When key and value of position {place} are changed, your output at position {place + 1} stays as it is; "
            f"it should change."
        )
    return None


def apart(one, other):
    """Return two different numbers as text, with as many digits as it takes to tell them apart."""
    for digits in (4, 7, 10):
        texts = f"{one:.{digits}g}", f"{other:.{digits}g}"
        if texts[0] != texts[1]:
            break
    return texts


def first_difference(yours, expected):
    """Return (place, yours there, expected there) where two arrays differ first, or None; the place as text."""
    near = NEAR.get(str(yours.dtype), 1e-3)
    wrong = ~np.isclose(yours, expected, atol=near, rtol=near)
    if not wrong.any():
        return None
    place = _first(wrong)
    return _text(place), float(yours[place]), float(np.broadcast_to(expected, yours.shape)[place])


def _first(where):
    return tuple(int(i) for i in np.argwhere(where)[0])


def _text(place):
    return ", ".join(map(str, place))


def hidden_memory(inputs, near=1e-5):
    """Change what memory_mask hides in the memory, and say so if the output changes; for `yield from`."""
    before = yield inputs
    changed = np.where(inputs["memory_mask"].swapaxes(-2, -1), inputs["memory"], inputs["memory"] + 1)
    after = yield {**inputs, "memory": changed}
    if np.allclose(before, after, atol=near):
        return None
    return "Positions of the memory that memory_mask hides were changed, and your output changed with them."


def other_memory(rng, inputs, near=1e-5):
    """Take another memory, and say so if the output stays; for `yield from`."""
    before = yield inputs
    after = yield {**inputs, "memory": inputs["memory"] + rng.normal(size=inputs["memory"].shape)}
    if np.allclose(before, after, atol=near):
        return "With another memory your output stays the same: nothing of the source arrives."
    return None
