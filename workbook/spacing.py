"""Which questions come back at the head of a lesson: those missed first, then those not asked for longest."""

ASKED = 3
WAITS = (1, 2, 4, 8, 16)  # after so many right answers in a row, this many other questions are to come between


def due(questions, answers):
    """Return the questions to ask now, at most three.

    A question missed last time comes first, then those never asked, then those whose time has come again: the more
    often in a row one was right, the longer it rests, counted in questions answered.

    Args:
        questions: all that may be asked, in the chapters' order.
        answers: what was answered, oldest first: dictionaries with "question" and "right".
    """
    places = range(len(questions))

    def urgency(place):
        given = [at for at, event in enumerate(answers) if event["question"] == questions[place].id]
        if not given:
            return (1, -place)  # the latest chapter's first
        if not answers[given[-1]].get("right"):
            return (0, given[-1])
        row = 0
        for at in reversed(given):
            if not answers[at].get("right"):
                break
            row += 1
        since = len(answers) - given[-1]
        rest = WAITS[min(row, len(WAITS)) - 1] * ASKED
        return (2, -since) if since >= rest else (3, rest - since)

    return [questions[place] for place in sorted(places, key=urgency)[:ASKED]]
