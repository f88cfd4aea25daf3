"""Workstation: FP32 graphs to INT8 graphs that were measured against them."""
