"""What it costs to grade a class: this course's grader beside nbgrader and otter-grader, on the same submissions.

    python benchmarks/grading.py                    chapters 02 and 06, under ten minutes
    python benchmarks/grading.py --memory           peak memory for 50 and for 300 submissions
    python benchmarks/grading.py --hostile          500 honest submissions, and the same with 50 hostile ones among them

A class is drawn: a third of it hands in wrong answers, some known mistakes and some that nobody has seen, in different
styles; no two texts are the same. All three graders get the same answers in their own form of the assignment (see
grading_others.py), and this course's grader also diagnoses what is wrong, in its jail. They take turns in random order.
nbgrader and otter start a kernel for every notebook, so a sample tells what a class costs them: they get a sample in
each round. This course's grader starts once for all, so it gets the whole class; what it takes for the sample alone,
start included, stands in a line of its own.

Seconds depend on the machine; the ratios of CPU seconds much less, and they are what the bars are about: of the better
of the other two to ours. Counted are all processes that a grader starts. The environments of the other two are made on
the first run (pip, a few hundred MB), in --cache.
"""

import argparse
import json
import random
import statistics
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
sys.path[:0] = [str(ROOT), str(HERE)]

import grading_others as others  # noqa: E402
from grading_class import draw_class, write_class  # noqa: E402
from grading_measured import measured  # noqa: E402

from grader.judge import tries  # noqa: E402
from grader.runner import DEFAULT_LIMITS  # noqa: E402
from tasks import CATALOGUE  # noqa: E402

BARS = {"02": 30, "06": 15}  # times fewer CPU seconds than the better of the other two
BAR_HOSTILE = 3.0  # times what honest submissions take
BAR_MEMORY = 1.2  # peak for 300 to peak for 50
OURS, ALONE, NBGRADER, OTTER = "this course", "this course, sample", "nbgrader", "otter"
RUN_OURS = """
import json, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from grader.grade import Judge, files_beside, find_notebooks
from grader.handed_in import SubmissionError, handed_in
from grader.report import as_data
from grader.runner import Limits
from tasks import CATALOGUE
root, chapter, folder, results, seconds = sys.argv[1:]
beside = files_beside(CATALOGUE)
reports, level = {}, ""
with Judge(CATALOGUE, CATALOGUE.seed, limits=Limits(seconds=float(seconds))) as judge:
    for path in find_notebooks([folder]):
        try:
            result = judge.grade(handed_in(path, beside), chapter)
        except SubmissionError as error:
            result = judge.ungraded(str(path), str(error), chapter)
        reports[path.parent.name] = as_data(result)
    level = judge.level
Path(results).write_text(json.dumps({"level": level, "reports": reports}))
"""
THREADS = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}  # for all three


def grade_ours(chapter, folder, results, seconds=DEFAULT_LIMITS.seconds):
    """Grade a folder with this course's grader; return (`Taken`, how answers are held, {student: report})."""
    command = [sys.executable, "-c", RUN_OURS, ROOT, chapter.number, folder, results, seconds]
    taken = measured(command, ROOT, {**others.own_path(sys.executable), **THREADS})
    read = json.loads(results.read_text(encoding="utf-8"))
    return taken, read["level"], read["reports"]


# Side by side ---------------------------------------------------------------------------------------------------------


def side_by_side(chapter, options, folder):
    """Measure the three on one chapter in turns; print the table; return how many times fewer CPU seconds ours take."""
    rng = random.Random(options.seed)
    whole = draw_class(chapter, options.students, options.seed)
    folder = folder / chapter.number
    write_class(chapter, whole, folder / "class")
    files = others.store_cases(chapter, lambda task: tries(task, CATALOGUE.seed), folder / "files")
    python = {name: others.environment(name, options.cache) for name in others.PINS}
    samples = [_sample(whole, options, number) for number in range(options.rounds)]
    for number, sample in enumerate(samples):
        place = folder / str(number)
        write_class(chapter, sample, place / "ours")
        others.make_nbgrader(python["nbgrader"], chapter, files, sample, place / "nbgrader")
        others.make_otter(chapter, files, sample, place / "otter")
    taken, points, level = {}, {}, ""
    for number, sample in enumerate(samples):
        for who in rng.sample((OURS, ALONE, NBGRADER, OTTER), 4):
            one, given, held = _take_turn(who, chapter, folder, folder / str(number), python)
            count = len(whole) if who == OURS else len(sample)
            taken.setdefault(who, []).append((one, count))
            points.setdefault(who, {}).update(given)
            level = held or level
            print(
                f"  {chapter.number} {who}: {count} submissions, {one.seconds:.1f} s, {one.cpu:.1f} CPU s", flush=True
            )
    return _table(chapter, taken, points, level)


def _sample(whole, options, number):
    """Return the students of one round, of whom a third hand in wrong answers as in the class."""
    wrong = [one for one in whole if one.wrong]
    right = [one for one in whole if not one.wrong]
    some = options.sample // 3
    rest = options.sample - some
    return wrong[number * some :][:some] + right[number * rest :][:rest]


def _take_turn(who, chapter, folder, place, python):
    """Return (`Taken`, {student: points by task}, how answers are held, of ours)."""
    results = place / f"{who}.json"
    if who in (OURS, ALONE):
        taken, level, reports = grade_ours(chapter, folder / "class" if who == OURS else place / "ours", results)
        return taken, {student: _points_of(report) for student, report in reports.items()}, level
    environment = {**others.own_path(python[who]), **THREADS}
    if who == NBGRADER:
        taken = measured(others.nbgrader_command(python[who]), place / who, environment)
        return taken, others.nbgrader_points(python[who], place / who, results), ""
    taken = measured(others.otter_command(python[who], place / who, results), place / who, environment)
    return taken, json.loads(results.read_text(encoding="utf-8")), ""


