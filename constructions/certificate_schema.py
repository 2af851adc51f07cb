"""The file of a certificate: one schema, made of the fields that a certificate has."""

import dataclasses
import math
from typing import Literal

import msgspec

FORMAT = "geomcore certificate"
VERSION = 3
ARGUMENTS = ("critical point", "fit", "slack", "saddle")
NOT_FINITE = {str(value): value for value in (math.inf, -math.inf)}

Number = float | Literal[tuple(NOT_FINITE)]


class Header(msgspec.Struct):
    """What every version of the file begins with."""

    format: Literal[FORMAT]
    version: int


class _Change(msgspec.Struct, forbid_unknown_fields=True):
    """How one layer moves along a direction."""

    weights: list[list[Number]]
    biases: list[Number]


class _Witness(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A direction with a step that lowers the loss, see `Certificate`."""

    direction: list[_Change]
    step: Number
    loss: Number
    slope: Number | msgspec.UnsetType = msgspec.UNSET
    bend: Number | msgspec.UnsetType = msgspec.UNSET
    curvature: Number | msgspec.UnsetType = msgspec.UNSET
    order: int | msgspec.UnsetType = msgspec.UNSET
    coefficient: Number | msgspec.UnsetType = msgspec.UNSET


class _Return(msgspec.Struct, forbid_unknown_fields=True):
    """The numbers of a `constructions.proof.basin.Basin`."""

    radius: Number
    rate: Number
    ball: Number
    strength: Number


class _Descent(msgspec.Struct, forbid_unknown_fields=True):
    """The numbers of a `constructions.proof.descent_basin.DescentBasin`, but for its step."""

    radius: Number
    rate: Number
    ball: Number
    strength: Number
    curvature: Number


class _Kink(msgspec.Struct, forbid_unknown_fields=True):
    """A `constructions.proof.certificate.Kink`."""

    layer: int
    point: int
    unit: int
    multiplier: Number
    rise: Number


class _Critical(msgspec.Struct, forbid_unknown_fields=True):
    """What is proved of an exact critical point, see `Certificate`."""

    argument: Literal[ARGUMENTS]
    rank: int
    rank_error: Number
    eigenvalue: Number
    uniqueness: Number
    kinks: list[_Kink]


class _Check(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    passed: bool | None
    value: Number | None
    detail: str


_STRUCTURES = {
    "critical": _Critical | None,
    "basin": _Return | None,
    "descent": _Descent | None,
    "witness": _Witness | None,
}
_NUMBERS = {
    float: Number,
    float | None: Number | None,
    tuple[float, ...]: tuple[Number, ...],
}


def struct_of(fields):
    """The struct of a file with these fields of a dataclass, in their order.

    Fields with a default need not be there: files of the time before they were do not have them.
    """
    forms = []
    for field in fields:
        default = () if field.default is dataclasses.MISSING else (field.default,)
        forms.append((field.name, _form(field), *default))
    return msgspec.defstruct(
        "_Stated", forms, bases=(Header,), forbid_unknown_fields=True, kw_only=True
    )


def _form(field):
    if field.name == "checks":
        return tuple[_Check, ...]
    return _STRUCTURES.get(field.name) or _NUMBERS.get(field.type, field.type)


def holds_numbers(field):
    """Whether texts in a field of the file may stand for numbers."""
    return field.name in _STRUCTURES or field.type in _NUMBERS


def with_numbers(value):
    """Numbers as a certificate has them: infinite ones are floats, and structures dicts."""
    if isinstance(value, msgspec.Struct):
        value = msgspec.to_builtins(value)
    if isinstance(value, dict):
        return {key: with_numbers(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(with_numbers, value))
    return NOT_FINITE.get(value, value) if isinstance(value, str) else value
