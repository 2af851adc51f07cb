"""What was found around a network, as rows of tables and in sentences."""

from geomcore.foreign.wording import counted


def line_rows(found):
    """A row for each line."""
    rows = []
    for line in found.lines:
        row = {"line": line.name, "length of t = 1": line.grid.unit}
        if line.exact is not None:
            least = line.exact.minimum
            row |= {"cells": line.exact.cells, "least loss": least.loss, "at t": least.t}
        rows.append(row)
    return rows


def layer_rows(found):
    """A row for the block of the Hessian of each layer."""
    names = ("layer", "parameters", "largest", "smallest", "trace")
    return [dict(zip(names, row, strict=True)) for row in found.layers]


def basin_rows(found):
    """A row for each proved radius: of gradient flow, and of gradient descent with a step."""
    rows = []
    for basins in found.basins:
        flow = basins.flow
        rows.append(
            {"network": basins.name, "descent": "flow", "radius": flow["radius"]}
            | {"step": "", "rate": flow["rate"], "left by rounding": "", "largest curvature": ""}
        )
        for row in basins.rows:
            rows.append(
                {"network": basins.name, "descent": "with steps", "radius": row.radius}
                | {"step": row.step, "rate": row.rate, "left by rounding": row.residue**2}
                | {"largest curvature": row.curvature}
            )
    return rows


def way_rows(found):
    """A row for each way to the other network."""
    return [
        {"way": way.name, "largest loss, at least": way.barrier.lower}
        | {
            "at most": way.barrier.upper,
            "at t": (way.barrier.segment + way.barrier.t) / len(way.parts),
        }
        for way in found.ways
    ]


def shown(rows, digits=4):
    """Rows with numbers as they stand on a page."""
    return [
        {k: f"{v:.{digits}g}" if isinstance(v, float) else str(v) for k, v in row.items()}
        for row in rows
    ]


def in_sentences(found):
    """What is to be said before the tables."""
    raw, invariant = found.sharpness
    lines = [
        f"Loss {found.loss:.6g}, gradient of norm {found.gradient_norm:.3g}; verdict of verify: "
        f"{found.verdict}.",
        f"Largest eigenvalue of the Hessian {raw:.4g}: gradient descent near a minimum is stable "
        f"below a rate of {2 / raw:.3g}. "
        if raw > 0
        else "No direction of positive curvature. ",
    ]
    lines[1] += (
        f"For relative changes of the parameters it is {invariant:.4g}, which does not depend on "
        "how hidden units are scaled."
    )
    if found.kinks:
        lines.append(
            f"The network sits on {counted(found.kinks, 'kink')} (a unit that is zero at a point): "
            "the Hessian is that of one side, on which the unit is off, and neither it nor the "
            "gradient decides there; verify does."
        )
    spectrum = found.spectrum
    if spectrum.flat is not None:
        lines.append(
            f"Of {spectrum.count:,} directions {spectrum.flat:,} are flat (eigenvalue below 1e-9 "
            f"of the largest one); in {spectrum.fibre:,} no output moves at first order."
        )
    if found.basins:
        best = max((row.radius for b in found.basins for row in b.rows), default=None)
        if best is None:
            lines.append("Gradient flow provably returns; for gradient descent no step was found.")
    return lines
