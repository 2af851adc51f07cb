"""What units read at their kinks: whether it leaves them free."""

import numpy as np

from constructions.critical.balls import Balls, has_full_column_rank, stacked


def are_free(cell, found):
    """Whether the rows (h_i, 1) of the kinks of each unit are proved to be independent."""
    own = {}
    for l, i, u in cell.kinks:
        own.setdefault((l, u), []).append(i)
    for (l, _), rows in own.items():
        read = found.inputs[l][rows]
        if not has_full_column_rank(stacked([read, Balls(np.ones((len(rows), 1)))], axis=1).T):
            return False
    return True
