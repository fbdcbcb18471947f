"""The page that one student gets: what was right, what is not yet and why, and how the points come about."""

from classroom.reports.harmless import LONGEST_NAME, markup, name_markup, on_one_line
from classroom.reports.page import page
from classroom.reports.tally import choice_of, group, results_of
from classroom.reports.wording import MINUS, OUTCOMES, counted, lasting, moment, number

COURSE = "Self-Attention, Step by Step"
MOST_CASES = 40


def student_page(graded, chapter, *, course=COURSE, version=""):
    """Return the page of one student as HTML. It holds no flags: those are for the instructor.

    Args:
        graded: the `Graded` of this student.
        chapter: the `grader.task.Chapter` that was asked for.
        course: what the course is called.
        version: of the tasks, to be told beside the seed.
    """
    results = results_of(graded)
    parts = [
        _head(graded, chapter, course),
        _sum(graded),
        *_answers(graded, chapter, results),
        _questions(graded, chapter, results),
        _how(graded, version),
    ]
    who = on_one_line(graded.student.name or graded.student.id, LONGEST_NAME)
    return page(f"Exercise {chapter.number}: {who}", "\n".join(filter(None, parts)))


def _head(graded, chapter, course):
    student = graded.student
    possible = f"<small>of {number(graded.possible)} points</small>"
    return (
        f'<p class="soft small">{markup(course)}</p>\n<h1>Exercise {chapter.number}: {markup(chapter.title)}</h1>\n'
        f"<p>{name_markup(student.name or student.id)}</p>\n"
        f'<p class="score">{number(graded.points)} {possible}</p>\n<p class="lead">{_lead(graded, chapter)}</p>'
    )


def _lead(graded, chapter):
    """Return in a sentence or two how it went."""
    if graded.report is None:
        return (
            "Nothing was handed in for this exercise, as far as we can see. If you did hand something in, "
            "tell your instructor."
        )
    if problem := graded.report.get("problem"):
        return (
            f"Your file arrived, but it could not be graded. {markup(problem[:1].upper() + problem[1:])} "
            "Talk to your instructor if you want to hand it in once more."
        )
    results = results_of(graded)
    tasks = [results[task.id]["outcome"] for task in chapter.tasks if task.id in results and not task.optional]
    asked = [results[one.id]["outcome"] for one in chapter.questions if one.id in results]
    everything = [*tasks, *asked]
    if everything and all(outcome == "right" for outcome in everything):
        return "Everything is right. Well done!"
    if all(outcome == "not attempted" for outcome in everything):
        return (
            "Your notebook arrived and could be read, but nothing in it is answered yet. "
            "If you did write answers, this may be another copy of the file: look which one you handed in."
        )
    told = " and ".join(
        _of(sum(outcome == "right" for outcome in outcomes), len(outcomes), noun)
        for outcomes, noun in ((tasks, "task"), (asked, "question"))
        if outcomes
    )
    optional = [task for task in chapter.tasks if task.optional and results.get(task.id, {}).get("outcome") == "right"]
    besides = (
        f", and {'an' if len(optional) == 1 else len(optional)} optional {_tasks(optional)} besides" if optional else ""
    )
    return f"{told} right{besides}. What is not right yet is explained below, one by one."


def _tasks(tasks):
    return "task" if len(tasks) == 1 else "tasks"


def _of(count, whole, noun):
    return f"{count} of {counted(whole, noun)}"


def _sum(graded):
    """Return how the points add up, where it is more than the sum of the answers."""
    rows = []
    if graded.penalty:
        rows.append((f"Late by {lasting(graded.late)}" if graded.late else "Late", -graded.penalty))
    for one in graded.adjustments:
        about = f" <span class='soft'>({markup(one.task, LONGEST_NAME)})</span>" if one.task else ""
        rows.append((f"Changed by hand{about}: {markup(one.reason)}", one.points))
    report = graded.report or {}
    weighted = report and abs(graded.earned - report["points"]) > 0.005
    if not rows and not weighted:
        late = f"It came {lasting(graded.late)} after the deadline; no points were taken off for that."
        return f"<p>{late}</p>" if graded.late else ""
    how = f" ({number(report['points'])} of {number(report['worth'])}, weighted)" if weighted else ""
    lines = [(f"For your answers{how}", number(graded.earned)), *((said, _signed(points)) for said, points in rows)]
    body = "".join(f'<tr><td>{said}</td><td class="number">{points}</td></tr>' for said, points in lines)
    total = f'<tr class="total"><td>Together</td><td class="number">{number(graded.points)}</td></tr>'
    return f'<h2>How the points add up</h2>\n<table class="list">{body}{total}</table>'


def _signed(points):
    return f"+{number(points)}" if points > 0 else number(points).replace("-", MINUS)


def _answers(graded, chapter, results):
    """Yield the tasks: what is right first, then what is not, then what was not attempted."""
    if graded.report is None or graded.report.get("problem"):
        return
    found = [(task, results[task.id]) for task in chapter.tasks if task.id in results]
    right = [pair for pair in found if pair[1]["outcome"] == "right"]
    open_yet = [pair for pair in found if pair[1]["outcome"] == "not attempted"]
    others = [pair for pair in found if pair not in right and pair not in open_yet]
    if right:
        yield "<h2>Right</h2>\n" + "\n".join(_task(*pair, graded) for pair in right)
    if others:
        yield f"<h2>Not right yet</h2>\n{_way_on(others)}" + "\n".join(_task(*pair, graded) for pair in others)
    if open_yet:
        yield "<h2>Not attempted</h2>\n" + "\n".join(_task(*pair, graded) for pair in open_yet)


