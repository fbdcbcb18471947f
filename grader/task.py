"""The vocabulary of a catalogue: chapters of tasks and questions; tasks of cases, mistakes and legal answers."""

import functools
import zlib
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from grader.building import Build
from grader.call import Terms
from grader.mistake import Mistake
from grader.sentences import sentence_of
from grader.stages import Stage

# The arguments of an answer by name, in order: arrays of numbers, plain numbers, texts, None, or lists of these.
Inputs = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """One set of sizes on which an answer is run, and what it is worth.

    Attributes:
        name: what a learner reads, such as "two sentences at once".
        sizes: the size of every named axis; handed to `draw`.
        points: what a right output earns.
        dtype: floating-point inputs arrive in this dtype, and the output must keep it.
        draw: draws this case's inputs from a generator and the sizes; the task's own `draw` if None. Cases with a
            `draw` of their own are the special ones (extreme values, an empty row) and exempt from the rules on data.
        asks: of a task with a `Build`: "output"; "training", the output in training mode; "gradients" of all parameters
            and floating-point inputs; "device", whether all tensors are made where the inputs are; "weights", the
            parameters after the call; "operations", whether the call takes no more than the input "budget".
    """

    name: str
    sizes: Mapping[str, int]
    points: int = 1
    dtype: str = "float64"
    draw: Callable[..., Inputs] | None = None
    asks: str = "output"


@dataclass(frozen=True)
class Property:
    """Something every right output has. The function takes (inputs, output) and returns whether it holds; its
    docstring is the sentence a learner reads when it does not."""

    holds: Callable[[Inputs, np.ndarray], bool]

    @property
    def message(self):
        return sentence_of(self.holds)


@dataclass(frozen=True)
class Probe:
    """An experiment on an answer that nothing known explains; what it saw is true of any answer.

    The function takes a generator of random numbers, yields inputs (by name, in the order of the signature), gets back
    the array that the answer makes of each, and returns what it saw as a sentence, or None if that is as it should be.
    It ends as soon as the answer raises, or gives another shape than the reference.
    """

    run: Callable[[np.random.Generator], Generator[Inputs, np.ndarray, str | None]]

    @property
    def name(self):
        return self.run.__name__


@dataclass(frozen=True)
class Drawn:
    """Something that drawn inputs must have. The function takes the arguments of an answer, as it gets them, and
    returns whether it holds; `name` says what."""

    name: str
    holds: Callable[..., bool]


