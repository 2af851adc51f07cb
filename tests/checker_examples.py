"""Networks on data, with certificates for the independent checker worked out by hand."""

import hashlib
import json
from fractions import Fraction

import numpy as np

from constructions import check_certificate


def digest(**arrays):
    """SHA-256 as the format says: a line for each array, then its numbers."""
    found = hashlib.sha256()
    for name, array in arrays.items():
        kind = "<i8" if array.dtype.kind == "i" else "<f8"
        found.update(f"{name} {' '.join(map(str, array.shape))}\n".encode())
        found.update(np.ascontiguousarray(array + 0.0 if kind == "<f8" else array, kind).tobytes())
    return found.hexdigest()


class Example:
    """A network on data, with a certificate worked out by hand.

    Numbers that every certificate has and that are of no interest in an example are filled in.
    """

    def __init__(self, layers, X, targets, classes, **fields):
        self.weights = [np.array(W, dtype=float) for W, _ in layers]
        self.biases = [np.array(b, dtype=float) for _, b in layers]
        self.X, self.targets = np.array(X, dtype=float), np.array(targets, dtype=float)
        self.classes = np.array(classes)
        tensors = {}
        for l, (W, b) in enumerate(zip(self.weights, self.biases, strict=True), 1):
            tensors |= {f"W{l}": W, f"b{l}": b}
        loss = fields.pop("loss")
        self.fields = {
            "format": "geomcore certificate",
            "version": 3,
            "network": digest(**tensors),
            "data": digest(X=self.X, Y=self.targets[self.classes], classes=self.classes),
            "points": len(X),
            "widths": [self.X.shape[1], *map(len, self.biases)],
            "proved": True,
            "loss_name": "mse",
            "weight_decay": 0.0,
            "subset": None,
            "rtol": 1e-8,
            "gtol": 1e-9,
            "exact": False,
            "loss": loss,
            "loss_bound": loss,
            "loss_floor": loss,
            "lower_bound": 0.0,
            "gradient_norm": 0.0,
            "distance": None,
            "slack": 0.0,
            "gap": fields.get("loss_bound", loss),
            "critical": None,
            "radius": None,
            "basin": None,
            "step": None,
            "descent": None,
            "witness": None,
            "smallest_eigenvalue": None,
            "checks": [],
            "bits": 128,
            **fields,
        }
        self.fields.setdefault("activation_margin", min(self.fields["margins"], default="inf"))
        self.fields = json.loads(json.dumps(self.fields))

    def findings(self, certificate):
        """Whether each field holds."""
        data = self.X, self.targets, self.classes
        return {
            finding.field: finding.holds
            for finding in check_certificate(certificate, self.weights, self.biases, *data)
        }

    def refused(self, **changed):
        """The fields that do not hold after a change."""
        findings = self.findings({**self.fields, **changed})
        return {field for field, holds in findings.items() if holds is False}


def root_below(square):
    """A float below the square root of a fraction, by a few units in its last place."""
    return float(np.sqrt(float(square))) * (1 - 1e-15)


# max(1 - x, 0) at 0, 2, 3: one point active, two dead, loss zero. At the dead points |a| >= 1 and
# |x| <= 3, so nothing flips for r < 1 / sqrt(10).
COLLAPSED = Example(
    [([[-1]], [1]), ([[1]], [0])],
    [[0], [2], [3]],
    [[0], [1]],
    [1, 0, 0],
    verdict="global minimum",
    loss=0.0,
    class_weighted_loss=0.0,
    accuracy=1.0,
    margins=[root_below(Fraction(1, 2))],
    distance=0.0,
    radius=root_below(Fraction(1, 10)),
    # N = [[1/3, 1/3], [1/3, 1]] has the smallest eigenvalue (2 - sqrt 2) / 3 = 0.44188...^2;
    # the hidden outputs move by 0.3 / sqrt 3 = 0.17320... in a ball of 0.3
    basin={"radius": 0.05, "strength": 0.2686, "rate": 4 * 0.2686**2 * (1 - 1e-15), "ball": 0.3},
    # 2 (first + sqrt(1/3) motion) = 4.73041 bounds the Hessian in a ball of r = 0.3: of the active
    # point the derivative is at most sqrt(2 (1 + r)^2 + 1), of the others 1, so that first is
    # (2 (1 + r)^2 + 1) / 3 + 2/3; the motion of the outputs is r sqrt(((1 + r)^2 + 4) / 3), and
    # only that of the active point bends, by 1. A ball of 0.027 leaves by 0.03505, and twice that
    # over the strength is 0.26096.
    step=0.2,
    descent={
        "radius": 0.027,
        "strength": 0.2686,
        "rate": 0.4 * 0.2686**2 * (1 - 1e-15),
        "ball": 0.3,
        "curvature": 4.7305,
    },
)

