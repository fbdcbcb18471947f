"""Matrices: vectors, products, scores, weights, masks and padded batches."""

import numpy as np

from course_lib.plotting import cells
from course_lib.plotting.figure import CourseFigure, Panel
from course_lib.plotting.inputs import boolean, names_of, numbers, sides_of, visible
from course_lib.plotting.style import COLORS, FAINT, INK, LINE, SMALL, TEXT, darker, ink, shades, write
from course_lib.plotting.words import count, listing, number, odd_cells, row_peaks, span

TIMES = "\N{MULTIPLICATION SIGN}"
TELLS_EVERY_ROW = 8  # rows; of a larger matrix the text tells the extremes


def show_vectors(vectors, tokens, features=None, *, role="query", title=None) -> CourseFigure:
    """The rows of a small matrix as cells in the color of their role.

    vectors: (tokens, features); role: "query", "key", "value", "output" or "input".
    """
    vectors = numbers(vectors, "vectors")
    n, d = vectors.shape
    tokens = names_of(tokens, n, "token", "row", "vectors")
    columns = names_of(range(1, d + 1) if features is None else features, d, "feature", "column", "vectors")

    alt = f"{role.capitalize()} vectors of {count(n, 'token')}, {count(d, 'number')} each"
    alt += f" ({', '.join(columns)}). " if features is not None else ". "
    if vectors.size <= 48:
        rows = (" ".join(map(number, row)) for row in vectors)
        alt += "; ".join(f"{token}: {row}" for token, row in zip(tokens, rows, strict=True)) + "."
    else:
        alt += f"They run {span(vectors)}."
    look = {"kind": "vectors", "widest": cells.widest_cell(vectors)}
    return CourseFigure((cells.matrix_panel(vectors, tokens, columns, role, alt, title, **look),))


def show_product(
    left, right, rows, columns, inner=None, *, roles=("query", "key", "scores"), names=("Q", "Kᵀ", "Q Kᵀ"), mark=None
) -> CourseFigure:
    """A matrix product as a picture: each cell of the result lies where its row of left meets its column of right.

    left: (n, d); right: (d, m), for example `K.T`; rows, columns, inner: the names of the n rows, the m columns and the
    d entries that are multiplied and summed. mark=(i, j) frames a row, a column and the cell in which they meet; the
    figure's text then spells out their sum.
    """
    left, right = numbers(left, "left"), numbers(right, "right")
    (n, d), m = left.shape, right.shape[1]
    if right.shape[0] != d:
        raise ValueError(
            f"left {left.shape} times right {right.shape}: the inner sizes {d} and {right.shape[0]} differ. "
            "Is a transpose missing (right.T)?"
        )
    rows = names_of(rows, n, "row name", "row", "left")
    columns = names_of(columns, m, "column name", "column", "right")
    inner = None if inner is None else names_of(inner, d, "inner name", "column", "left")
    product = left @ right
    alt = f"Matrix product: {names[0]} ({n} by {d}) times {names[1]} ({d} by {m}) gives {names[2]} ({n} by {m}), "
    alt += f"{span(product)}."

    x, y = d + 1, d + (1 if inner is None else 2)  # where the result begins, in cells
    frames = ()
    if mark is not None:
        i, j = mark
        if not (0 <= i < n and 0 <= j < m):
            raise ValueError(f"mark={mark} is no (row, column) of the result, which has shape {product.shape}.")
        frames = ((0, y + i, d, 1), (x + j, 0, 1, d), (x + j, y + i, 1, 1))
        factors = [[f"({number(f)})" if f < 0 else number(f) for f in row] for row in (left[i], right[:, j])]
        terms = " + ".join(f"{a}·{b}" for a, b in zip(*factors, strict=True))
        alt += f" Row {rows[i]} meets column {columns[j]}: {terms} = {number(product[i, j])}."

    matrices = (left, right, product)
    cell, height, fits = cells.cell_size(x + m, y + n, max(map(cells.widest_cell, matrices)))
    below = {"offset": (0, -6), "ha": "center", "va": "top"}

    def draw(axes, limits):
        cells.blank(axes, x + m, y + n)
        for values, role, at in zip(matrices, roles, ((0, y), (x, 0), (x, y)), strict=True):
            cells.draw_cells(axes, values, shades(role), None if fits else cells.range_of(values), at=at)
        cells.label_rows(axes, rows, at=(0, y))
        cells.label_columns(axes, columns, cell, at=(x, 0))
        reach = 0.0
        if inner is not None:
            reach = cells.label_rows(axes, inner, at=(x, 0), color=FAINT)
            cells.label_columns(axes, inner, cell, at=(0, y), color=FAINT)
        beside = {"offset": (-10 - reach, 0), "ha": "right", "va": "center"}
        places = (((d / 2, y + n), below), ((x, d / 2), beside), ((x + m / 2, y + n), below))
        for name, role, values, (point, style) in zip(names, roles, matrices, places, strict=True):
            caption = f"{name}  ({values.shape[0]} {TIMES} {values.shape[1]})"
            write(axes, point, caption, color=ink(role), weight="bold", **style)
        for place in frames:
            cells.box(axes, *place, fill=False, edgecolor=INK, linewidth=2.5, zorder=4)

    return CourseFigure((Panel((x + m) * cell, (y + n) * height, draw, alt),))


