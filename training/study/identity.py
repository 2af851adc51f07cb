"""What makes two studies the same: their settings and data as plain values.

A description is faithful or refused. It is made of the public names of the toolkit's own
types, of their settings, and of the bytes of arrays; never of module paths, so that a study
can be resumed after its code has moved. What an object of somebody else does cannot be seen
from here, so such an object must carry a `key` that says it.
"""

import dataclasses
import hashlib
import json
import sys
from decimal import Decimal
from fractions import Fraction

import numpy as np

from geomcore.layers import Layer
from geomcore.network import Network

OURS = ("geomcore", "constructions", "training")

# The attributes of a network that nobody has patched.
OWN = {"_layers", "_widths", "_weights", "_biases"}


ADVICE = (
    "give it an attribute `key`, a text that changes whenever what it does changes, "
    "such as key = 'loss below 0.1'"
)


def digest(*arrays):
    """Hash of the types, the shapes and the bytes of some arrays, as a text.

    Examples
    --------
    >>> digest(np.eye(2)) == digest(np.eye(2).T), digest(np.eye(2)) == digest(np.ones(4))
    (True, False)
    """
    total = hashlib.sha256()
    for array in arrays:
        total.update(f"{array.dtype.str} {array.shape} ".encode())
        total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()[:32]


def describe(value, where="value"):
    """A plain value, for JSON, that is the same for equal settings and for no others.

    Parameters
    ----------
    value : object
        None, a number, a text, an array, a network, an object of this toolkit;
        a list, tuple, set or dict of those; or anything with a `key`, which stands
        for what the object does. What it holds is described beside the key; if
        the key was set on the object itself, it stands also for what cannot be
        described in it.
    where : str, optional
        What to call the value in an error message.

    Returns
    -------
    object
        Equal numbers of different types have one description (1 and 1.0), and
        so have a list and a tuple of the same.

    Raises
    ------
    ValueError
        If the value cannot be described faithfully.

    Examples
    --------
    >>> from training.descent.optimizers import SGD
    >>> describe(SGD(0.1)) == describe(SGD(0.1)), describe(SGD(0.1)) == describe(SGD(0.2))
    (True, False)
    >>> describe([abs], "stop")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ValueError: stop[0] must be known to the file of the study, but ... an attribute `key`, ...
    """
    try:
        return _described(value, where)
    except RecursionError:
        raise ValueError(
            f"{where[:60]} must be known to the file of the study, but it contains itself: {ADVICE}"
        ) from None


def _described(value, where):
    kind = type(value)
    if value is None or kind in (bool, str):
        return value
    if isinstance(value, np.generic) and value.dtype.kind in "biufU":
        if value.dtype.kind != "f" or float(value) == value or value != value:
            return describe(value.item() if value.dtype.kind != "f" else float(value), where)
    if kind in (int, float):
        return _number(value)
    if kind in (complex, Fraction, Decimal):
        return {kind.__name__: str(value)}
    if kind is bytes:
        return {"bytes": value.hex()}
    if kind in (list, tuple):
        return [describe(item, f"{where}[{i}]") for i, item in enumerate(value)]
    if kind in (set, frozenset):
        return {"set": _sorted(describe(item, where) for item in value)}
    if kind is dict:
        pairs = value.items()
        return {
            "dict": _sorted([describe(k, where), describe(v, f"{where}[{k!r}]")] for k, v in pairs)
        }
    if kind is np.ndarray and value.dtype.kind in "biufcSU":
        return {"array": digest(value)}
    if _is_ours(kind):
        return _ours(value, where)
    return _keyed(value, where)


def _is_ours(kind):
    """Whether a type is one of this toolkit, found where it says that it is."""
    module = sys.modules.get(kind.__module__)
    is_there = getattr(module, kind.__qualname__, None) is kind
    return is_there and kind.__module__.split(".")[0] in OURS


def _ours(value, where):
    """An object of this toolkit: its name, its settings, its tensors."""
    name = {"type": type(value).__name__}
    if isinstance(value, Network) and set(vars(value)) <= OWN:
        layers = enumerate(value.layers)
        return {"layers": [describe(layer, f"{where}.layers[{i}]") for i, layer in layers]}
    if isinstance(value, Layer) and set(vars(value)) <= {f.name for f in dataclasses.fields(value)}:
        fields = _fields(value.hyperparameters, where)
        return {**name, "fields": fields, "tensors": [digest(tensor) for tensor in value.tensors]}
    if dataclasses.is_dataclass(value):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        if set(vars(value)) <= set(fields):
            if isinstance(fields.get("tensors"), list | tuple | set | frozenset):
                fields["tensors"] = sorted(set(fields["tensors"]))
            return {**name, "fields": _fields(fields, where)}
    return _keyed(value, where)


