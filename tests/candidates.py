"""Quantised candidates of small networks, for tests of accuracy recovery."""

from small_nets import images

from calibration.candidate import Source
from calibration.collect import CollectOptions
from calibration.placement import place
from calibration.progress import silent
from calibration.quantisable import read_quantisable
from calibration.ranges import limits_of, share_limits


def largest(trial, histograms, groups, track):
    """Clips nothing."""
    return share_limits(limits_of(histograms, "minmax"), histograms, groups), {}


def prepared(path, feed=None, x86="onnxruntime"):
    """The plain candidate of a network, and what it was made from."""
    frames = feed or images(4)
    collecting = CollectOptions(threads=1)
    source = Source(path=path, frames=frames, choose=largest, collecting=collecting, track=silent)
    graph = read_quantisable(path)
    return source.make(graph, place(graph, x86=x86)), source