def show_scores(scores, query_tokens, key_tokens=None, *, sides=cells.ASKS_ANSWERS, title=None) -> CourseFigure:
    """Scores as a heat map with numbers: one row per query, one column per key; minus infinity is hatched.

    scores: (queries, keys), white at zero; below it the color is another one. Without `key_tokens` the keys are the
    queries' tokens (self-attention). `sides` names rows and columns of a matrix that is not queries by keys, such as
    softmax's Jacobian.
    """
    scores = numbers(scores, "scores")
    rows, columns = sides_of(scores, "scores", query_tokens, key_tokens)
    what = "Scores" if sides == cells.ASKS_ANSWERS else f"{sides[0]} by {sides[1]}"
    alt = f"{what}, {count(len(rows), 'row')} by {count(len(columns), 'column')}, {span(scores)}."
    peaks = row_peaks(scores, rows, columns, "with")
    if peaks and len(rows) > TELLS_EVERY_ROW:
        alt += f" Highest: {max(peaks)[1]}."
    elif peaks:
        alt += f" Highest in each row: {'; '.join(said for _, said in peaks)}."
    alt += odd_cells(scores)
    panel = cells.matrix_panel(scores, rows, columns, "scores", alt, title, sides=sides)
    return CourseFigure((panel,))


def show_weights(
    weights, query_tokens, key_tokens=None, *, mask=None, row_sums=False, sides=cells.ASKS_ANSWERS, title=None
) -> CourseFigure:
    """Attention weights as a heat map with numbers: who (row) attends to whom (column), and how much.

    weights: (queries, keys), shaded from 0 to 1 where there is room for numbers. mask: boolean, True = may attend;
    cells that may not are hatched and carry no number, unless a weight has leaked into them. row_sums=True adds each
    row's sum on the right. `sides` names rows and columns where "query" and "key" need saying otherwise.
    """
    weights = numbers(weights, "weights")
    rows, columns = sides_of(weights, "weights", query_tokens, key_tokens)
    hidden = None if mask is None else ~boolean(mask, weights.shape)
    sums = weights.sum(axis=-1)

    alt = f"Attention weights of {count(len(rows), 'query', 'queries')} over {count(len(columns), 'key')}."
    alt += _who_attends(weights, rows, columns)
    if hidden is not None:
        alt += f" {hidden.sum()} of {hidden.size} cells are masked."
        leaks = np.count_nonzero(weights[hidden])
        alt += f" {count(leaks, 'masked cell has', 'masked cells have')} weight all the same." if leaks else ""
    alt += f" Row sums: {span(sums)}." if row_sums else ""
    alt += odd_cells(weights)

    matrix = {"sides": sides, "hidden": hidden, "sums": sums if row_sums else None}
    return CourseFigure((cells.matrix_panel(weights, rows, columns, "weights", alt, title, **matrix),))


def _who_attends(weights, rows, columns):
    """Each row's strongest keys; of many rows the sharpest and the flattest; and the rows without any weight."""
    attends = weights.any(axis=-1)
    some = [row for row, yes in zip(rows, attends, strict=True) if yes]
    none = [row for row, yes in zip(rows, attends, strict=True) if not yes]
    peaks = row_peaks(weights[attends], some, columns, "to")
    alt = ""
    if peaks and len(rows) > TELLS_EVERY_ROW:
        alt = f" Sharpest: {max(peaks)[1]}. Flattest: {min(peaks)[1]}."
    elif peaks:
        alt = f" Each attends most: {'; '.join(said for _, said in peaks)}."
    return alt + (f" No weight at all: {listing(none, TELLS_EVERY_ROW)}." if none else "")


