"""Grades all attacks in one batch, beside honest submissions, and says what became of each.

    python tests/hostile/batch.py [-k PART OF A NAME] [--json FILE]

It is a process of its own: an attack that ends it, spoils its memory or leaves something behind does so here.
"""

import argparse
import json
import sys
import traceback
from pathlib import Path

import psutil
from attack import COUNT, HONEST, LAYER, SCALED, SOFTMAX, VARIANCE, Attack, honest_notebook
from attacks import ATTACKS
from canaries import Canaries

from grader.grade import Judge
from grader.handed_in import HandedIn
from grader.report import as_data, as_text
from grader.runner import Limits, NoJailError
from tasks import CATALOGUE

SEED = 11
MEMORY = 512 * 2**20  # bytes for an answer beyond the libraries
LIMITS = Limits(seconds=0.3, patience=400, memory=MEMORY)
IMPATIENT = Limits(seconds=0.3, patience=6, memory=MEMORY)  # for what waits: nothing honest is run on it
NO_JAIL = 3  # the exit code where answers cannot be held
EVERY = 12  # attacks between two honest notebooks

HALF_RIGHT = {VARIANCE: HONEST[VARIANCE], SCALED: HONEST[SCALED].replace("/ math.sqrt(query.shape[-1])", "")}
HONEST_ONES = (  # name, chapter, the bytes, the points
    ("honest", "02", honest_notebook(SCALED, VARIANCE), 10),
    ("honest with PyTorch", "05", honest_notebook(LAYER, COUNT), 15),
    ("honest, softmax", "03", honest_notebook(SOFTMAX), 9),
)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("-k", default="", help="only attacks with this in their name")
    parser.add_argument("--without", default="\0", help="no attacks with this in their name")
    parser.add_argument("--json", type=Path, help="write what was seen there")
    parser.add_argument("--trust", action="store_true", help="even without a jail")
    options = parser.parse_args(arguments)
    chosen = [attack for attack in ATTACKS if options.k in attack.name and options.without not in attack.name]
    try:
        seen = run(chosen, trust=options.trust, say=None if options.json else say)
    except NoJailError as error:
        print(error, file=sys.stderr)
        return NO_JAIL
    if options.json:
        options.json.write_text(json.dumps(seen), encoding="utf-8")
    else:
        say_the_rest(seen)
    return 0


def run(attacks, *, trust=False, say=None):
    """Return what was seen of a batch, as plain data."""
    with Canaries() as canaries:
        judges = [Judge(CATALOGUE, SEED, limits=limits, trust=trust) for limits in (LIMITS, IMPATIENT)]
        with judges[0] as judge, judges[1] as impatient:
            honest = [_grade(judge, canaries, *one[:3]) for one in HONEST_ONES for _ in range(2)]  # the first starts it
            level, before = judge.level, _used_memory()
            results = []
            for number, attack in enumerate(attacks):
                names = canaries.names(number)
                data, beside = attack.notebook(names), attack.beside(names)
                held = impatient if attack.waits else judge
                result = _grade(held, canaries, attack.given or attack.name, attack.chapter, data, beside)
                results.append({"name": attack.name, **result})
                if say:
                    say(attack, results[-1])
                if number % EVERY == EVERY - 1:
                    honest.append(_grade(judge, canaries, *HONEST_ONES[0][:3]))
            honest += [_grade(judge, canaries, *one[:3]) for one in HONEST_ONES]
            grown = _used_memory() - before
        left = canaries.left_over()
        late = canaries.seen()
    return {"level": level, "attacks": results, "honest": honest, "left": left, "late": late, "grown": grown}


def _grade(judge, canaries, name, chapter, data, beside=()):
    """Grade one notebook; return what came of it."""
    began = computing_seconds()
    try:
        result = judge.grade(HandedIn(name, data, dict(beside)), chapter)
        report, text, error = as_data(result), as_text(result), ""
    except BaseException:
        report, text, error = {}, "", traceback.format_exc()
    said = json.dumps(report)
    seconds = computing_seconds() - began
    return {"report": report, "text": text, "error": error, "seconds": seconds, "effects": canaries.seen(said + text)}


def computing_seconds():
    """Return the CPU seconds of this process and all below it, those that have ended included."""
    total = 0.0
    for process in (psutil.Process(), *psutil.Process().children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def _used_memory():
    """Return the most memory that this process has had, in bytes."""
    import resource  # which Windows has not

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def wrong_grades(attack: Attack, seen):
    """Return what is wrong about the grade of an attack, in words."""
    report = seen["report"]
    if seen["error"]:
        return [f"the batch would have ended: {seen['error']}"]
    if attack.readable is not None and bool(report["problem"]) is attack.readable:
        return [f"as a whole, it was {'not ' if report['problem'] else ''}graded: {report['problem']}"]
    results = {one["id"]: one for one in report["results"]}
    wrong = []
    for task, earns in attack.earns.items():
        if earns is None or task not in results:
            continue
        one = results[task]
        if one["points"] > earns and attack.may_be_flagged and one.get("flags"):
            continue
        if one["points"] != earns:
            wrong.append(f"{task} has {one['points']} points where it should have {earns}: {one['message'][:300]}")
    others = sum(one["points"] for name, one in results.items() if name not in attack.earns)
    return wrong + ([f"{others} points for what is not answered"] if others else [])


def say(attack, seen):
    problems = wrong_grades(attack, seen) + seen["effects"]
    results = [f"{one['id'][3:]} {one['points']} {one['outcome']}" for one in seen["report"].get("results", ())]
    results = [one for one in results if "unreadable" not in one or attack.raw]
    flags = sum(len(one.get("flags") or ()) for one in seen["report"].get("results", ()))
    print(
        f"{'!!' if problems else 'ok'} {seen['seconds']:5.2f} s  {attack.name:<58} {'; '.join(results)[:120]}", end=""
    )
    print(f" ({flags} flags)" if flags else "", flush=True)
    for problem in problems:
        print(f"            {problem}")


def say_the_rest(seen):
    print(f"level: {seen['level']}; memory {seen['grown'] / 2**20:.0f} MiB more; left over: {seen['left']}")
    print(f"seen late: {seen['late']}")
    points = [(round(one["seconds"], 2), one["report"].get("points"), one["effects"]) for one in seen["honest"]]
    print(f"honest: {points}")
    print(f"{sum(one['seconds'] for one in seen['attacks']):.1f} CPU seconds for {len(seen['attacks'])} attacks")


if __name__ == "__main__":
    sys.exit(main())
