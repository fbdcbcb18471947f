"""The class at a glance, for the lecturer: how it went, what went wrong and how often, what to look at by hand."""

import html

from classroom.reports import tally
from classroom.reports.harmless import LONGEST_NAME, columns_of, markup, name_markup, on_one_line
from classroom.reports.page import page
from classroom.reports.wording import DASH, MINUS, counted, lasting, number, share

KINDS = {"right": "right", "wrong": "wrong", "raised": "raised", "other": "other", "not attempted": "none"}
WORDS = {
    "right": "right",
    "wrong": "wrong",
    "raised": "raised an error",
    "other": "other",
    "not attempted": "not attempted",
}
SIGNS = {"right": "█", "wrong": "▓", "raised": "▒", "other": "░", "not attempted": "·"}
NOTHING_YET = "Nobody is here yet: no student is on the roster, and nothing was handed in."
HINTS_ALONE = "Hints, to be looked at by hand: none of them is a verdict, and none of them is on a student's page."
WIDTH = 420  # of the drawing, in its own units: on a phone and on a wall its words can be read
MOST_CARDS = 8  # mistakes that stand out on the page; the others follow in a list
MOST_MISTAKES = 12  # in the terminal


def glance_page(graded, chapter, *, flags=None, pages=None):
    """Return the class at a glance as HTML, for the instructor alone.

    Args:
        graded: a list of `Graded`, one a student.
        chapter: the `grader.task.Chapter` that was asked for.
        flags: what else there is to look at, such as similar answers: sentences by the id of the student.
        pages: where the page of each student is, seen from this one, by their ids.
    """
    title = f"Exercise {chapter.number}: {chapter.title}"
    parts = [f'<p class="soft small">The class at a glance</p>\n<h1>{markup(title)}</h1>']
    if not graded:
        return page(title, "\n".join([*parts, f'<p class="lead">{NOTHING_YET}</p>']))
    tasks, asked = tally.tasks(graded, chapter), tally.questions(graded, chapter)
    parts += [
        _tiles(graded, chapter),
        _distribution(graded),
        _tasks(tasks),
        _mistakes(graded, chapter, tasks),
        _unsolved([*tasks, *asked]),
        _questions(asked),
        _to_look_at(graded, flags or {}),
        _late(graded),
        _missing(graded),
        _everyone(graded, chapter, pages or {}),
    ]
    return page(title, "\n".join(filter(None, parts)))


def glance_text(graded, chapter, *, flags=None, width=80):
    """Return the class at a glance as text for a terminal of so many columns; see `glance_page`."""
    lines = [f"Exercise {chapter.number}: {on_one_line(chapter.title)}", ""]
    if not graded:
        return "\n".join([*lines, NOTHING_YET])
    tasks, asked = tally.tasks(graded, chapter), tally.questions(graded, chapter)
    lines += [*_summary(graded), *_bars(graded, width), *_task_lines(tasks, width)]
    lines += _mistake_lines(graded, chapter, tasks, width)
    if nobody := tally.unsolved([*tasks, *asked]):
        lines += ["", "Nobody has right", *_wrapped(", ".join(_id(one) for one in nobody), width)]
    lines += _question_lines(asked, width)
    lines += _people_lines(graded, flags or {}, width)
    return "\n".join(lines)


# What both say --------------------------------------------------------------------------------------------------------


def _facts(graded):
    """Return (what, how much) in words."""
    came, read = tally.handed_in(graded), tally.readable(graded)
    facts = [("handed in", f"{len(came)} of {len(graded)}")]
    if came:
        points = [one.points for one in came]
        possible = number(max(one.possible for one in graded))
        facts += [
            ("median", f"{number(tally.middle(points))} of {possible}"),
            ("lowest to highest", f"{number(min(points))} to {number(max(points))}"),
            ("with all points", number(sum(one.points >= one.possible for one in came))),
        ]
    if len(read) < len(came):
        facts.append(("could not be read", str(len(came) - len(read))))
    if late := sum(bool(one.late) for one in came):
        facts.append(("late", str(late)))
    return facts


def _by_name(graded):
    return sorted(graded, key=lambda one: (one.student.name.casefold(), one.student.id))


