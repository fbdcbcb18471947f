"""A task as it is handed out without its answers: the inputs of one seed, and what a right answer gives on them.

What `check` needs is numbers. So the file of a frozen task holds no reference, no stage, no mistake and no legal way:
it tells right from wrong, says shapes, dtypes and numbers, and what may happen to any result at its end.
"""

import dataclasses
import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from grader.building import Build
from grader.call import copy_inputs, run_case
from grader.judge import expected_output, tries
from grader.reply import from_message, to_message
from grader.task import Case, Task

KEPT = ("id", "title", "difficulty", "minutes", "hints", "library", "part", "own_file", "optional")
EXPECTED, REPLY = "the expected output", "the reference's reply"  # as the judge and the diagnosis look for them


class NotHandedOutError(LookupError):
    """What only whoever handed the task out has; the text says so."""


@dataclass(frozen=True, kw_only=True)
class FrozenTask(Task):
    """A task with stored inputs in the place of drawn ones.

    Attributes:
        seed: the only one that there are inputs for.
        stored: the inputs, by the name of the case and whether they are those of the second try.
    """

    seed: int = 0
    stored: Mapping[tuple[str, bool], dict[str, Any]] = field(default_factory=dict)

    @functools.cached_property
    def names(self):
        """The names of the inputs, in the order of the signature."""
        return tuple(self.stored[self.cases[0].name, False])

    def inputs(self, case, seed, *, again=False):
        """Return the stored inputs of `case`.

        Raises:
            NotHandedOutError: of another seed there are none.
        """
        if seed != self.seed:
            raise NotHandedOutError(f"{self.id} was handed out for checks alone: whoever gave it to you can grade it.")
        first = self.stored[case.name, False]
        return copy_inputs(self.stored.get((case.name, again), first))


def freeze(task, catalogue, path):
    """Write a task into a file, NumPy's .npz, with the inputs of the catalogue's seed."""
    tried, cases_inputs = tries(task, catalogue.seed)
    terms = dataclasses.replace(task.terms, own=catalogue.own)
    arrays = []

    def coded(value):
        match value:
            case np.ndarray() | np.generic():
                arrays.append(value)
                return {"array" if isinstance(value, np.ndarray) else "number": len(arrays) - 1}
            case list() | tuple():
                return {type(value).__name__: list(map(coded, value))}
            case dict():
                return {"dict": {name: coded(one) for name, one in value.items()}}
            case None | bool() | int() | float() | str():
                return value
        raise TypeError(f"{task.id}: an input is a {type(value).__name__}, which cannot be stored.")

    tries_data = []
    for number, (case, inputs) in enumerate(zip(tried, cases_inputs, strict=True)):
        header, of_reply = to_message(run_case(task.reference, inputs, terms))
        tries_data.append(
            {
                "case": case.name,
                "again": number >= len(task.cases),
                "inputs": coded(inputs),
                "expected": coded(expected_output(task, inputs)),
                "reply": [header, coded(of_reply)],
            }
        )
    data = {name: getattr(task, name) for name in KEPT}
    data["finished"] = [name for name in task.finished if not name.startswith(f"{catalogue.package}.")]
    data["build"] = None if task.build is None else dataclasses.asdict(task.build)
    data["cases"] = [
        {**dataclasses.asdict(case), "sizes": dict(case.sizes), "draw": case.draw is not None} for case in task.cases
    ]
    data |= {"seed": catalogue.seed, "tries": tries_data}
    text = np.frombuffer(json.dumps(data).encode(), np.uint8)
    with open(path, "wb") as file:
        np.savez_compressed(file, task=text, **{f"a{number}": array for number, array in enumerate(arrays)})


def thawed(path):
    """Return the `FrozenTask` in a file."""
    with np.load(path, allow_pickle=False) as archive:
        arrays = dict(archive)
    data = json.loads(arrays.pop("task").tobytes())

    def decoded(value):
        match value:
            case {"array": number}:
                return arrays[f"a{number}"]
            case {"number": number}:
                return arrays[f"a{number}"][()]
            case {"list": values}:
                return list(map(decoded, values))
            case {"tuple": values}:
                return tuple(map(decoded, values))
            case {"dict": values}:
                return {name: decoded(one) for name, one in values.items()}
        return value

    computed = {}
    for number, one in enumerate(data["tries"]):
        header, of_reply = one["reply"]
        computed[EXPECTED, number] = decoded(one["expected"])
        computed[REPLY, number] = from_message(header, decoded(of_reply))
    build = data["build"] and Build(**{k: tuple(v) if isinstance(v, list) else v for k, v in data["build"].items()})
    return FrozenTask(
        **{name: data[name] for name in KEPT if name != "hints"},
        hints=tuple(data["hints"]),
        finished=tuple(data["finished"]),
        build=build or None,
        cases=tuple(Case(**{**case, "draw": _not_here if case["draw"] else None}) for case in data["cases"]),
        reference=_not_here,
        draw=_not_here,
        seed=data["seed"],
        stored={(one["case"], one["again"]): decoded(one["inputs"]) for one in data["tries"]},
        computed=computed,
    )


def _not_here(*_, **__):
    raise NotHandedOutError("This was handed out for checks alone: whoever gave it to you has the rest.")
