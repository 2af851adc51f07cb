"""Slow twins of what training/dynamics computes: loops over points, pairs and entries.

They take another road than the code: covariance matrices are written out and inverted on the span
of their large eigenvalues, where the code projects on singular vectors of the means.
"""

import numpy as np
from naive import angle_between, composed, relu_layers, truncated


def collapse(H, index, Q, classifier=None, chosen=None):
    """NC1, scatter, NC2 (three numbers), NC3, NC4 from covariance matrices, by the definitions."""
    H, m = [np.asarray(h, float) for h in H], len(H[0])
    members = [[h for h, c in zip(H, index, strict=True) if c == q] for q in range(Q)]
    means = [sum(own) / len(own) for own in members]
    centre = sum(means) / Q
    between, within = np.zeros((m, m)), np.zeros((m, m))
    for own, mean in zip(members, means, strict=True):
        between += np.outer(mean - centre, mean - centre) / Q
        for h in own:
            within += np.outer(h - mean, h - mean) / (Q * len(own))
    values, vectors = np.linalg.eigh(between)
    inverse = np.zeros((m, m))
    for value, v in zip(values, vectors.T, strict=True):
        if value > 1e-10 * values[-1]:
            inverse += np.outer(v, v) / value
    norms = [np.sqrt(sum((mean - centre) ** 2)) for mean in means]
    average = sum(norms) / Q
    cosines = [
        np.cos(angle_between(means[a] - centre, means[b] - centre))
        for a in range(Q)
        for b in range(a)
    ]
    mean_cosine = sum(cosines) / len(cosines)
    found = [
        np.trace(within @ inverse) / Q,
        np.trace(within) / np.trace(between),
        np.sqrt(sum((n - average) ** 2 for n in norms) / Q) / average,
        np.sqrt(sum((c - mean_cosine) ** 2 for c in cosines) / len(cosines)),
        sum(abs(c + 1 / (Q - 1)) for c in cosines) / len(cosines),
    ]
    if classifier is not None:
        size = np.sqrt(sum(n**2 for n in norms))
        total = np.sqrt(sum(a**2 for row in classifier for a in row))
        rows = zip(classifier, means, strict=True)
        found.append(sum(sum((a / total - (mu - centre) / size) ** 2) for a, mu in rows))
    if chosen is not None:
        wrong = 0
        for h, q in zip(H, chosen, strict=True):
            distances = [np.sqrt(sum((h - mean) ** 2)) for mean in means]
            wrong += distances[q] > min(distances) + 1e-9
        found.append(wrong / len(H))
    return found


def truncation(weights, biases, X, index, Q):
    """Of one network that does not widen, a dict of arrays (L - 1, Q) or (L - 1,)."""
    Ws, bs = composed(weights, biases)
    points, found = [np.asarray(x, float) for x in X], []
    values = [relu_layers(weights, biases, x) for x in X]
    for l in range(len(weights) - 1):
        W, b = Ws[l], bs[l]
        row = {name: [] for name in ("backward", "forward", "mixed", "dead", "spread", "distance")}
        before, points = points, [truncated(W, b, x) for x in points]
        base = truncated(W, b, np.zeros(W.shape[1])) if (b <= 0).all() else -np.linalg.pinv(W) @ b
        for q in range(Q):
            own = [i for i in range(len(X)) if index[i] == q]
            a = [W @ before[i] + b for i in own]
            row["backward"].append(sum(bool(max(v) <= 0) for v in a) / len(own))
            row["forward"].append(sum(bool(min(v) >= 0 and max(v) > 0) for v in a) / len(own))
            row["mixed"].append(sum(bool(min(v) < 0 < max(v)) for v in a) / len(own))
            row["dead"].append(sum(bool(max(values[i][l]) <= 0) for i in own) / len(own))
            mean = sum(points[i] for i in own) / len(own)
            squares = [sum((points[i] - mean) ** 2) for i in own]
            row["spread"].append(np.sqrt(sum(squares) / len(own)))
            row["distance"].append(np.sqrt(sum((mean - base) ** 2)))
        edges = np.linalg.pinv(W).T
        angles = [
            angle_between(edges[i], edges[j])
            for i in range(len(edges))
            for j in range(i)
            if edges[i].any() and edges[j].any()
        ]
        row["base"] = base
        row["smallest_angle"] = min(angles, default=np.nan)
        row["largest_angle"] = max(angles, default=np.nan)
        row["rank"] = np.linalg.matrix_rank(W)
        row["condition"] = np.linalg.cond(W) if row["rank"] == min(W.shape) else np.inf
        hidden = [np.maximum(v[l], 0) for v in values]
        pairs = zip(points, hidden, strict=True)
        row["defect"] = max(np.linalg.norm(W @ x + b - h) for x, h in pairs)
        found.append(row)
    return {name: np.array([row[name] for row in found]) for name in found[0]}
