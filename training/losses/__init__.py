"""Losses of the trained networks."""