# One layer, least squares: the best line through (0, 0), (1, 1), (1, 3) is 2 x.
LINE = Example(
    [([[2]], [0])],
    [[0], [1], [1]],
    [[0], [1], [3]],
    [0, 1, 2],
    verdict="local minimum",
    loss=float(Fraction(2, 3)),
    loss_bound=np.nextafter(2 / 3, 1),
    loss_floor=np.nextafter(2 / 3, 0),
    class_weighted_loss=2.0,
    lower_bound=np.nextafter(2 / 3, 0),
    accuracy=2 / 3,
    margins=[],
    distance=0.0,
    radius="inf",
)
# With slope 1 + t instead: loss(t) = (t^2 + (t - 2)^2) / 3.
STEEP = Example(
    [([[1]], [0])],
    [[0], [1], [1]],
    [[0], [1], [3]],
    [0, 1, 2],
    verdict="not stationary",
    loss=4 / 3,
    loss_bound=np.nextafter(4 / 3, 2),
    loss_floor=np.nextafter(4 / 3, 1),
    class_weighted_loss=4.0,
    lower_bound=np.nextafter(2 / 3, 0),
    # in weight and bias: 2/3 of the residual -2 at the last point
    gradient_norm=4 / 3 * np.sqrt(2.0),
    distance=np.sqrt(1.0),
    accuracy=2 / 3,
    margins=[],
    witness={
        "direction": [{"weights": [[1]], "biases": [0.0]}],
        "step": 1.0,
        "loss": np.nextafter(2 / 3, 1),
        "slope": np.nextafter(-4 / 3, 0),
    },
)
# t max(1 + t x, 0) at -1, 1 with targets -1, 1: loss 1 - t^2 + t^4 near t = 0.
SADDLE = Example(
    [([[0]], [1]), ([[0]], [0])],
    [[-1], [1]],
    [[-1], [1]],
    [0, 1],
    verdict="saddle",
    loss=1.0,
    class_weighted_loss=2.0,
    accuracy=0.5,
    margins=[1.0],
    witness={
        "direction": [{"weights": [[1]], "biases": [0]}, {"weights": [[1]], "biases": [0]}],
        "step": 0.5,
        "loss": 0.8125,
        "curvature": -2.0,
    },
)
# max(x + t, 0) at 0 with target 1: on the kink, loss (1 - t)^2 for t > 0 and 1 for t < 0.
KINK = Example(
    [([[1]], [0]), ([[1]], [0])],
    [[0]],
    [[1]],
    [0],
    verdict="not stationary",
    loss=1.0,
    class_weighted_loss=1.0,
    accuracy=1.0,
    margins=[0.0],
    witness={
        "direction": [{"weights": [[0]], "biases": [1]}, {"weights": [[0]], "biases": [0]}],
        "step": 0.25,
        "loss": 0.5625,
        "slope": -2.0,
    },
)
# w max(x + 1, 0) + b at 0 and 1 with targets 0 and 3. The cumulative bias of the hidden layer is 1,
# so w = 3 - u needs b = -3 + u and the exact point is sqrt(2) u away.
U = 2.0**-40
HELD = Example(
    [([[1]], [1]), ([[3 - U]], [-3 + U])],
    [[0], [1]],
    [[0], [3]],
    [0, 1],
    verdict="global minimum",
    subset=["cumulative"],
    loss=U**2 / 2,
    class_weighted_loss=U**2,
    accuracy=1.0,
    margins=[root_below(Fraction(1, 2))],
    distance=U * 1.4142135623731,
)
EXAMPLES = {
    "collapsed": COLLAPSED,
    "line": LINE,
    "steep": STEEP,
    "saddle": SADDLE,
    "kink": KINK,
    "held": HELD,
}
