"""The claims, with what their sources say."""

from typing import NamedTuple


class Claim(NamedTuple):
    """A published, or noted, claim.

    Attributes
    ----------
    name : str
    statement : str
    source : str
    published : str
        The number that goes with it; "" where there is none.
    """

    name: str
    statement: str
    source: str
    published: str = ""


MESA = "A. Oursland's note on Lp heads"
NONNEG = "A. Oursland's note on non-negative heads"
KERNELS = "worked examples of non-negative kernels"
SPARSE = "a note on sparse coding, after Olshausen and Field 1996 and Rozell et al. 2008"
CE23 = "T. Chen and P. Muñoz Ewald, arXiv:2309.10639"
CE24 = "T. Chen and P. Muñoz Ewald, arXiv:2405.07098"
AUTHORS = "the authors of arXiv:2405.07098"
CLAIMS = (
    Claim("A1", "Lp and linear heads are equally accurate", MESA, "99.0 % and 99.2 %"),
    Claim(
        "A2",
        "Lp has a spike of gradients near zero inside the polytope, Linear has none",
        MESA,
        "norm below 1 at 32 of 101 points, and at 3 of 101",
    ),
    Claim(
        "A3",
        "Lp suppresses the head weights of units that are on at the centre, Linear cancels",
        MESA,
        "mean |w| on and off 0.0086 and 1.58 (Lp), 0.61 and 0.80 (Linear): 70 times",
    ),
    Claim(
        "A4",
        "flipping the negative head weights of Linear changes nothing about flat points",
        MESA,
    ),
    Claim(
        "B1",
        "a penalty on negative head weights recovers most of the flat points of Lp",
        NONNEG,
        "28.7 % of the points against 33.7 %, about 85 %",
    ),
    Claim(
        "B2",
        "flatness falls with the magnitude of negative head weights",
        NONNEG,
        "20.8, 27.7, 28.7 % flat at mean negative weights -0.044, -0.0068, -0.0029",
    ),
    Claim("B3", "preventing cancellation is necessary and sufficient", NONNEG),
    Claim("C1", "the constraint affects linear and rectified units differently", KERNELS),
    Claim(
        "C2",
        "the printed outputs of the third example",
        KERNELS,
        "linear -0, -0, 0, 4, 8; rectified zeros",
    ),
    Claim(
        "D1",
        "with an L1 penalty on activations and free weights, training shrinks weights instead",
        SPARSE,
    ),
    Claim(
        "D2", "receptive fields like Gabor functions appear if and only if norms are held", SPARSE
    ),
    Claim("D3", "explaining away has no effect where norms are held", SPARSE),
    Claim("D4", "with free norms explaining away gives sparser codes, sooner, fewer dead", SPARSE),
    Claim("D5", "where the penalty is too high, explaining away helps", SPARSE),
    Claim(
        "E1", "data of types (a) to (d) have an explicit network with zero loss", f"{CE23}; {CE24}"
    ),
    Claim("E2", "the 2^Q - 1 suboptimal constructions are local minima", f"{CE23}, Theorem 2.5"),
    Claim("E3", "their losses follow the closed form", f"{CE23}, Theorem 2.5"),
    Claim(
        "E4",
        "after a small perturbation SGD returns to zero loss, after a large one it does not",
        f"{AUTHORS}, type (c)",
        "full return up to λ of about 0.1; loss about 0.4 and accuracy about 85 % at λ = 1",
    ),
    Claim(
        "E5",
        "truncation speeds up exponentially with the number of truncated points",
        "T. Chen, arXiv:2501.07400",
    ),
    Claim("E6", "digits 0, 1, 6, 4 in this order are sequentially separable", CE24),
    Claim(
        "E7",
        "networks of Q + 1 layers trained on digits show cones; their middle layers lose rank, and "
        "the identities of cones fail there; the two losses differ",
        AUTHORS,
    ),
    Claim(
        "E8",
        "training to lower loss gives more neural collapse",
        f"{AUTHORS}; Papyan, Han and Donoho, PNAS 2020",
    ),
)