def _keyed(value, where):
    """An object of somebody else, by its key; ValueError if it has none."""
    kind = type(value)
    key = None if isinstance(value, type) else getattr(value, "key", None)
    if key is None or callable(key):
        raise ValueError(
            f"{where} must be known to the file of the study, but what a {kind.__name__} does "
            f"cannot be seen: {ADVICE}"
        )
    # A key that was set on the object may stand for what cannot be described in it.
    covers = "key" in getattr(value, "__dict__", {}) and "key" not in dir(kind)
    try:
        # With a blank, that no attribute has.
        parts = {**_attributes(value), " content": _content(value, where)}
    except ValueError:
        if not covers:
            raise
        parts = _attributes(value)
    found = {"type": kind.__name__, "key": describe(key, f"{where}.key"), "holds": {}}
    for name, part in sorted(parts.items()):
        try:
            if name != "key":
                found["holds"][name] = describe(part, f"{where}.{name}")
        except ValueError:
            if not covers:
                raise
    return found


def _attributes(value):
    """What an object holds in its dict and in slots, by name."""
    state = object.__getstate__(value)
    parts = state if isinstance(state, tuple) else (state,)
    return {name: part for held in parts for name, part in (held or {}).items()}


def _content(value, where):
    """What an object holds as the tuple, list, dict, number or text that it is, too."""
    kind = type(value)
    if isinstance(value, Layer | Network):
        return []
    try:
        # What has a way of its own, as much that is compiled has, may hold more than we see.
        if kind.__reduce__ is not object.__reduce__:
            raise TypeError
        if kind.__reduce_ex__ is not object.__reduce_ex__:
            raise TypeError
        _, arguments, _, *held = object.__reduce_ex__(value, 2)
    except TypeError:
        raise ValueError(
            f"{where} must be known to the file of the study, but what a {kind.__name__} holds "
            "cannot be seen: set the attribute `key` of the object itself"
        ) from None
    return [*arguments[1:], *(list(part) for part in held if part is not None)]


def _fields(fields, where):
    return {name: describe(value, f"{where}.{name}") for name, value in sorted(fields.items())}


def _number(value):
    """A whole number as an int, so that 1 and 1.0 are one; nan, inf and -0.0 as they are."""
    is_zero_below = value == 0 and np.signbit(float(value))
    return value if value != value or value % 1 or is_zero_below else int(value)


def _sorted(items):
    return sorted(items, key=lambda item: json.dumps(item, sort_keys=True))


def describe_plan(plan):
    """Plain values, by name, that are the same for equal ways to train and for no others.

    Parameters
    ----------
    plan : training.descent.problem.Plan
        Of which steps and optimizer are described elsewhere.

    Returns
    -------
    dict
    """
    return {
        "batches": plan.batches and {"size": plan.batches.size, "last": plan.batches.last},
        "record": plan.record,
        "stop": describe(plan.rules, "stop"),
        "penalties": describe(plan.penalties, "penalties"),
        "constraints": describe(plan.constraints, "constraints"),
    }


def check_same(path, stored, wanted):
    """Raise unless two configurations agree; name the first difference."""
    wanted = json.loads(as_json(wanted))
    if as_json(stored) != as_json(wanted):
        where, there, here = _difference(stored, wanted, "")
        raise ValueError(
            f"{path} holds another study: {short(where, 100)} is {short(there)} there, "
            f"{short(here)} here"
        )


def _difference(there, here, where):
    """The first place at which two plain values differ, and what is there and here."""
    parts = []
    if isinstance(there, dict) and isinstance(here, dict):
        names = sorted({*there, *here})
        parts = [(f"{where}.{k}".lstrip("."), there.get(k), here.get(k)) for k in names]
    elif isinstance(there, list) and isinstance(here, list) and len(there) == len(here):
        pairs = enumerate(zip(there, here, strict=True))
        parts = [(f"{where}[{i}]", a, b) for i, (a, b) in pairs]
    for place, a, b in parts:
        # As texts: True is not 1, and nan is nan.
        if as_json(a) != as_json(b):
            return _difference(a, b, place)
    return where, there, here


def short(value, most=60):
    """A value as a text of at most so many characters, none of them a control character."""
    text = "".join(c if c.isprintable() else "?" for c in str(value)[: most + 1])
    return text if len(text) <= most else f"{text[: most - 3]}..."


def as_json(value):
    """A plain value as the one JSON text that stands for it."""
    return json.dumps(value, sort_keys=True)
