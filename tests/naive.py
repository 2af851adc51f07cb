"""Slow, obvious oracles: they take another road than the code and import none of it."""

from fractions import Fraction
from itertools import permutations, product

import cvxpy as cp
import numpy as np
from scipy.optimize import linprog

# Constructions: separability, orders, exact forward passes and losses


def exact(array):
    """Nested lists of the numbers of an array as Fractions."""
    if np.ndim(array) == 0:
        return array if isinstance(array, Fraction) else Fraction(float(array))
    return [exact(row) for row in np.asarray(array)]


def dot(u, v):
    """Scalar product of two lists of Fractions."""
    return sum((a * b for a, b in zip(u, v, strict=True)), Fraction(0))


def exact_signs(X, w, c):
    """Signs of w.x + c at the rows of X, in Fractions."""
    values = [dot(x, exact(w)) + exact(c) for x in exact(X)]
    return [(v > 0) - (v < 0) for v in values]


def exact_forward(weights, biases, X):
    """Outputs and, layer by layer, hidden pre-activations of a ReLU network, in Fractions."""
    points, pre_activations = exact(X), []
    for l, (W, b) in enumerate(zip(weights, biases, strict=True)):
        W, b = exact(W), exact(b)
        points = [[dot(w, x) + c for w, c in zip(W, b, strict=True)] for x in points]
        if l < len(weights) - 1:
            pre_activations.append(points)
            points = [[max(v, Fraction(0)) for v in x] for x in points]
    return points, pre_activations


def exact_loss(weights, biases, X, Y):
    """Mean over points of the squared error norm, a Fraction."""
    outputs, _ = exact_forward(weights, biases, X)
    errors = [
        sum((o - t) ** 2 for o, t in zip(out, target, strict=True))
        for out, target in zip(outputs, exact(Y), strict=True)
    ]
    return sum(errors, Fraction(0)) / len(errors)


def class_weighted_loss(outputs, Y, y):
    """Sum over classes of the mean of the squared error norm over the class."""
    total = 0.0
    for label in sorted(set(y)):
        members = [i for i in range(len(y)) if y[i] == label]
        total += sum(sum((outputs[i] - Y[i]) ** 2) for i in members) / len(members)
    return total


def loss_gradient(weights, biases, X, Y, step=1e-6):
    """Central differences of the mean squared error norm in every weight and bias, one list."""
    tensors = [np.array(t, float) for t in (*weights, *biases)]

    def loss():
        out = np.asarray(X, float)
        for l in range(len(weights)):
            out = out @ tensors[l].T + tensors[len(weights) + l]
            if l < len(weights) - 1:
                out = np.where(out > 0, out, 0)
        return ((out - Y) ** 2).sum() / len(out)

    slopes = []
    for tensor in tensors:
        for place in np.ndindex(tensor.shape):
            kept = tensor[place]
            tensor[place] = kept + step
            high = loss()
            tensor[place] = kept - step
            slopes.append((high - loss()) / (2 * step))
            tensor[place] = kept
    return slopes


def separation_depth(A, B):
    """Largest t with w.a + c >= t and w.b + c <= -t for some w in [-1, 1]^d, by linprog.

    Positive if and only if the sets are strictly separable.
    """
    A, B = np.asarray(A, float), np.asarray(B, float)
    d = A.shape[1]
    rows = [[*(-a), -1.0, 1.0] for a in A] + [[*b, 1.0, 1.0] for b in B]
    answer = linprog(
        [0.0] * (d + 1) + [-1.0],
        A_ub=rows,
        b_ub=[0.0] * len(rows),
        bounds=[(-1, 1)] * d + [(None, None), (None, None)],
    )
    assert answer.status == 0
    return -answer.fun


def hull_distance(A, B):
    """Distance of two convex hulls: the dual of the maximum-margin program, on all points."""
    A, B = np.asarray(A, float), np.asarray(B, float)
    size = np.abs(np.vstack([A - A[0], B - A[0]])).max()
    alpha, beta = cp.Variable(len(A), nonneg=True), cp.Variable(len(B), nonneg=True)
    gap = ((A - A[0]) / size).T @ alpha - ((B - A[0]) / size).T @ beta
    problem = cp.Problem(cp.Minimize(cp.norm(gap)), [cp.sum(alpha) == 1, cp.sum(beta) == 1])
    problem.solve(solver=cp.CLARABEL)
    assert problem.status == cp.OPTIMAL
    return size * float(problem.value)


def elimination_orders(X, y, depth=1e-9):
    """All orders of the classes, of Q! tried, in which each is separable from all later ones."""
    X, y = np.asarray(X, float), np.asarray(y)
    orders = []
    for order in permutations(sorted(set(y.tolist()))):
        good = True
        for i in range(len(order) - 1):
            rest = np.isin(y, order[i + 1 :])
            good = good and separation_depth(X[y == order[i]], X[rest]) > depth
        if good:
            orders.append(list(order))
    return orders


def cluster_numbers(X, y):
    """delta, min |class mean - barycentre| and theta_* of CE24 Prop. 4.1, point by point."""
    labels = sorted(set(y))
    means = [np.mean([x for x, label in zip(X, y, strict=True) if label == q], 0) for q in labels]
    centre = sum(means) / len(means)
    delta = max(np.linalg.norm(x - means[labels.index(q)]) for x, q in zip(X, y, strict=True))
    reach = min(np.linalg.norm(m - centre) for m in means)
    theta = 0.0
    for j, apex in enumerate(means):
        f = (centre - apex) / np.linalg.norm(centre - apex)
        for k, other in enumerate(means):
            if k == j:
                continue
            # tangent directions of the ball in the plane of the axis and its centre
            v = other - apex
            along = v @ f
            across = np.sqrt(max(v @ v - along**2, 0))
            tangent = np.arcsin(min(4 * delta / np.linalg.norm(v), 1))
            theta = max(theta, 2 * (np.arctan2(across, along) + tangent))
    return delta, reach, theta


