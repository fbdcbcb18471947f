"""Collects what is known about a task where it stands: decorators for its mistakes, legal ways, properties, probes."""

from grader.task import Mistake, Probe, Property


class Known:
    """What a task's file says about answers; each decorator returns the function as it is.

    `Task(..., **known.ways)` takes all of it, in the order in which it stands.
    """

    def __init__(self):
        self._ways = {name: [] for name in ("mistakes", "legal", "borrowed", "properties", "probes")}

    def mistake(self, function):
        """A whole answer that is wrong; its docstring is what a learner is told who gives exactly its output."""
        self._ways["mistakes"].append(Mistake(function))
        return function

    def legal(self, function):
        """A right answer, however it gets there."""
        self._ways["legal"].append(function)
        return function

    def borrowed(self, function):
        """An answer that calls the finished thing."""
        self._ways["borrowed"].append(function)
        return function

    def always(self, function):
        """What every right output has: takes (inputs, output); its docstring is the sentence if it does not hold."""
        self._ways["properties"].append(Property(function))
        return function

    def probe(self, function):
        """An experiment on an answer that nothing explains: see `grader.task.Probe`."""
        self._ways["probes"].append(Probe(function))
        return function

    @property
    def ways(self):
        """Everything by the name of the `Task`'s field."""
        return {name: tuple(found) for name, found in self._ways.items()}
