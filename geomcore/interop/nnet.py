"""Networks in the `.nnet` text format of the ACAS Xu networks, with their normalisation."""

from __future__ import annotations

import io
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from geomcore.foreign.files import read_whole
from geomcore.foreign.keywords import answers_keywords
from geomcore.foreign.wording import counted, quoted
from geomcore.interop.chain import Chain, normalised
from geomcore.typing import Path

if TYPE_CHECKING:
    from geomcore.network import ReLUNetwork

LARGEST = 2**26  # bytes of a file
MOST_NUMBERS = 2**20  # in one line


@answers_keywords
def from_nnet(path: Path) -> ReLUNetwork:
    """Bring in a network from a `.nnet` file.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    ReLUNetwork
        On inputs and outputs as they are in the world: the normalisation of
        the file, x -> (x - mean) / range, and that of its outputs, is folded
        into the first and the last layer.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is damaged; the sentence names the line.

    Warns
    -----
    UserWarning
        That inputs outside of the file's minima and maxima are not moved to
        them, as some programs do, and where rounding may differ.

    References
    ----------
    .. [1] K. D. Julian, "NNet", https://github.com/sisl/NNet, the format.
    """
    lines = _Lines(path)
    depth, inputs, outputs = lines.whole()[:3]
    widths = lines.whole(depth + 1)
    if [widths[0], widths[-1]] != [inputs, outputs]:
        raise lines.error(f"{inputs}, ..., {outputs}, as announced before", quoted(widths))
    lines.text()  # a flag that nobody uses
    least, most = lines.numbers(inputs), lines.numbers(inputs)
    means, ranges = lines.numbers(inputs + 1), lines.numbers(inputs + 1)
    if not ranges.all():
        raise lines.error("ranges other than zero", "zero")
    chain = Chain(path, inputs)
    if (means[:-1] != 0).any() or (ranges[:-1] != 1).any():
        chain.scale(*normalised(means[:-1], ranges[:-1]), "the normalisation of inputs")
    for l, (n, m) in enumerate(pairwise(widths), 1):
        if l > 1:
            chain.relu(f"layer {l - 1}")
        chain.affine(lines.matrix(m, n), lines.matrix(m, 1)[:, 0], f"layer {l}")
    lines.end()
    if means[-1] != 0 or ranges[-1] != 1:
        chain.scale(ranges[-1], means[-1], "the normalisation of outputs")
    if (least < most).any():
        chain.note("inputs outside of the minima and maxima of the file are not clipped")
    return chain.network()


class _Lines:
    """The lines of a file one after the other, but for comments and empty ones."""

    def __init__(self, path):
        self._path, self._line = path, 0
        data = read_whole(path, "a .nnet file", LARGEST)
        self._file, self._size = io.BytesIO(data), len(data)

    def text(self):
        """The next line."""
        for line in self._file:
            self._line += 1
            if line.strip() and not line.startswith(b"//"):
                return line.strip().rstrip(b",")
        raise ValueError(f"{self._path} must have more lines than {self._line}")

    def numbers(self, count=None):
        """The finite numbers of the next line."""
        text = self.text()
        parts = text.split(b",", MOST_NUMBERS)
        if count not in (None, len(parts)):
            raise self.error(f"{counted(count, 'number')}", f"{len(parts):,}")
        try:
            numbers = np.array([float(part) for part in parts])
        except ValueError:
            raise self.error("numbers", quoted(text[:200])) from None
        if not np.isfinite(numbers).all():
            raise self.error("finite numbers", quoted(text[:200]))
        return numbers

    def whole(self, count=None):
        """The positive whole numbers of the next line, three or more unless said."""
        numbers = self.numbers(count)
        if (numbers < 1).any() or (numbers != numbers.round()).any() or (numbers > 2**31).any():
            raise self.error("positive whole numbers", quoted(numbers.tolist()))
        if count is None and len(numbers) < 3:
            raise self.error("the numbers of layers, inputs and outputs", quoted(numbers.tolist()))
        return [int(n) for n in numbers]

    def matrix(self, m, n):
        """The numbers of the next m lines, n in each."""
        # A number takes two bytes with its comma; no room is made before it is known to be needed.
        if 2 * m * n - 1 > self._size - self._file.tell():
            raise self.error(f"{counted(m, 'line')} of {counted(n, 'number')}", "fewer after it")
        rows = np.empty((m, n))
        for row in rows:
            row[:] = self.numbers(n)
        return rows

    def end(self):
        """Raise if a line is left."""
        if any(line.strip() for line in self._file):
            raise ValueError(f"{self._path} must end after the biases of the last layer")

    def error(self, wanted, came):
        """The error that names the line that was read last."""
        return ValueError(f"{self._path} must have {wanted} in line {self._line}, got {came}")
