"""Linear separation with certificates, and the programs behind it; cvxpy lives here."""
