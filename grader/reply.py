"""What comes back from running an answer on one case: plain data that crosses to the judge as .npz, never pickle."""

import io
import json
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Reply:
    """One run of an answer on one case.

    Attributes:
        status: "returned", "raised", or "untouched" (the answer still returns `...`).
        value: the array returned; None where the result is no array.
        kind: the type of what was returned, such as "ndarray" or "list".
        dtype: the result's dtype by name ("bfloat16" has no NumPy array of its own).
        error: type of the exception, such as "ValueError".
        message: the exception's text.
        line: the learner's own line that raised, as text.
        after: the array inputs as they are after the call.
        called: the finished things that the answer called, by dotted name.
        traceback: for whoever asks for it.
    """

    status: str
    value: np.ndarray | None = None
    kind: str = ""
    dtype: str = ""
    error: str = ""
    message: str = ""
    line: str = ""
    after: dict[str, np.ndarray] = field(default_factory=dict)
    called: tuple[str, ...] = ()
    traceback: str = ""


TEXT_FIELDS = ("status", "kind", "dtype", "error", "message", "line", "traceback")


def to_bytes(reply):
    """Return the reply as the bytes of an .npz archive."""
    header = {name: getattr(reply, name) for name in TEXT_FIELDS} | {"called": list(reply.called)}
    arrays = {f"after/{name}": array for name, array in reply.after.items()}
    if reply.value is not None:
        arrays["value"] = reply.value
    return pack(header, arrays)


def from_bytes(data):
    """Return the reply in `data`.

    Raises:
        ValueError: the bytes are no reply.
    """
    header, arrays = unpack(data)
    try:
        texts = {name: str(header[name]) for name in TEXT_FIELDS}
        called = tuple(str(name) for name in header["called"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a reply: {error!r}") from None
    if texts["status"] not in ("returned", "raised", "untouched"):
        raise ValueError(f"not a reply: status {texts['status']!r}")
    after = {name.removeprefix("after/"): array for name, array in arrays.items() if name.startswith("after/")}
    return Reply(**texts, called=called, value=arrays.get("value"), after=after)


def pack(header, arrays):
    """Return a JSON header and named arrays as the bytes of one .npz archive."""
    encoded = np.frombuffer(json.dumps(header).encode(), dtype=np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, header=encoded, **arrays)
    return buffer.getvalue()


def unpack(data):
    """Return the header and the arrays in `data`.

    Raises:
        ValueError: the bytes are no such archive.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        return json.loads(arrays.pop("header").tobytes()), arrays
    except Exception as error:  # whatever a damaged archive makes NumPy, zipfile or json raise
        raise ValueError(f"not an archive of ours: {error}") from None
