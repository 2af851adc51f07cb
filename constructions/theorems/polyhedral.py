"""What cones and simplices share: faces around one class, two layers (Ewa25 Prop. 3.1, Thm 3.3)."""

from typing import NamedTuple

import numpy as np

from constructions.building.assembly import standard_frame
from constructions.building.collapse import collapse_layer
from constructions.building.draft import Draft, Refused
from constructions.separation.programs import covering_faces, hinge
from constructions.separation.separation import separate
from constructions.theorems.covering import fewest_faces
from geomcore.foreign.wording import counted


class Faces(NamedTuple):
    """k half-spaces {x : W x + b <= 0} with one class in all of them.

    Attributes
    ----------
    W : ndarray, shape (k, d)
    b : ndarray, shape (k,)
    inside : int
        The class (0 or 1) that lies in all of them.
    uncovered : int
        Points of the other class that lie in all of them too; 0 for a valid answer.
    violation : float
        Largest depth of such a point (0 if there is none), or of a point of the
        inside class outside, in units of the normals.
    """

    W: np.ndarray
    b: np.ndarray
    inside: int
    uncovered: int
    violation: float


def draft_inside_then_outside(X, labels, rng, given, counts):
    """The draft of both theorems: the given faces, or the first of `counts` that serves.

    Parameters
    ----------
    X : ndarray, shape (N, d)
    labels : Labels
    rng : numpy.random.Generator
    given : (W, b) or None
        Faces to be used.
    counts : sequence of int
        Numbers of faces to be tried if none are given.

    Returns
    -------
    Draft

    Raises
    ------
    Refused
        If there are not two classes, `counts` is empty, a point is on the wrong side, or
        too near the faces.
    """
    if len(labels.classes) != 2:
        raise Refused(f"it needs exactly 2 classes, got {len(labels.classes)}")
    if not counts:
        raise Refused(f"it needs at least 2 features, got {X.shape[1]}")
    frame = standard_frame(X)
    Z = frame(X)
    if given is not None:
        W, b = given
        faces = check_faces(W * frame.scale, b + W @ frame.centre, Z, labels.index)
    else:
        needed = _needed(Z, labels.index, max(counts), X)
        for k in counts:
            faces = find_faces(Z, labels.index, k, rng, needed=needed)
            independent = np.linalg.matrix_rank(faces.W, tol=1e-8) == min(faces.W.shape)
            if faces.uncovered == 0 and independent:
                break
    if faces.uncovered:
        origin = "the given" if given is not None else "the best found"
        raise Refused(
            f"{counted(faces.uncovered, 'point')} {'is' if faces.uncovered == 1 else 'are'} on the "
            f"wrong side of {origin} {counted(len(faces.b), 'face')}, "
            f"by up to {faces.violation:.3g} (features scaled to unit spread)"
            + ("" if given is not None else _proof(needed, len(faces.b), labels))
        )
    return Draft(
        layers=collapse_inside_then_outside(faces, Z, labels.index, rng),
        kinds=["faces", "spread cone"],
        order=[faces.inside, 1 - faces.inside],
        frame=frame,
        report={"inside": labels.classes.tolist()[faces.inside], "faces": len(faces.b)},
    )


def _needed(Z, index, most, X):
    """How many faces are needed at least around each of the two classes, proved for X."""
    return [
        fewest_faces(Z[index == q], Z[index != q], most, exact=(X[index == q], X[index != q]))
        for q in (0, 1)
    ]


def _proof(needed, k, labels):
    """Why no k faces will do, if that is proved, or nothing."""
    if min(found.count for found in needed) <= k:
        return ""
    reasons = []
    for q, found in enumerate(needed):
        rows = np.flatnonzero(labels.index != q)[found.rows[: k + 1]].tolist()
        reasons.append(
            f"row {rows[0]} lies in the convex hull of class {labels.classes[q]!s}"
            if np.isinf(found.count)
            else f"of rows {rows} no two lie outside one face around class {labels.classes[q]!s}"
        )
    return f"; no {k} faces will do, proved: " + ", and ".join(reasons)


def check_faces(W, b, X, index):
    """See which class lies inside all half-spaces and count what is wrong with the other.

    Returns
    -------
    Faces
        The better of the two choices of the inside class.
    """
    depth = X @ W.T + b  # positive: outside that face
    lengths = np.linalg.norm(W, axis=1)
    lengths[lengths == 0] = 1  # a face that a solver left without a normal
    outermost = (depth / lengths).max(axis=1)
    choices = []
    for inside in (0, 1):
        wrong_in = np.maximum(outermost[index == inside], 0)
        wrong_out = np.maximum(-outermost[index != inside], 0)
        touching = (outermost[index == inside] >= 0).sum() + (outermost[index != inside] <= 0).sum()
        violation = max(wrong_in.max(), wrong_out.max())
        choices.append(Faces(W, b, inside, int(touching), float(violation)))
    return min(choices, key=_badness)


def _badness(faces):
    return faces.uncovered, faces.violation