def _flags_of(one, flags):
    """Return all that there is to look at for one student: what the judge saw, and the rest."""
    report = one.report or {}
    found, where = [str(flag) for flag in report.get("flags") or ()], {}
    for result in report.get("results", ()):
        for flag in result.get("flags") or ():
            where.setdefault(flag, []).append(result["id"])
    found += [f"{', '.join(ids)}: {flag}" for flag, ids in where.items()]
    return [*found, *flags.get(one.student.id, ())]


def _mistake_said(mistake):
    return " Or, which gives the same: ".join(mistake.sentences)


def _unexplained(tasks, read):
    """Return in a sentence what is wrong without being a known mistake; "" if nothing is."""
    rest = "; ".join(f"{task.unexplained} of {read} in {task.id}" for task in tasks if task.unexplained)
    return f"Wrong in a way that nothing known explains: {rest}." if rest else ""


def _together(mistake):
    """Return what else was made at once, in words."""
    others = []
    for name, count in sorted(mistake.together.items(), key=lambda pair: (-pair[1], pair[0])):
        rest = [part for part in name.split(tally.TOGETHER) if part not in mistake.names]
        others.append(f"{count} together with {' and '.join(part.replace('_', ' ') for part in rest)}")
    return "; ".join(others)


def _id(tallied):
    return tallied.asked.id if isinstance(tallied, tally.QuestionTally) else tallied.id


def _of_others(task):
    return ", ".join(f"{count} {outcome}" for outcome, count in task.others.most_common())


# HTML -----------------------------------------------------------------------------------------------------------------


def _tiles(graded, chapter):
    items = "".join(f"<li><b>{value}</b>{name}</li>" for name, value in _facts(graded))
    return f'<ul class="tiles">{items}</ul>'


def _distribution(graded):
    """Return how many have how many points, as a drawing with the same numbers in words."""
    came = tally.handed_in(graded)
    if not came:
        return "<h2>Points</h2>\n<p>Nobody has handed in yet.</p>"
    bins = tally.bins([one.points for one in came], max(one.possible for one in graded))
    most, step, height = max(count for *_, count in bins), WIDTH / len(bins), 130
    shapes = []
    for place, (low, _, count) in enumerate(bins):
        tall, middle = height * count / most, step * (place + 0.5)
        shapes.append(
            f'<rect x="{step * place + step * 0.08:.1f}" y="{20 + height - tall:.1f}" width="{step * 0.84:.1f}" '
            f'height="{tall:.1f}" rx="2"/>'
            f'<text x="{middle:.1f}" y="{height + 36}" text-anchor="middle">{number(low)}</text>'
        )
        if count:
            shapes.append(
                f'<text class="count" x="{middle:.1f}" y="{15 + height - tall:.1f}" text-anchor="middle">{count}</text>'
            )
    said = "; ".join(f"{_range(low, high)} points: {count}" for low, high, count in bins if count)
    low, high, _ = bins[0]
    axis = "points" if low == high else f"points, {number(high - low + 1)} to a bar"
    return (
        f'<h2>Points</h2>\n<svg viewBox="0 0 {WIDTH} {height + 58}" role="img" aria-label="How many students have how '
        f'many points. {said}">{"".join(shapes)}<line x1="0" x2="{WIDTH}" y1="{20 + height}" y2="{20 + height}"/>'
        f'<text x="{WIDTH / 2:g}" y="{height + 54}" text-anchor="middle">{axis}</text></svg>\n'
        f'<p class="soft small">Of those who handed in ({len(came)}), with points taken off for lateness and what was '
        f"changed by hand.</p>"
    )


def _range(low, high):
    return number(low) if low == high else f"{number(low)}{DASH}{number(high)}"


