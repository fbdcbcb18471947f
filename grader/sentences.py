"""What is said to a learner: docstrings as sentences, and several of them as one message."""

import inspect

COUNTS = {2: "Two", 3: "Three"}


def sentence_of(function):
    """Return the docstring of `function` as one line: it is the message a learner reads."""
    return " ".join((inspect.getdoc(function) or "").split())


def sentence(text):
    """Return a text with a full stop; an exception's often has none."""
    return text if text.endswith((".", "!", "?")) else f"{text}."


def together(messages):
    """Return the messages of several slips made at once as one text."""
    if len(messages) == 1:
        return messages[0]
    numbered = " ".join(f"({number}) {message}" for number, message in enumerate(messages, start=1))
    return f"{COUNTS[len(messages)]} things at once, which together give just your numbers. {numbered}"


def either(texts, *, raised=False):
    """Return messages that are all true of the same output: nobody can tell from numbers which one was meant."""
    first, *others = texts
    again = "Or, which stops in the same way" if raised else "Or, which gives the same numbers"
    return " ".join([first, *(f"{again}: {text}" for text in others)])