def _task(task, result, graded):
    kind = _kind(result["outcome"])
    lines = [_top(f"{markup(task.title)} <code>{task.function}</code>", kind, result, task.optional)]
    if kind not in ("right", "none"):
        lines.append(f'<p class="said">{markup(result["message"])}</p>')
        lines += [_cases(result), _shown(result.get("shown"))]
    lines += [
        f'<p class="small">Changed by hand, {_signed(one.points)}: {markup(one.reason)}</p>'
        for one in graded.adjustments
        if one.task == task.id
    ]
    return f'<section class="card {kind}">{"".join(lines)}</section>'


def _kind(outcome):
    return "none" if outcome == "not attempted" else group(outcome)


def _top(title, kind, result, optional=False):
    points = "optional" if optional else f"{number(result['points'])} of {number(result['worth'])}"
    word = OUTCOMES.get(result["outcome"], result["outcome"])
    return (
        f'<div class="top"><h3>{title}</h3><span class="points"><span class="what text-{kind}">{markup(word)}</span>'
        f" · {points}</span></div>"
    )


def _cases(result):
    """Return which cases were tried, each with how it came out; nothing where all came out alike."""
    cases = result.get("cases", ())
    right = [case for case in cases if case["outcome"] == "right"]
    if not right:
        return ""
    signs = (("✓" if case["outcome"] == "right" else "✗", case["case"]) for case in cases[:MOST_CASES])
    items = "".join(f"<li>{sign} {markup(name, LONGEST_NAME)}</li>" for sign, name in signs)
    return f'<ul class="cases small" aria-label="Cases">{items}</ul>'


def _shown(shown):
    """Return yours beside the expected, with what differs marked."""
    if not shown:
        return ""
    said = f'<p class="small soft">The smallest case that is not right: {markup(shown["case"], LONGEST_NAME)}'
    said += f". Its inputs: {markup(shown['inputs'])}</p>" if shown["inputs"] else ".</p>"
    if not shown["expected"]:
        return said
    (yours, mine), (expected, right) = (_lines(shown[name]) for name in ("yours", "expected"))
    alike = [len(row) for row in mine] == [len(row) for row in right]
    blocks = [(yours, mine, right if alike else None), (expected, right, mine if alike else None)]
    tables = "".join(
        f'<div><div class="small">{markup(name)}</div>{_table(rows, other)}</div>' for name, rows, other in blocks
    )
    return f'{said}<div class="pair">{tables}</div>'


def _lines(text):
    name, *rows = text.split("\n")
    return name, [row.split() for row in rows]


def _table(rows, others):
    def cell(row, column, text):
        differs = others is not None and others[row][column] != text
        return f"<td>{f'<mark>{markup(text)}</mark>' if differs else markup(text)}</td>"

    body = "".join(f"<tr>{''.join(cell(r, c, text) for c, text in enumerate(row))}</tr>" for r, row in enumerate(rows))
    return f'<table class="numbers">{body}</table>' if rows else ""


def _way_on(found):
    """Return how to go on in one's own notebook, with the first task that can be gone on with as the example."""
    task = next((task for task, result in found if result["outcome"] != "unreadable"), None)
    if task is None:
        return ""
    return (
        f'<p class="small soft">In your notebook, <code>hint("{task.id}")</code> takes you one step further, and '
        f'<code>check("{task.id}", {task.function})</code> tells whether it is right. Every task has both.</p>\n'
    )


def _questions(graded, chapter, results):
    asked = [(question, results[question.id]) for question in chapter.questions if question.id in results]
    if graded.report is None or graded.report.get("problem") or not asked:
        return ""
    return "<h2>Questions</h2>\n" + "\n".join(_question(*pair) for pair in asked)


def _question(asked, result):
    kind = _kind(result["outcome"])
    letter = choice_of(asked, result)
    lines = [_top(markup(asked.text), kind, result)]
    if letter:
        lines.append(f"<p>You chose {letter}) {markup(asked.lettered[letter].text)}</p>")
    if kind != "none":
        lines.append(f'<p class="said">{markup(result["message"])}</p>')
    return f'<section class="card {kind}">{"".join(lines)}</section>'


def _how(graded, version):
    """Return where the grade comes from, so that it can be asked about and computed again."""
    if graded.report is None:
        return ""
    rows = [("File", markup(on_one_line(graded.submission, LONGEST_NAME)))]
    if graded.submitted is not None:
        late = f", {lasting(graded.late)} after the deadline" if graded.late else ""
        rows.append(("Handed in", f"{moment(graded.submitted)}{late}"))
    said = ""
    if not graded.report.get("problem"):
        said = "Every answer ran on inputs drawn at random, and what it returned was compared with the right result."
        if level := graded.report.get("level"):
            rows.append(("How your answers were run", markup(level)))
        rows.append(("Seed that all inputs were drawn from", number(graded.report["seed"])))
    if version:
        rows.append(("Version of the tasks", markup(version, LONGEST_NAME)))
    body = "".join(f"<tr><td>{name}</td><td>{value}</td></tr>" for name, value in rows)
    words = f'<p class="small">{said}</p>\n' if said else ""
    return f'<h2>How it was graded</h2>\n{words}<table class="list small how">{body}</table>'