def _tasks(tasks):
    if not any(task.answers for task in tasks):
        return ""
    key = "".join(f'<li><i class="{KINDS[name]}"></i>{WORDS[name]}</li>' for name in tally.GROUPS)
    rows = "".join(map(_task_row, tasks))
    numbers = "".join(f'<th class="number">{WORDS[name]}</th>' for name in tally.GROUPS)
    others = [f"{task.id}: {_of_others(task)}" for task in tasks if task.others]
    note = f'<p class="soft small">Other: {markup("; ".join(others))}.</p>' if others else ""
    return (
        f'<h2>Task by task</h2>\n<ul class="key">{key}</ul>\n<div class="wide"><table class="list">'
        f'<tr class="task-head"><th>task</th><th>answers</th>{numbers}</tr>{rows}</table></div>\n{note}'
    )


def _task_row(task):
    bar = "".join(
        f'<i class="{KINDS[name]}" style="width: {100 * task.outcomes[name] / task.answers:.2f}%"></i>'
        for name in tally.GROUPS
        if task.outcomes[name]
    )
    cells = "".join(
        f'<td class="number" data-label="{WORDS[name]}">{task.outcomes[name]}</td>' for name in tally.GROUPS
    )
    worth = "optional" if task.optional else counted(task.worth, "point")
    return (
        f'<tr class="task-row"><td>{markup(task.title)}<br><span class="soft small"><code>{task.id}</code>, {worth}'
        f'</span></td><td><div class="bar">{bar}</div></td>{cells}</tr>'
    )


def _mistakes(graded, chapter, tasks):
    """Return what people did wrong, the most frequent first: what the next lesson may begin with."""
    read = len(tally.readable(graded))
    found = tally.mistakes(graded, chapter)
    rest = _unexplained(tasks, read)
    if not found and not rest:
        return ""
    cards = "".join(_mistake(mistake, read) for mistake in found[:MOST_CARDS])
    rows = "".join(
        f'<tr><td class="number">{mistake.count}</td><td><code>{mistake.task}</code> '
        f"{markup(_mistake_said(mistake))}{_in_brackets(_together(mistake))}</td></tr>"
        for mistake in found[MOST_CARDS:]
    )
    table = f'<table class="list small">{rows}</table>' if rows else ""
    note = f"<p>{markup(rest)}</p>" if rest else ""
    return f"<h2>What went wrong, the most frequent first</h2>\n{cards}{table}{note}"


def _in_brackets(text):
    return f" ({markup(text)})" if text else ""


def _mistake(mistake, read):
    more = [f"{count}" for count in [_together(mistake)] if count]
    if len(mistake.names) > 1:
        more.append("nobody can tell from the numbers which of these it was")
    note = f'<p class="small soft">{markup("; ".join(more))}</p>' if more else ""
    return (
        f'<section class="card wrong"><div class="top"><h3>{mistake.count} of {read} <span class="soft">in</span> '
        f"<code>{mistake.task}</code></h3><span class='points soft small'>{share(mistake.count, read)}</span></div>"
        f"<p>{markup(_mistake_said(mistake))}</p>{note}</section>"
    )


def _unsolved(tallies):
    nobody = tally.unsolved(tallies)
    if not nobody:
        return ""
    items = "".join(
        f"<li><code>{_id(one)}</code> "
        f"{markup(one.asked.text if isinstance(one, tally.QuestionTally) else one.title)}</li>"
        for one in nobody
    )
    return f"<h2>Nobody has this right</h2>\n<ul>{items}</ul>"


def _questions(asked):
    asked = [one for one in asked if one.answers]
    return "<h2>Questions</h2>\n" + "\n".join(map(_question, asked)) if asked else ""


def _question(tallied):
    rows = [
        (f"{letter}) {markup(choice.text)}", tallied.chosen[letter], choice.right)
        for letter, choice in tallied.asked.lettered.items()
    ]
    rows += [("none of the choices", tallied.unknown, False)] if tallied.unknown else []
    rows += [("not answered", tallied.open, False)] if tallied.open else []
    body = "".join(
        f'<tr><td>{"✓ " if right else ""}{text}</td><td class="number">{count}</td>'
        f'<td class="number">{share(count, tallied.answers)}</td><td class="how-many"><div class="bar">'
        f'<i class="{"right" if right else "none"}" style="width: {100 * count / tallied.answers:.2f}%"></i></div></td>'
        f"</tr>"
        for text, count, right in rows
    )
    return (
        f'<section class="card"><h3>{markup(tallied.asked.text)}</h3><table class="list small">{body}</table></section>'
    )


