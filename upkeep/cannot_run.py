"""How a step says that it cannot run on this machine."""


class CannotRun(Exception):  # noqa: N818 - it names a situation, not a fault
    """The text says what is missing, as the end of a sentence."""
