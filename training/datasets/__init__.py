"""Data that the networks are trained on: pools of phantoms."""
