"""Networks to and from npz files, the format in which nothing is lost."""

import json
from typing import Annotated, Literal

import msgspec
import numpy as np

from geomcore.foreign.files import as_path, open_regular
from geomcore.foreign.npz import read_npz
from geomcore.foreign.schema import Mismatch, decoded
from geomcore.foreign.wording import counted, one_line, quoted
from geomcore.layers import KINDS
from geomcore.network import Network, ReLUNetwork

FORMAT = "geomcore network"
VERSION = 1
LONGEST_HEADER = 2**24  # bytes of a text that NumPy stores with four for a character


def write_npz(net, file):
    """Write a network into a binary file, without pickle.

    Parameters
    ----------
    net : Network
        Of the layers of `geomcore.layers`.
    file : binary file object

    Raises
    ------
    ValueError
        If `net` has another layer.

    Notes
    -----
    One array per tensor, called as `geomcore.parameters.tensor_names` does, and
    ``header``, a string of JSON: format, version, kind, widths and, unless it is
    a ReLUNetwork, the kind and hyperparameters of each layer.
    """
    header = {"format": FORMAT, "version": VERSION, "kind": "ReLUNetwork", "widths": net.widths}
    if not isinstance(net, ReLUNetwork):
        header |= {"kind": "Network", "layers": [_described(layer) for layer in net.layers]}
    arrays = {"header": np.array(json.dumps(header))}
    arrays |= dict(zip(net.names, net.tensors, strict=True))
    np.savez(file, **arrays)


def read_network(path):
    """Read a network that `write_npz` wrote.

    Parameters
    ----------
    path : str or path-like

    Returns
    -------
    Network
        A `ReLUNetwork` if such a one was saved; equal to it, bit for bit.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is not a network of ours: damaged, of another format, of a
        newer version, inconsistent, or with pickled objects, which are never
        loaded.
    """
    path = as_path(path)
    open_regular(path, "a network file").close()
    arrays = read_npz(path)
    header = _header(path, arrays.pop("header", None))
    layers, widths = header.layers, header.widths
    parts = [KINDS[layer.kind].letters for layer in layers]
    names = [[f"{letter}{l}" for letter in part] for l, part in enumerate(filter(None, parts), 1)]
    if {name for part in names for name in part} != set(arrays):
        raise ValueError(
            f"{path} announces {counted(len(names), 'layer')} but holds the arrays "
            f"{quoted(sorted(arrays))}"
        )
    try:
        if header.kind == "ReLUNetwork":
            net = ReLUNetwork([arrays[W] for W, _ in names], [arrays[b] for _, b in names])
        else:
            net = Network(list(_layers(layers, names, arrays)))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path} holds no valid network: {one_line(str(error), 160)}") from None
    if net.widths != widths:
        raise ValueError(f"{path} announces widths {quoted(widths)} but holds {quoted(net.widths)}")
    return net


def _described(layer):
    """A layer but for its tensors, for the header."""
    if type(layer) not in KINDS.values():
        raise ValueError(f"net must hold layers of {', '.join(KINDS)} only, got {quoted(layer)}")
    return {"kind": type(layer).__name__, "hyperparameters": layer.hyperparameters}


def _layers(layers, names, arrays):
    """The layers that a header describes."""
    names = iter(names)
    for layer in layers:
        kind = KINDS[layer.kind]
        own = [arrays[name] for name in next(names)] if kind.letters else []
        yield kind(**dict(zip(kind.letters, own, strict=True)), **layer.hyperparameters)


class _Layer(msgspec.Struct, forbid_unknown_fields=True):
    kind: Literal[tuple(KINDS)]
    hyperparameters: dict[str, float | int | str | bool | None]


class _Format(msgspec.Struct):
    format: Literal[FORMAT]
    version: Annotated[int, msgspec.Meta(ge=1)]


class _Header(_Format):
    kind: Literal["ReLUNetwork", "Network"]
    widths: tuple[int | None, ...]
    layers: tuple[_Layer, ...] = ()


# What is wrong if a field is not as it must be.
MUST = {
    "version": "must announce a format version",
    "kind": "must hold a ReLUNetwork or a Network",
    "widths": "must announce widths",
    "layers": f"must announce layers of {', '.join(KINDS)}",
}


def _header(path, header):
    """The header, checked: kind, widths and layers."""
    foreign = f"{path} must be a file that geomcore.save wrote, it is of another format"
    if header is None or header.shape or header.dtype.kind != "U" or header.nbytes > LONGEST_HEADER:
        raise ValueError(foreign)
    try:
        # A newer version may have other fields, so the version comes first.
        version = decoded(str(header), _Format).version
        if version > VERSION:
            raise ValueError(
                f"{path} has format version {quoted(version)}, this geomcore reads up to "
                f"{VERSION}: a newer geomcore is needed"
            )
        header = decoded(str(header), _Header)
    except Mismatch as error:
        if error.field not in MUST:
            raise ValueError(foreign) from None
        raise ValueError(f"{path} {MUST[error.field]}{_got(header, error.field)}") from None
    if header.kind == "ReLUNetwork":
        if len(header.widths) < 2:
            raise ValueError(f"{path} must announce at least two widths, got {header.widths!r}")
        affine = (_Layer("Affine", {}),) * (len(header.widths) - 1)
        return msgspec.structs.replace(header, layers=affine)
    wrong = [layer for layer in header.layers if not _is_complete(layer)]
    if wrong or not header.layers:
        raise ValueError(f"{path} {MUST['layers']}, got {quoted(wrong)}")
    return header


def _got(header, field):
    """What a field of a header holds instead, if that can be read."""
    try:
        return f", got {quoted(decoded(str(header), dict)[field])}"
    except Mismatch:
        return ""


def _is_complete(layer):
    """Whether a layer has its hyperparameters and no others."""
    return set(layer.hyperparameters) == set(KINDS[layer.kind].hyperparameter_names())
