"""Files that `torch.save` wrote: state dicts, and nothing that could be executed."""

import pickletools
import zipfile
from collections.abc import Mapping

from geomcore.foreign.files import open_regular
from geomcore.foreign.npz import DAMAGE, RATIO, ROOM
from geomcore.foreign.wording import one_line
from geomcore.foreign.zips import Bounded, Content, Damaged
from geomcore.interop.chain import Chain
from geomcore.interop.extras import extra
from geomcore.interop.torch import add_state, to_torch

WHAT = "a file that torch.save wrote (PyTorch 1.6 or newer)"
STATES = ("state_dict", "model_state_dict", "model")  # where a checkpoint has its tensors
FEW = 2**20  # numbers that any file may hold
# Bytes of the description of all tensors, of which each takes a hundred; and of a text in it:
# PyTorch takes quadratic time to tell that it does not know a name.
LARGEST, LONGEST = 2**20, 1000


def read_torch(path):
    """Read the state dict of a chain of Linear layers.

    Pickled objects other than tensors and plain containers are never loaded.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    ReLUNetwork

    Raises
    ------
    ImportError
        If PyTorch is not installed.
    ValueError
        If it is no such file, or would take much more memory than it has bytes.
    """
    torch = extra("torch")
    with open_regular(path, WHAT) as file:
        try:
            most = _examined(Bounded(file))
        except (Damaged, *DAMAGE) as error:
            raise ValueError(f"{path} must be {WHAT}: {one_line(str(error), 100)}") from None
        file.seek(0)
        try:
            state = torch.load(file, map_location="cpu", weights_only=True)
        except Exception as error:  # whatever the unpickler meets in a damaged file
            told = str(error).partition(". ")[0]
            raise ValueError(
                f"{path} must hold a state dict, as torch.save(model.state_dict(), path) writes "
                f"it; it cannot be loaded with weights_only=True: {one_line(told, 100)}"
            ) from None
    chain = Chain(path)
    for name in STATES:
        if isinstance(state, Mapping) and isinstance(state.get(name), Mapping):
            state = state[name]
    if not isinstance(state, Mapping):
        raise chain.refused("it", f"holds a {type(state).__name__} and no state dict")
    add_state(chain, state, most=most)
    return chain.network()


def write_torch(net, file):
    """Write the state dict of `to_torch(net)` into a binary file."""
    extra("torch").save(to_torch(net).state_dict(), file)


def _examined(file):
    """The most numbers that a file may hold; raise `Damaged` unless it is safe to be unpacked."""
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
    if any(member.filename.endswith("constants.pkl") for member in members):
        raise Damaged("it is a program of TorchScript")
    announced = sum(member.file_size for member in members)
    if announced > max(ROOM, RATIO * file.size):
        raise Damaged(f"it would take {announced:,} bytes")
    for member in members:
        if member.filename.endswith("data.pkl"):
            if member.file_size > LARGEST:
                raise Damaged(f"it describes its tensors in {member.file_size:,} bytes")
            _check_texts(Content(file, member).read(member.file_size))
    return max(FEW, file.size)


def _check_texts(data):
    """Raise if a pickle, of which nothing is executed, holds long texts or is none."""
    try:
        for _, argument, _ in pickletools.genops(data):
            if isinstance(argument, str | bytes) and len(argument) > LONGEST:
                raise Damaged(f"it holds a text of {len(argument):,} characters")
    except (ValueError, UnicodeError) as error:
        raise Damaged(str(error)) from None
