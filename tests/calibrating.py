"""Calls ``angioedge calibrate`` as a person would, with few frames."""

from calibration.__main__ import main


def calibrate(model, runs, *more):
    counts = ["--count", "6", "--held-out-count", "3", "--threads", "1"]
    return main(["calibrate", str(model), "--frames", *runs, *counts, *more])


def content_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}
