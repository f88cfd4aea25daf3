"""Workstation: model folders from trained checkpoints and from vendors' networks."""
