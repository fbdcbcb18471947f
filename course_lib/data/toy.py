"""The toy sentence: six words, vectors made by hand, every number redone with pencil.

    the cat purred because it ate

Who ate? To find out, "it" must look back at the cat. Four features describe a word: how much it is *glue* that holds
the sentence together, an *animal*, an *action*, a *pointer* to another word.

    X = [[1, 0, 0, 0],    the       glue
         [0, 2, 0, 0],    cat       very much an animal
         [0, 1, 2, 0],    purred    an action, of the kind that animals do
         [2, 0, 1, 0],    because   strong glue, with a trace of action
         [0, 0, 0, 2],    it        a pointer and nothing else
         [0, 0, 2, 0]]    ate       an action

Three maps make a query, a key and a value of every word. Row by row, ``W_q`` says what a feature asks for: an animal
asks for an action; glue, an action and a pointer ask for an animal, the pointer for one that is no pointer itself.
``W_k`` says what a feature answers to: to its own name, and a pointer to that of an animal too, for it may stand for
one. ``W_v`` says what is passed on: animal, action, glue. A pointer passes on nothing: "it" means nothing by itself.

Queries, keys and values are ``X @ W_q``, ``X @ W_k`` and ``X @ W_v``. The arrays cannot be written to, so that no
chapter changes them for the next; take a copy (``toy.Q.copy()``) to try something.
"""

import numpy as np

TOKENS = ("the", "cat", "purred", "because", "it", "ate")
FEATURES = ("glue", "animal", "action", "pointer")
VALUE_FEATURES = ("animal", "action", "glue")


def _frozen(rows):
    array = np.array(rows, dtype=np.float64)
    array.flags.writeable = False
    return array


X = _frozen(
    [
        [1, 0, 0, 0],  # the
        [0, 2, 0, 0],  # cat
        [0, 1, 2, 0],  # purred
        [2, 0, 1, 0],  # because
        [0, 0, 0, 2],  # it
        [0, 0, 2, 0],  # ate
    ]
)

W_q = _frozen(
    [
        [0, 1, 0, 0],  # glue asks for an animal
        [0, 0, 1, 0],  # an animal asks for an action
        [0, 1, 0, 0],  # an action asks for an animal
        [0, 1, 0, -1],  # a pointer asks for an animal that is no pointer
    ]
)

W_k = _frozen(
    [
        [1, 0, 0, 0],  # glue answers as glue
        [0, 1, 0, 0],  # an animal as an animal
        [0, 0, 1, 0],  # an action as an action
        [0, 1, 0, 1],  # a pointer as a pointer, and as the animal it may stand for
    ]
)

W_v = _frozen(
    [
        [0, 0, 1],  # glue passes on glue
        [1, 0, 0],  # an animal passes on animal
        [0, 1, 0],  # an action passes on action
        [0, 0, 0],  # a pointer passes on nothing
    ]
)

Q = _frozen(X @ W_q)
K = _frozen(X @ W_k)
V = _frozen(X @ W_v)
