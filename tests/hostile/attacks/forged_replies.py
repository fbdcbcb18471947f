"""Answers that speak to the judge themselves, in its own form, or in what is nearly it."""

from attack import SOFTMAX, attack

# A message of the line's form, written to whatever is open. It says what the attack wants.
FORGED = '''
def forged(header, arrays=(), said=None):
    """Write a reply to all that is open, and end, so that no other follows it."""
    import json, os
    whole = dict(status="returned", kind="ndarray", library="numpy", dtype="float64", error="", message="", line="",
                 traceback="", called=[], shape=None, after=[], operands=[]) | header
    text = json.dumps([whole, [[name, dtype, shape] for name, dtype, shape, _ in arrays]]).encode()
    text = text if said is None else said
    message = len(text).to_bytes(8, "little") + text + b"".join(raw for *_, raw in arrays)
    for number in range(3, 256):
        try:
            os.write(number, message * 20)
        except OSError:
            pass
    os._exit(0)
'''


def forging(name, call, **options):
    return attack(name, f"forged({call})", above=FORGED, **options)


ATTACKS = [
    forging("a reply with numbers of its own", "{'shape': [1, 2]}, [('value', 'float64', [1, 2], bytes(16))]"),
    forging("a reply with the right status alone", "{'status': 'right', 'points': 5, 'outcome': 'RIGHT'}"),
    forging("a reply that nothing was borrowed", "{'called': []}"),
    forging(
        "a reply with a value of a wrong type", "{'shape': 'x', 'after': 7, 'called': {'a': 1}, 'operands': [[[]]]}"
    ),
    forging("a reply of many empty arrays", "{}, [(str(n), 'float64', [0], b'') for n in range(20_000)]"),
    forging(
        "a reply with two values", "{}, [('value', 'float64', [1], bytes(8)), ('value', 'float64', [2], bytes(16))]"
    ),
    forging("a reply of an array with 33 axes", "{}, [('value', 'float64', [1] * 33, bytes(8))]"),
    forging("a reply of objects", "{}, [('value', 'object', [1], bytes(8))]"),
    forging("a reply with sizes below zero", "{}, [('value', 'float64', [-1, -8], bytes(8))]"),
    forging("a reply with a size of True", "{}, [('value', 'float64', [True, True], bytes(8))]"),
    forging("a reply with huge sizes around a zero", "{}, [('value', 'float64', [2**47, 2**47, 0], b'')]"),
    forging("a shape of numbers without bounds", "{'shape': [10**400, -5], 'after': ['query'], 'dtype': 'float64'}"),
    forging("a shape that is infinite", "{}, (), b'[{\"shape\": [Infinity, NaN]}, []]'"),
    forging("JSON nested without end", "{}, (), b'[' * 500_000 + b']' * 500_000"),
    forging("a number of a million digits in JSON", "{}, (), b'[{\"shape\": [' + b'9' * 10**6 + b']}, []]'"),
    forging("keys twice in JSON", '{}, (), b\'[{"status": "raised", "status": "returned"}, []]\''),
    forging(
        "half a character in JSON", "{'message': '\\ud800', 'status': 'raised', 'error': '\\udfff', 'line': '\\udc80'}"
    ),
    forging("a message of a million characters", "{'status': 'raised', 'error': 'E', 'message': 'M' * 900_000}"),
    forging("a name of an exception of a million characters", "{'status': 'raised', 'error': 'E' * 900_000}"),
    forging("a line of a million characters", "{'status': 'raised', 'line': 'x + ' * 200_000}"),
    forging("a kind of a million characters", "{'kind': 'K' * 900_000, 'shape': None}"),
    forging("a broken answer that says a million characters", "{'status': 'broken', 'message': 'B' * 900_000}"),
    forging("a dtype that is a text", "{'dtype': 'D' * 900_000, 'shape': [2, 2]}"),
    forging("a hundred thousand things called", "{'called': ['you'] * 100_000}"),
    forging(
        "something called that has a name like a page", "{'called': ['<script>alert(1)</script>', '=1+1', '\\x1b[2J']}"
    ),
    forging(
        "operands with shapes without end",
        "{'status': 'raised', 'error': 'E', 'line': 'x', 'operands': [['x', 'numpy', 'float64', [2] * 90_000, 'w' * 90_000]] * 4}",
    ),
    forging(
        "operands that make the rules stumble",
        "{'status': 'raised', 'error': 'ValueError', 'message': 'matmul: Input operand 1 has a mismatch in its core dimension', 'line': '@' * 10_000, 'operands': [['.T', 'numpy', '', [1, 2, 3], ''], ['', '', '', [], '']]}",
    ),
    forging(
        "a line of deep parentheses",
        "{'status': 'raised', 'error': 'TypeError', 'message': 'm', 'line': '(' * 60_000 + ')' * 60_000}",
    ),
    forging(
        "a line of a huge number",
        "{'status': 'raised', 'error': 'TypeError', 'message': \"'int' object is not callable\", 'line': '0x' + 'f' * 100_000 + '(1)'}",
    ),
    attack(
        "replies changed on their way out",
        """
        for module in list(sys.modules.values()):
            for name in ("to_message", "pack", "run_case", "_send", "raised"):
                real = getattr(module, name, None)
                if callable(real) and getattr(module, "__name__", "").startswith(("grader", "jail", "__main__")):
                    setattr(module, name, lambda *_, **__: ({"status": "returned", "points": 100}, {}))
        """,
    ),
    attack(
        "what the child holds, searched for the line",
        """
        import io, json, types
        frame, streams = sys._getframe(), []
        while frame is not None:
            streams += [one for one in frame.f_locals.values() if hasattr(one, "write") or hasattr(one, "send")]
            frame = frame.f_back
        text = json.dumps([{"status": "returned", "kind": "ndarray", "called": [], "shape": [1]}, []]).encode()
        for stream in streams:
            for send in ("write", "send", "sendall"):
                try:
                    getattr(stream, send)(len(text).to_bytes(8, "little") + text)
                    stream.flush()
                except Exception:
                    pass
        """,
    ),
    attack(
        "the frame above returns something else",
        """
        import ctypes
        frame = sys._getframe().f_back
        while frame is not None:
            for name, value in list(frame.f_locals.items()):
                if name in ("called", "watched", "finished", "failure", "largest"):
                    try:
                        value.clear()
                    except Exception:
                        pass
            frame = frame.f_back
        return 0 * scores + 1 / scores.shape[-1]
        """,
        task=SOFTMAX,
    ),
]
