"""Mesas: on how much of a polytope a network is flat, exactly where it can be had."""
