"""Settling: trained networks brought onto the critical point that training left them near."""
