"""Per-frame inference for angiography scanners."""