def _to_look_at(graded, flags):
    said = {
        "Could not be graded": ("", _ungraded(graded)),
        "To look at by hand": (HINTS_ALONE, [(one, _flags_of(one, flags)) for one in _by_name(graded)]),
    }
    parts = []
    for title, (note, people) in said.items():
        rows = "".join(
            f"<tr><td>{_who(one)}</td><td>{'<br>'.join(markup(flag) for flag in found)}</td></tr>"
            for one, found in people
            if found
        )
        note = f'<p class="soft small">{note}</p>\n' if note else ""
        if rows:
            parts.append(f'<h2>{title}</h2>\n{note}<div class="wide"><table class="list">{rows}</table></div>')
    return "\n".join(parts)


def _ungraded(graded):
    """Return (whose, [why]) of all files that could not be graded."""
    return [(one, [one.report["problem"]]) for one in _by_name(graded) if one.report and one.report.get("problem")]


def _who(one):
    """Return a student's name with their id."""
    student = one.student
    known = name_markup(student.name) if student.name else ""
    return f'{known} <span class="soft small">{name_markup(student.id)}</span>'.strip()


def _linked(one, pages):
    """Return a student's name, which leads to their page if there is one."""
    place = pages.get(one.student.id)
    return _who(one) if place is None else f'<a href="{html.escape(place)}">{_who(one)}</a>'


def _late(graded):
    rows = "".join(
        f"<tr><td>{_who(one)}</td><td>{lasting(one.late)}</td>"
        f'<td class="number">{f"{MINUS}{number(one.penalty)}" if one.penalty else "nothing taken off"}</td></tr>'
        for one in sorted(graded, key=lambda one: -one.late)
        if one.late
    )
    return f'<h2>Late</h2>\n<table class="list">{rows}</table>' if rows else ""


def _missing(graded):
    missing = [one for one in _by_name(graded) if one.report is None]
    if not missing:
        return ""
    items = "".join(f"<li>{_who(one)}</li>" for one in missing)
    return f"<h2>Handed in nothing ({len(missing)})</h2>\n<ul>{items}</ul>"


def _everyone(graded, chapter, pages):
    """Return a table of all students, with a sign for every task."""
    heads = "".join(f"<th><code>{task.function}</code></th>" for task in chapter.tasks)
    rows = "".join(
        f'<tr><td>{_linked(one, pages)}</td><td class="number">{number(one.points)}</td>'
        f"{''.join(f'<td>{_sign(one, task)}</td>' for task in chapter.tasks)}</tr>"
        for one in _by_name(graded)
    )
    return (
        f'<h2>Everyone</h2>\n<div class="wide"><table class="list small"><tr><th>student</th>'
        f'<th class="number">points</th>{heads}</tr>{rows}</table></div>'
    )


def _sign(one, task):
    result = tally.results_of(one).get(task.id)
    if result is None:
        return f'<span class="text-none">{DASH}</span>'
    kind = KINDS[tally.group(result["outcome"])]
    words = {"right": "✓", "wrong": "✗", "not attempted": DASH, "raised": "error"}
    word = words.get(result["outcome"], result["outcome"])
    return f'<span class="text-{kind} sign">{markup(word)}</span>'


# Text -----------------------------------------------------------------------------------------------------------------


def _summary(graded):
    return [f"  {name}: {value}" for name, value in _facts(graded)]


def _bars(graded, width):
    came = tally.handed_in(graded)
    if not came:
        return []
    bins = tally.bins([one.points for one in came], max(one.possible for one in graded))
    names = [_range(low, high) for low, high, _ in bins]
    most, room = max(count for *_, count in bins), width - max(map(len, names)) - 10
    lines = ["", "Points"]
    for name, (*_, count) in zip(names, bins, strict=True):
        bar = "█" * max(round(room * count / max(most, room / 4)), bool(count))
        lines.append(f"  {name:>{max(map(len, names))}} {bar} {count or ''}".rstrip())
    return lines