@dataclass(frozen=True, kw_only=True)
class Task:
    """One function or class a learner writes, and all that is known about right and wrong ways to write it.

    Attributes:
        id: chapter and function name, such as "02.row_sums".
        title: a few words.
        difficulty: 1 to 3.
        minutes: what it takes someone who read the chapter.
        reference: the right answer.
        draw: draws inputs: `draw(rng, **sizes)` returns the arguments by name, in the order of the signature.
        cases: run in this order, smallest first.
        stages: the computation step by step, each with the slips that people make there; the last one's value is the
            output. Slips are recognized alone, in pairs and in threes, rare ones alone.
        coincidences: pairs of slips by name, as "a + b", whose output is that of one other mistake, by its name: its
            sentence is true of them as well.
        cancelling: pairs of slips, as "a + b", that undo each other.
        mistakes: whole answers that go wrong in what is no stage; each differs from the reference, from every slip and
            from each other on the cases.
        legal: functions that must pass: loops, einsum, another library.
        borrowed: functions that call the finished thing and are told so.
        finished: dotted names of the finished things, such as "statistics.fmean".
        hints: each goes one step further than the one before.
        properties: what every right output has.
        probes: experiments for an answer that nothing explains, the most telling first.
        library: what the answer is called with: "numpy" arrays, or "torch" tensors made of them.
        drawn: what the inputs that `draw` draws must have so that mistakes show; the proof holds them to it.
        build: how the inputs become a module and a call of it; None where the answer is a function of the inputs.
        skeleton: a class with the parameters of that module, for the judge's own functions, which take it by name.
        part: whether right answers are kept as a part of what the learner builds throughout.
        own_file: whether it is about the file of a learner's own parts, and takes the parts from there.
        optional: whether it earns no points: for whoever wants more.
        computed: what the judge would compute with the reference, where a task is handed out without it.
    """

    id: str
    title: str
    difficulty: int
    minutes: int
    reference: Callable[..., Any]
    draw: Callable[..., Inputs]
    cases: tuple[Case, ...]
    hints: tuple[str, ...]
    mistakes: tuple[Mistake, ...] = ()
    legal: tuple[Callable[..., Any], ...] = ()
    stages: tuple[Stage, ...] = ()
    coincidences: Mapping[str, str] = field(default_factory=dict)
    cancelling: tuple[str, ...] = ()
    borrowed: tuple[Callable[..., Any], ...] = ()
    finished: tuple[str, ...] = ()
    properties: tuple[Property, ...] = ()
    probes: tuple[Probe, ...] = ()
    library: str = "numpy"
    drawn: tuple[Drawn, ...] = ()
    build: Build | None = None
    skeleton: type | None = None
    part: bool = False
    own_file: bool = False
    optional: bool = False
    computed: Mapping[Any, Any] = field(default_factory=dict)

    @property
    def function(self):
        """The name of the function or class a learner writes."""
        return self.id.partition(".")[2]

    @property
    def terms(self):
        """The `Terms` on which the judge calls functions of its own."""
        return Terms(self.library, build=self.build, module_class=self.skeleton, reuse=True)

    @property
    def stage_names(self):
        """What the stages may ask for besides each other's values."""
        if self.build is None:
            return self.names
        module = (self.build.name,) if self.build.module else ()
        return (*module, *self.build.arguments, *self.build.takes)

    @property
    def points(self):
        return sum(case.points for case in self.cases)

    @functools.cached_property
    def names(self):
        """The names of the inputs, in the order of the signature."""
        return tuple(self.inputs(self.cases[0], 0))

    @property
    def slips(self):
        """The slips of all stages, those that are rare at the end."""
        often = (slip for stage in self.stages for slip in stage.slips)
        return (*often, *(slip for stage in self.stages for slip in stage.rare_slips))

    def generator(self, name, seed):
        """Return a generator of random numbers for a case or a probe: another one for each name, seed and task."""
        return np.random.default_rng([seed, zlib.crc32(f"{self.id}/{name}".encode())])

    def inputs(self, case, seed, *, again=False):
        """Return the inputs of `case`, drawn from `seed`: the same seed gives the same inputs, another task others.

        Args:
            case: the `Case`.
            seed: the inputs are drawn from it.
            again: draw other numbers of the same sizes.
        """
        rng = self.generator(f"{case.name}, again" if again else case.name, seed)
        inputs = (case.draw or self.draw)(rng, **case.sizes)
        asks = {} if self.build is None else {"asks": case.asks}
        return {name: _cast(value, case.dtype) for name, value in inputs.items()} | asks


@dataclass(frozen=True)
class Choice:
    """One choice of a question, with its own explanation of why it is right or wrong."""

    text: str
    explanation: str
    right: bool = False


@dataclass(frozen=True)
class Question:
    """A question with one right choice; the choices are lettered a, b, c in their order."""

    id: str
    text: str
    choices: tuple[Choice, ...]
    points: int = 1

    @property
    def lettered(self):
        """The choices by letter."""
        return dict(zip("abcdefgh", self.choices, strict=False))


@dataclass(frozen=True)
class Chapter:
    """The tasks and questions of one exercise notebook; and what later lessons ask about it, which earns nothing."""

    number: str
    title: str
    tasks: tuple[Task, ...]
    questions: tuple[Question, ...] = field(default=())
    warm_ups: tuple[Question, ...] = field(default=())

    @property
    def points(self):
        """What all but the optional tasks earn."""
        return sum(item.points for item in (*self.tasks, *self.questions) if not getattr(item, "optional", False))


def _cast(value, dtype):
    is_float_array = isinstance(value, np.ndarray) and np.issubdtype(value.dtype, np.floating)
    return value.astype(dtype) if is_float_array else value
