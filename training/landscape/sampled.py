"""Losses and gradients of many networks of one shape, at once."""

import numpy as np

from geomcore.arrays import check_network
from geomcore.network import Network
from geomcore.parameters import flatten
from geomcore.stack import stack
from training.descent.losses import as_loss
from training.descent.penalties import L2
from training.descent.problem import as_training_data
from training.descent.trainer import train_ensemble
from training.landscape.arguments import check_decay

# Numbers in the widest activations of a batch of networks.
AT_A_TIME = 2_000_000


def length(v):
    """The norm of a vector, also where squares overflow."""
    size = np.abs(v).max(initial=0)
    return float(size * np.linalg.norm(v / size)) if size > 0 else 0.0


class Sampled:
    """Points and a loss at which many networks of one shape are looked at."""

    def __init__(self, net, X, y, loss, weight_decay, targets, name="net"):
        check_network(net, Network, name=name)
        self.net, self.loss = net, as_loss(loss)
        check_decay(weight_decay)
        self.decay = float(weight_decay)
        self.X, self.labels = as_training_data(net, X, y, loss=self.loss, targets=targets)
        if hasattr(self.loss, "check"):
            self.loss.check(self.labels.Y)
        self.weights = self.loss.weights(self.labels.index)
        self.theta = flatten(net.tensors).astype(float)
        self.stacked, _ = stack([net])

    def relative(self, unit):
        """A length relative to that of the parameters."""
        size = length(self.theta)
        return float(unit / size) if size > 0 else np.inf

    def losses(self, thetas):
        """Losses of networks (T, P), in batches."""
        widest = max(w for w in self.net.widths if w is not None)
        batch = max(1, AT_A_TIME // (len(self.X) * widest))
        out = np.empty(len(thetas))
        with np.errstate(over="ignore", invalid="ignore"):
            for i in range(0, len(thetas), batch):
                part = thetas[i : i + batch]
                outputs = self.stacked.output(self.tensors(part), self.X)
                values = self.loss.value(outputs, self.labels.Y) * self.weights
                # sums along rows do not depend on how many rows there are, products may
                decay = 0.5 * self.decay * (part * part).sum(axis=1)
                out[i : i + batch] = values.sum(axis=1) + decay
        return np.where(np.isfinite(out), out, np.inf)

    def tensors(self, thetas):
        """The parameters of networks, stacked."""
        shapes = [tensor.shape for tensor in self.net.tensors]
        ends = np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1]
        parts = np.split(thetas, ends, axis=1)
        return [p.reshape(-1, *shape) for p, shape in zip(parts, shapes, strict=True)]

    def gradients(self, thetas):
        """Gradients of the losses of networks (T, P), of the same shape."""
        params = self.tensors(thetas)
        outputs = self.stacked.forward(params, self.X)
        slope = self.weights[:, None] * self.loss.gradient(outputs[-1], self.labels.Y)
        parts = self.stacked.backward(params, outputs, slope)
        flat = np.concatenate([part.reshape(len(thetas), -1) for part in parts], axis=1)
        return flat + self.decay * thetas

    def network(self, theta):
        """The network with parameters (P,)."""
        return self.net.rebuild([part[0] for part in self.tensors(theta[None])])

    def trained(self, thetas, steps, optimizer, jobs):
        """Losses after training from networks (T, P)."""
        stacks = self.tensors(thetas)
        nets = [self.net.rebuild([p[i] for p in stacks]) for i in range(len(thetas))]
        kind = {"loss": self.loss, "optimizer": optimizer, "jobs": jobs, "record": steps}
        if self.decay:
            kind["penalties"] = L2(self.decay / 2)
        done = train_ensemble(nets, self.X, self.labels, steps=steps, **kind)
        return self.losses(np.array([flatten(net.tensors) for net in done.networks]))