def _task_lines(tasks, width):
    if not any(task.answers for task in tasks):
        return []
    key = "  ".join(f"{SIGNS[name]} {WORDS[name]}" for name in tally.GROUPS)
    lines = ["", "Task by task", f"  {key}"]
    longest = max(len(task.id) for task in tasks)
    room = max(10, min(40, width - longest - 24))
    for task in tasks:
        bar = _shares(task, room)
        numbers = f"{task.outcomes['right']} of {task.answers} right{', optional' if task.optional else ''}"
        lines.append(f"  {task.id:<{longest}} {bar} {numbers}")
        if task.others:
            lines += _wrapped(f"other: {_of_others(task)}", width, indent=4)
    return lines


def _shares(task, room):
    """Return a bar of just so many signs: what rounding down takes goes to the outcomes that lose most by it."""
    exact = {name: room * task.outcomes[name] / max(task.answers, 1) for name in tally.GROUPS}
    whole = {name: int(size) for name, size in exact.items()}
    spare = room - sum(whole.values()) if task.answers else 0
    for name in sorted(exact, key=lambda name: whole[name] - exact[name])[:spare]:
        whole[name] += 1
    return "".join(SIGNS[name] * whole[name] for name in tally.GROUPS).ljust(room)


def _mistake_lines(graded, chapter, tasks, width):
    found, read = tally.mistakes(graded, chapter), len(tally.readable(graded))
    rest = _unexplained(tasks, read)
    if not found and not rest:
        return []
    lines = ["", "What went wrong, the most frequent first"]
    for mistake in found[:MOST_MISTAKES]:
        together = _together(mistake)
        lines.append(f"  {mistake.count} of {read} in {mistake.task}")
        said = _mistake_said(mistake) + (f" ({together})" if together else "")
        lines += _wrapped(on_one_line(said), width, indent=4)
    if len(found) > MOST_MISTAKES:
        lines.append(f"  and {len(found) - MOST_MISTAKES} more, which fewer made: they are on the page")
    return lines + (_wrapped(rest, width) if rest else [])


def _question_lines(asked, width):
    asked = [one for one in asked if one.answers]
    lines = ["", "Questions"] if asked else []
    for one in asked:
        lines += _wrapped(f"{one.asked.id}: {one.right} of {one.answers} right. {one.asked.text}", width)
        parts = [
            f"{letter}{' (right)' if choice.right else ''} {one.chosen[letter]}"
            for letter, choice in one.asked.lettered.items()
        ]
        parts += [f"none of these {one.unknown}"] * bool(one.unknown) + [f"open {one.open}"] * bool(one.open)
        lines += _wrapped(", ".join(parts), width, indent=4)
    return lines


def _people_lines(graded, flags, width):
    lines = []
    if ungraded := _ungraded(graded):
        lines += ["", "Could not be graded"]
        for one, (why,) in ungraded:
            lines += _wrapped(f"{_called(one)}: {on_one_line(why)}", width, indent=4)
    looked = [(one, _flags_of(one, flags)) for one in _by_name(graded)]
    if any(found for _, found in looked):
        lines += ["", "To look at by hand", *_wrapped(HINTS_ALONE, width)]
        for one, found in looked:
            for flag in found:
                lines += _wrapped(f"{_called(one)}: {on_one_line(flag)}", width, indent=4)
    if late := [one for one in _by_name(graded) if one.late]:
        lines += ["", "Late", *_wrapped(", ".join(f"{_called(one)} ({lasting(one.late)})" for one in late), width)]
    if missing := [one for one in _by_name(graded) if one.report is None]:
        names = ", ".join(_called(one) for one in missing)
        lines += ["", f"Handed in nothing ({len(missing)})", *_wrapped(names, width)]
    return lines


def _called(one):
    """Return a student's name and id for a terminal."""
    name, key = (on_one_line(text, LONGEST_NAME) for text in (one.student.name, one.student.id))
    return f"{name} ({key})" if name and name != key else key


def _wrapped(text, width, indent=2):
    """Return a text, in which all is harmless, as lines of at most so many columns; a longer word stays whole."""
    lines, line = [], ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if line and columns_of(longer) > width - indent:
            lines.append(line)
            longer = word
        line = longer
    return [" " * indent + line for line in [*lines, line]]