def _points_of(report):
    """Return the points by task, of optional ones those of their cases."""
    results = report["results"]
    return {
        result["id"].partition(".")[2]: sum(case["points"] for case in result.get("cases", [result]))
        for result in results
    }


def _table(chapter, taken, points, level):
    each = {
        who: [(one.seconds / count, one.cpu / count, one.memory) for one, count in turns]
        for who, turns in taken.items()
    }
    middle = {who: [statistics.median(column) for column in zip(*turns, strict=True)] for who, turns in each.items()}
    better = min((NBGRADER, OTTER), key=lambda who: middle[who][1])
    print(f"\nChapter {chapter.number}; answers held: {level}")
    print(f"{'a submission takes':<22}{'seconds':>9}{'CPU s':>9}{'CPU, times ours':>17}{'peak, MiB':>11}")
    for who in (OURS, ALONE, NBGRADER, OTTER):
        seconds, cpu, memory = middle[who]
        ratio = cpu / middle[OURS][1]
        print(f"{who:<22}{seconds:>9.3f}{cpu:>9.3f}{ratio:>17.1f}{memory / 2**20:>11.0f}")
    for who in (NBGRADER, OTTER):
        same = [sum(points[who][student].values()) == sum(points[ALONE][student].values()) for student in points[who]]
        print(f"the same points as {who}: {sum(same)} of {len(same)}")
    fewer = middle[better][1] / middle[OURS][1]
    alone = middle[better][1] / middle[ALONE][1]
    print(
        f"{fewer:.0f} times fewer CPU seconds than {better}, the better of the two "
        f"(bar: {BARS[chapter.number]}; a sample alone, start included: {alone:.0f})\n"
    )
    return fewer


# Ours alone -----------------------------------------------------------------------------------------------------------


def memory(chapter, options, folder):
    """Print the peak memory for two sizes of class; return the ratio."""
    peaks = []
    for count in (50, 300):
        place = folder / f"memory{count}-{chapter.number}"
        write_class(chapter, draw_class(chapter, count, options.seed), place / "class")
        taken, _, _ = grade_ours(chapter, place / "class", place / "results.json")
        peaks.append(taken.memory)
        print(
            f"chapter {chapter.number}, {count} submissions: peak {taken.memory / 2**20:.0f} MiB; "
            f"{taken.cpu / count:.3f} CPU s and {taken.seconds / count:.3f} s each",
            flush=True,
        )
    return peaks[1] / peaks[0]


def hostile(chapter, options, folder):
    """Print what hostile submissions among honest ones cost; return the larger ratio to honest ones alone."""
    from grading_hostile import ATTACKS, with_attacks

    honest = draw_class(chapter, options.honest, options.seed)
    among = with_attacks(chapter, honest, options.honest // 10, options.seed)
    runs = {}
    for name, submissions in (("honest", honest), ("hostile among them", among)):
        place = folder / name.split()[0]
        write_class(chapter, submissions, place / "class")
        runs[name], level, reports = grade_ours(chapter, place / "class", place / "results.json", options.time_limit)
        print(f"{name}: {len(reports)} reports, {runs[name].seconds:.1f} s, {runs[name].cpu:.1f} CPU s", flush=True)
    one, other = runs.values()
    ratios = other.seconds / one.seconds, other.cpu / one.cpu
    print(
        f"{options.honest // 10} hostile of {len(ATTACKS)} kinds among {options.honest}: {ratios[0]:.2f} times the "
        f"seconds, {ratios[1]:.2f} times the CPU seconds (bar: {BAR_HOSTILE:g}; a case may take "
        f"{options.time_limit:g} CPU s; answers held: {level})"
    )
    return ratios[1]  # by the clock, those count that sleep and cost nothing


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--chapters", nargs="+", default=["02", "06"], choices=list(BARS))
    parser.add_argument(
        "--students", type=int, default=240, help="in the class that ours grades (default: %(default)d)"
    )
    parser.add_argument("--sample", type=int, default=6, help="for the others, a round (default: %(default)d)")
    parser.add_argument("--rounds", type=int, default=2, help="of taking turns (default: %(default)d)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--memory", action="store_true", help="peak memory for 50 and 300 submissions instead")
    parser.add_argument("--hostile", action="store_true", help="what hostile submissions cost instead")
    parser.add_argument("--honest", type=int, default=500, help="submissions for --hostile (default: %(default)d)")
    parser.add_argument(
        "--time-limit",
        type=float,
        default=DEFAULT_LIMITS.seconds,
        help="of a case, for --hostile (default: %(default)g)",
    )
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir(), "other-graders"))
    options = parser.parse_args()
    chapters = [CATALOGUE.chapter(number) for number in options.chapters]
    held = True
    with tempfile.TemporaryDirectory(prefix="grading-", ignore_cleanup_errors=True) as folder:
        for chapter in chapters:
            if options.memory:
                held &= memory(chapter, options, Path(folder)) <= BAR_MEMORY
            elif options.hostile:
                held &= hostile(chapter, options, Path(folder, chapter.number)) <= BAR_HOSTILE
            else:
                held &= side_by_side(chapter, options, Path(folder)) >= BARS[chapter.number]
    print("The bars hold." if held else "A bar does not hold.")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