# Geometry of a network: one point and one number at a time


def relu_layers(weights, biases, x):
    """Pre-activations of every layer at one point, by loops over Python floats."""
    values, x = [], [float(t) for t in x]
    for l, (W, b) in enumerate(zip(weights, biases, strict=True)):
        z = [sum(float(w) * t for w, t in zip(row, x, strict=True)) for row in W]
        z = [t + float(c) for t, c in zip(z, b, strict=True)]
        values.append(np.array(z))
        x = [max(t, 0.0) for t in z] if l < len(weights) - 1 else z
    return values


def truncated(W, b, x):
    """tau(x): from 0, conjugate gradients on |W y - (relu(W x + b) - b)|^2 find least norm."""
    W = np.asarray(W, float)
    residual = np.maximum(W @ x + b, 0) - b
    y = np.zeros(W.shape[1])
    for _ in range(10):
        slope = W.T @ residual
        step = slope.copy()
        for _ in range(min(W.shape)):
            if not np.linalg.norm(slope) > 1e-14 * np.linalg.norm(W) * np.linalg.norm(residual):
                break
            image = W @ step
            length = (slope @ slope) / (image @ image)
            y = y + length * step
            residual = residual - length * image
            before, slope = slope, W.T @ residual
            step = slope + (slope @ slope) / (before @ before) * step
    return y


def difference_quotients(function, x, step=1e-6):
    """Jacobian of `function` at one point, from central differences."""
    x = np.asarray(x, float)
    columns = []
    for k in range(len(x)):
        e = np.zeros(len(x))
        e[k] = step
        columns.append((np.asarray(function(x + e)) - np.asarray(function(x - e))) / (2 * step))
    return np.array(columns).T


def composed(weights, biases):
    """Cumulative parameters read off the affine map itself: images of 0 and of the unit vectors."""
    Ws, bs = [], []
    d = np.asarray(weights[0]).shape[1]
    for l in range(1, len(weights) + 1):

        def affine(x, l=l):
            for W, b in zip(weights[:l], biases[:l], strict=True):
                x = np.asarray(W) @ x + b
            return x

        bs.append(affine(np.zeros(d)))
        Ws.append(np.array([affine(e) - bs[-1] for e in np.eye(d)]).T)
    return Ws, bs


def angle_between(u, v):
    """Angle of two vectors, from the side lengths of their triangle (Kahan's formula)."""
    u, v = u / np.linalg.norm(u), v / np.linalg.norm(v)
    return 2 * np.arctan2(np.linalg.norm(u - v), np.linalg.norm(u + v))


def cut_off(points, others):
    """Most points of one set in an open half-plane clear of the other, trying every pair's line.

    In the plane; the points are few and in general position, so that a line
    through two of all points, turned a little either way, is as good as any.
    """
    points, others = np.asarray(points, float), np.asarray(others, float)
    both = np.vstack([points, others])
    best = 0
    for i in range(len(both)):
        for j in range(len(both)):
            if i == j:
                continue
            dx, dy = both[j] - both[i]
            angle = np.arctan2(dx, -dy)
            for turn in (-1e-7, 0.0, 1e-7):
                normal = np.array([np.cos(angle + turn), np.sin(angle + turn)])
                first = min(normal @ o for o in others)
                best = max(best, sum(normal @ p < first for p in points))
    return best


# Networks that differ in the order and the scales of their units


def live_part(weights, biases, X):
    """The network without units that are on at no point, and without units that nothing reads."""
    weights, biases = [np.array(W) for W in weights], [np.array(b) for b in biases]
    while True:
        for l in range(len(weights) - 1):
            keep = []
            for u in range(len(biases[l])):
                is_on = any(relu_layers(weights, biases, x)[l][u] > 0 for x in X)
                if is_on and weights[l + 1][:, u].any():
                    keep.append(u)
            if len(keep) < len(biases[l]):
                weights[l], biases[l] = weights[l][keep], biases[l][keep]
                weights[l + 1] = weights[l + 1][:, keep]
                break
        else:
            return weights, biases


def same_up_to_units(first, second, tolerance=1e-6):
    """Whether some order of the hidden units of each layer, and some scales, make two networks one.

    Each is a pair (weights, biases). All orders are tried; the scale of a unit is what makes the
    norm of its (w, b) 1. So no unit may be zero.
    """
    shapes = [[np.shape(W) for W in weights] for weights, _ in (first, second)]
    if shapes[0] != shapes[1]:
        return False
    first, second = _with_unit_rows(*first), _with_unit_rows(*second)
    hidden = [range(len(b)) for b in first[1][:-1]]
    for orders in product(*(permutations(units) for units in hidden)):
        orders = [range(first[0][0].shape[1]), *orders, range(len(first[1][-1]))]
        pairs = []
        for l, (W, b) in enumerate(zip(*second, strict=True)):
            rows, columns = list(orders[l + 1]), list(orders[l])
            pairs.append((first[0][l], W[rows][:, columns]))
            pairs.append((first[1][l], b[rows]))
        if all(np.allclose(A, B, rtol=0, atol=tolerance) for A, B in pairs):
            return True
    return False


def _with_unit_rows(weights, biases):
    weights, biases = [np.array(W, float) for W in weights], [np.array(b, float) for b in biases]
    for l in range(len(weights) - 1):
        for u in range(len(biases[l])):
            size = np.sqrt(sum(weights[l][u] ** 2) + biases[l][u] ** 2)
            weights[l][u] /= size
            biases[l][u] /= size
            weights[l + 1][:, u] *= size
    return weights, biases