def show_mask(mask, query_tokens, key_tokens=None, *, sides=cells.ASKS_ANSWERS, title=None) -> CourseFigure:
    """A boolean mask, True = may attend: a dot where a query may attend to a key, hatched where it may not.

    mask: (queries, keys). `sides` names rows and columns of another mask, such as sequences by positions.
    """
    may = numbers(boolean(mask), "mask") == 1
    rows, columns = sides_of(may, "mask", query_tokens, key_tokens)
    cell, height, _ = cells.cell_size(len(columns), len(rows))

    def draw(axes, limits):
        cells.blank(axes, len(columns), len(rows))
        for i, j in np.argwhere(~may):
            cells.hatched(axes, j, i)
        i, j = np.nonzero(may)
        dot = {"color": COLORS["weights"], "markeredgecolor": darker(COLORS["weights"], 0.5)}
        axes.plot(j + 0.5, i + 0.5, "o", markersize=72 * min(cell, height) * 0.27, **dot)
        cells.frame(axes, len(columns), len(rows))
        key = {"ha": "center", "va": "top", "size": SMALL, "color": FAINT}
        write(axes, (len(columns) / 2, len(rows)), "dot: may attend, hatched: may not", (0, -6), **key)
        cells.label_sides(axes, rows, columns, sides, cell, height)

    alt = f"Mask, {count(len(rows), 'row')} by {count(len(columns), 'column')}: "
    alt += f"{may.sum()} of {may.size} cells may attend."
    if len(rows) <= TELLS_EVERY_ROW:
        lines = []
        for name, row in zip(rows, may, strict=True):
            allowed = [column for column, yes in zip(columns, row, strict=True) if yes]
            lines.append(f"{name} to {'all' if row.all() else listing(allowed, 8) if allowed else 'nothing'}")
        alt += f" {'; '.join(lines)}."
    return CourseFigure((Panel(len(columns) * cell, len(rows) * height, draw, alt, title),))


def show_padding(sequences, names, *, title=None) -> CourseFigure:
    """Sequences of different length as one rectangle: every token in its cell, the padding hatched.

    sequences: strings (one cell per character) or lists of tokens; names: one per sequence, on the left.
    """
    sequences = [[visible(token) for token in sequence] for sequence in sequences]
    lengths = [len(sequence) for sequence in sequences]
    if not any(lengths):
        raise ValueError("sequences is empty: give at least one string or list of tokens.")
    names = names_of(names, len(sequences), "name", "sequence", "sequences")
    longest = max(lengths)
    letters = max(len(token) for sequence in sequences for token in sequence)
    cell = min(cells.ROW if letters == 1 else 1.1, 8.2 / longest)
    size = min(TEXT, 72 * cell / (0.65 * max(letters, 2)))

    def draw(axes, limits):
        cells.blank(axes, longest, len(sequences))
        for i, sequence in enumerate(sequences):
            for j, token in enumerate(sequence):
                cells.box(axes, j, i, facecolor="white", edgecolor=LINE, linewidth=0.8)
                write(axes, (j + 0.5, i + 0.5), token, ha="center", va="center_baseline", size=size)
            for j in range(len(sequence), longest):
                cells.hatched(axes, j, i)
        cells.frame(axes, longest, len(sequences))
        cells.label_rows(axes, [f"{name} ({length})" for name, length in zip(names, lengths, strict=True)])
        positions = [str(position) for position in range(1, longest + 1)]
        reach = cells.label_columns(axes, positions, cell, color=FAINT, size=min(SMALL, size))
        above = {"ha": "center", "va": "bottom", "size": SMALL, "color": FAINT}
        write(axes, (longest / 2, 0), "position", (0, reach + 5), **above)

    said = ", ".join(f"{name} {length}" for name, length in zip(names, lengths, strict=True))
    area = longest * len(sequences)
    alt = f"{count(len(sequences), 'sequence')} padded to length {longest}. Their own lengths: {said}. "
    alt += f"{area - sum(lengths)} of {area} cells are padding."
    return CourseFigure((Panel(longest * cell, len(sequences) * cells.ROW, draw, alt, title),))