def find_faces(X, index, k, rng, *, restarts=8, rounds=25, needed=None):
    """Find k half-spaces that all contain one class while each other point violates one.

    From many tight half-spaces around the inside class a greedy cover of the
    other class is chosen; then each face is refitted by a linear program to
    the points assigned to it, and the points are assigned anew, until every
    point is outside some face or nothing changes. Small data sets get an exact
    mixed-integer program. Around a class that is proved to need more faces than
    k nothing is refitted.

    Parameters
    ----------
    X : ndarray, shape (N, d)
    index : ndarray of int, shape (N,)
        0 or 1.
    k : int
    rng : numpy.random.Generator
        As much is drawn from it whatever is proved to be needed.
    needed : pair of Needed, optional
        What `fewest_faces` says around each class, if it is known.

    Returns
    -------
    Faces
        With `uncovered` > 0 if none were found: then the best ones met.
    """
    if needed is None:
        needed = _needed(X, index, k, X)
    best = None
    for restart in range(restarts):
        for inside in (0, 1):
            P, O = X[index == inside], X[index != inside]
            directions = _directions(P, O, rng)
            hopeless = needed[inside].count > k
            if hopeless and restart:
                continue
            W, b = _greedy_cover(P, O, k, directions)
            if not hopeless:
                W, b = _alternate(P, O, W, b, rounds)
            found = check_faces(W, b, X, index)
            if found.uncovered == 0:
                return _centred(found, X, index)
            if best is None or (found.uncovered, found.violation) < (
                best.uncovered,
                best.violation,
            ):
                best = found
        if restart == 0 and k * len(X) <= 120:
            for inside in (0, 1):
                if needed[inside].count > k:
                    continue
                faces = covering_faces(X[index == inside], X[index != inside], k)
                if faces is not None:
                    found = check_faces(*faces, X, index)
                    if found.uncovered == 0:
                        return _centred(found, X, index)
            break
    return best


def _directions(P, O, rng, candidates=2000):
    """Normals of length 1, one half from a point of P to one of O, the other half random."""
    directions = rng.standard_normal((candidates, P.shape[1]))
    towards = (
        O[rng.integers(len(O), size=candidates // 2)]
        - P[rng.integers(len(P), size=candidates // 2)]
    )
    directions[: len(towards)] = towards
    lengths = np.linalg.norm(directions, axis=1, keepdims=True)
    return directions / np.where(lengths > 0, lengths, 1)


def _greedy_cover(P, O, k, directions):
    """k of the tight half-spaces around P, each in turn excluding the most points of O left."""
    reach = (P @ directions.T).max(axis=0)
    depth = O @ directions.T - reach  # positive: excluded
    left = np.ones(len(O), bool)
    chosen = []
    for _ in range(k):
        count = (depth[left] > 0).sum(axis=0) + 1e-6 * np.arctan(depth[left].sum(axis=0))
        chosen.append(int(np.argmax(count)))
        left &= depth[:, chosen[-1]] <= 0
        if not left.any():
            left = depth[:, chosen].max(axis=1) < np.median(depth[:, chosen].max(axis=1))
    return directions[chosen], -reach[chosen]


def _alternate(P, O, W, b, rounds):
    """Refit each face to the points that it excludes best, until all points are excluded."""
    last = None
    for _ in range(rounds):
        depth = O @ W.T + b
        owner = depth.argmax(axis=1)
        if last is not None and np.array_equal(owner, last):
            break
        last = owner
        W, b = W.copy(), b.copy()
        for i in range(len(W)):
            mine = O[owner == i]
            face = hinge(P, mine) if len(mine) else None
            if face is not None:
                W[i], b[i] = face
    return W, b


def _centred(found, X, index):
    """Move every face to the middle of the gap between the inside class and its own points."""
    P, O = X[index == found.inside], X[index != found.inside]
    owner = (O @ found.W.T + found.b).argmax(axis=1)
    W, b = found.W.copy(), found.b.copy()
    used = np.unique(owner)
    for i in used:
        answer = separate(O[owner == i], P)
        if answer.separable:
            W[i], b[i] = answer.normal, answer.offset
    idle = np.setdiff1d(np.arange(len(W)), used)  # faces that exclude nothing repeat one that does
    W[idle], b[idle] = W[used[0]], b[used[0]]
    return check_faces(W, b, X, index)


def collapse_inside_then_outside(faces, X, index, rng):
    r"""Two hidden layers: the faces, which kill the inside class, then a collapse of the rest.

    After the first layer the inside class is the origin of R^k and the other
    class has a positive coordinate at every point; the hyperplane that
    separates them is the image of the one through
    :math:`W^+Wp + (\tilde a/2) v_1` of Ewa25 Prop. 3.1.

    Returns
    -------
    list of (W, b)
        Layers acting one after another.

    Raises
    ------
    Refused
        If double precision does not separate them.
    """
    hidden = np.maximum(X[index != faces.inside] @ faces.W.T + faces.b, 0)
    origin = np.zeros((1, len(faces.b)))
    answer = separate(origin, hidden)
    if not answer.separable:
        raise Refused("the second class is too near the faces to be collapsed in double precision")
    mean = hidden.mean(axis=0)
    base = mean - (answer.normal @ mean + answer.offset) * answer.normal
    collapse = collapse_layer(hidden, origin, answer.normal, base, rng)
    return [(faces.W, faces.b), (collapse.W, collapse.b)]
