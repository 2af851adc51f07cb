"""Data sets to try the constructions on; each function returns a `Dataset`.

The four synthetic configurations `clusters`, `sequential`, `single_cone` and
`concentric`; `polytope` and `spirals`; scikit-learn's bundled `iris`, `wine`,
`breast_cancer` and `digits`; `mnist` from its IDX files; `patches` of photographs and
`sparse_synthetic` for sparse coding; and `load_table` for
your own CSV or npz file, in whatever dialect it is written.
"""

from typing import TYPE_CHECKING

from geomcore.datasets.bundled import breast_cancer, digits, iris, wine
from geomcore.datasets.configurations import clusters, concentric, sequential, single_cone
from geomcore.datasets.dataset import Dataset, prepare
from geomcore.datasets.idx import mnist
from geomcore.datasets.shapes import polytope, spirals
from geomcore.datasets.sparse.patches import patches
from geomcore.datasets.sparse.synthetic import sparse_synthetic
from geomcore.datasets.tables import load_table
from geomcore.names import listing, missing

__all__ = [
    "Dataset",
    "breast_cancer",
    "clusters",
    "concentric",
    "digits",
    "iris",
    "load_table",
    "mnist",
    "patches",
    "polytope",
    "prepare",
    "sequential",
    "single_cone",
    "sparse_synthetic",
    "spirals",
    "wine",
]


if not TYPE_CHECKING:  # or any name would do

    def __getattr__(name):
        raise missing("geomcore.datasets", name)


def __dir__():
    return listing(globals())
