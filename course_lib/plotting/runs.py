"""Runs: what came out, seed by seed, of ways that were tried side by side."""

from collections.abc import Mapping

from course_lib.plotting.figure import CourseFigure, Panel
from course_lib.plotting.inputs import numbers
from course_lib.plotting.style import COLORS, FAINT, GRID, INK, SMALL, write
from course_lib.plotting.words import count, two_decimals, two_digits

ROW, INCHES = 0.36, 5.0


def show_runs(runs, xlabel, *, title=None) -> CourseFigure:
    """A row of dots for each way, one for each run, with their mean as a bar across and as a number on the right.

    runs: {name: (runs,)}.
    """
    if not isinstance(runs, Mapping) or not runs:
        raise ValueError("runs must name at least one way: {name: its results}.")
    runs = {str(name): numbers(results, f"runs of {name!r}", ndim=1) for name, results in runs.items()}
    means = {name: results.mean() for name, results in runs.items()}

    def draw(axes, limits):
        axes.set_ylim(len(runs), 0)
        for row, (name, results) in enumerate(runs.items()):
            axes.axhline(row + 0.5, color=GRID, linewidth=0.8, zorder=0)
            axes.plot(
                results, [row + 0.5] * len(results), "o", color=COLORS["scores"], alpha=0.55, markersize=7, zorder=2
            )
            axes.plot([means[name]] * 2, [row + 0.2, row + 0.8], color=INK, linewidth=2.5, zorder=3)
        axes.set_xlabel(xlabel, parse_math=False)
        axes.margins(x=0.06)
        axes.autoscale_view(scaley=False)
        left, edge = axes.get_xlim()
        for row, name in enumerate(runs):
            write(axes, (left, row + 0.5), name, (-6, 0), ha="right", va="center_baseline")
        write(axes, (edge, 0), "mean", (8, 3), va="bottom", size=SMALL, color=FAINT)
        for row, mean in enumerate(means.values()):
            write(axes, (edge, row + 0.5), two_decimals(mean), (8, 0), va="center_baseline")
        axes.set_yticks([])
        axes.tick_params(labelsize=SMALL, color=FAINT)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.spines["bottom"].set_color(FAINT)

    said = "; ".join(
        f"{name} {two_decimals(means[name])} ({count(len(results), 'run')}, {two_digits(results.min())} to "
        f"{two_digits(results.max())})"
        for name, results in runs.items()
    )
    alt = f"Dots of {xlabel}, a row for each way, with the mean: {said}."
    return CourseFigure((Panel(INCHES, ROW * len(runs), draw, alt, title),))
