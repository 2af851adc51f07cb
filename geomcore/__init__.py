"""The geometry of a ReLU network: no optimisation, no training."""

from geomcore.network import Network, ReLUNetwork

__all__ = ["Network", "ReLUNetwork"]
