"""Networks to and from files."""

import json
import os
import secrets
from pathlib import Path

import numpy as np

from geomcore.arrays import check_network
from geomcore.foreign.npz import read_npz
from geomcore.layers import KINDS
from geomcore.network import Network, ReLUNetwork

FORMAT = "geomcore network"
VERSION = 1


def save(net, path):
    """Write a network to an npz file, without pickle.

    Parameters
    ----------
    net : Network
        Of the layers of `geomcore.layers`.
    path : str or path-like
        The file, taken literally (no ``.npz`` is appended). Replaced if it is
        there.

    Raises
    ------
    ValueError
        If `net` is no network or has another layer, or `path` is a directory or
        in none.
    OSError
        If the file cannot be written; an older file then is as it was.

    Notes
    -----
    One array per tensor, called as `geomcore.parameters.tensor_names` does, and
    ``header``, a string of JSON: format, version, kind, widths and, unless it is
    a ReLUNetwork, the kind and hyperparameters of each layer. The file is written beside its
    final place, flushed to the disk, and renamed: a reader sees the old file
    or the new one, never half of one.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "net.npz"
    >>> net = ReLUNetwork([[[1.0], [-1.0]], [[1.0, 1.0]]], [[0, 0], [0]])
    >>> save(net, path)
    >>> load(path) == net
    True
    """
    check_network(net, Network)
    path = Path(path)
    if path.is_dir() or not path.parent.is_dir():
        raise ValueError(f"path must be a file in an existing folder, got {path}")
    header = {"format": FORMAT, "version": VERSION, "kind": "ReLUNetwork", "widths": net.widths}
    if not isinstance(net, ReLUNetwork):
        header |= {"kind": "Network", "layers": [_described(layer) for layer in net.layers]}
    arrays = {"header": np.array(json.dumps(header))}
    arrays |= dict(zip(net.names, net.tensors, strict=True))
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with open(temporary, "xb") as file:
            np.savez(file, **arrays)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def load(path):
    """Read a network that `save` wrote.

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
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path} must be a network file, there is no such file")
    if path.is_dir():
        raise ValueError(f"{path} must be a network file, it is a directory")
    arrays = read_npz(path)
    header = _header(path, arrays.pop("header", None))
    layers, widths = header["layers"], header["widths"]
    parts = [KINDS[layer["kind"]].letters for layer in layers]
    names = [[f"{letter}{l}" for letter in part] for l, part in enumerate(filter(None, parts), 1)]
    if {name for part in names for name in part} != set(arrays):
        raise ValueError(
            f"{path} announces {len(names)} layers but holds the arrays {sorted(arrays)}"
        )
    try:
        if header["kind"] == "ReLUNetwork":
            net = ReLUNetwork([arrays[W] for W, _ in names], [arrays[b] for _, b in names])
        else:
            net = Network(list(_layers(layers, names, arrays)))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path} holds no valid network: {error}") from None
    if net.widths != widths:
        raise ValueError(f"{path} announces widths {widths} but holds {net.widths}")
    return net


def _described(layer):
    """A layer but for its tensors, for the header."""
    if type(layer) not in KINDS.values():
        raise ValueError(f"net must hold layers of {', '.join(KINDS)} only, got {layer!r}")
    return {"kind": type(layer).__name__, "hyperparameters": layer.hyperparameters}


def _layers(layers, names, arrays):
    """The layers that a header describes."""
    names = iter(names)
    for layer in layers:
        kind = KINDS[layer["kind"]]
        own = [arrays[name] for name in next(names)] if kind.letters else []
        yield kind(**dict(zip(kind.letters, own, strict=True)), **layer["hyperparameters"])


def _header(path, header):
    """The header, checked: kind, widths and layers."""
    foreign = f"{path} must be a file that geomcore.save wrote, it is of another format"
    if header is None or header.shape or header.dtype.kind != "U":
        raise ValueError(foreign)
    try:
        header = json.loads(str(header))
    except (ValueError, RecursionError):
        raise ValueError(foreign) from None
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise ValueError(foreign)
    version, widths = header.get("version"), header.get("widths")
    if not isinstance(version, int) or version < 1:
        raise ValueError(f"{path} must announce a format version, got {version!r}")
    if version > VERSION:
        raise ValueError(
            f"{path} has format version {version}, this geomcore reads up to {VERSION}: "
            "a newer geomcore is needed"
        )
    kind, layers = header.get("kind"), header.get("layers")
    if kind not in ("ReLUNetwork", "Network"):
        raise ValueError(f"{path} must hold a ReLUNetwork or a Network, got {kind!r}")
    if not isinstance(widths, list) or not all(n is None or type(n) is int for n in widths):
        raise ValueError(f"{path} must announce widths, got {widths!r}")
    if kind == "ReLUNetwork":
        if len(widths) < 2:
            raise ValueError(f"{path} must announce at least two widths, got {widths!r}")
        layers = [{"kind": "Affine"}] * (len(widths) - 1)
    elif not isinstance(layers, list) or not layers or not all(map(_is_layer, layers)):
        raise ValueError(f"{path} must announce layers of {', '.join(KINDS)}, got {layers!r:.200}")
    return {"kind": kind, "widths": tuple(widths), "layers": layers}


def _is_layer(layer):
    """Whether this can be one entry of the layers in a header."""
    return (
        isinstance(layer, dict)
        and set(layer) == {"kind", "hyperparameters"}
        and isinstance(layer["kind"], str)
        and layer["kind"] in KINDS
        and isinstance(layer["hyperparameters"], dict)
        and set(layer["hyperparameters"]) == set(KINDS[layer["kind"]].hyperparameter_names())
    )
