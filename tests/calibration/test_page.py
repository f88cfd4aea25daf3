"""The report is one file that needs nothing else, and shows whatever calibration found."""

import base64
from html.parser import HTMLParser

import cv2
import numpy as np
import pytest

from calibration.examples import Example
from calibration.histogram import Histogram
from calibration.page import write_page
from sdk.pictures.overlay import encode_jpeg

VOID = {"meta", "img", "path"}


class Outline(HTMLParser):
    """Texts, attributes and tags of a page, every tag closed in turn."""

    def __init__(self, page):
        super().__init__()
        self.open, self.tags, self.text, self.attributes = [], [], [], []
        self.feed(page.decode())
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture
def histogram():
    found = Histogram(tensor="relu", bins=128)
    values = np.abs(np.random.default_rng(0).normal(0, 1, 5000)).astype(np.float32)
    found.widen(values, "frame")
    found.count(values)
    return found


@pytest.fixture
def report():
    return {
        "certified": True,
        "shortfalls": [],
        "tolerance": {"min_dice": 0.98},
        "ranges": "mse",
        "frames": {"count": 1, "sha256": "a" * 64},
        "held_out": {"count": 1, "sha256": "b" * 64},
        "agreement": {"int8 against fp32": {"frames": 1, "dice_mean": 0.9876}},
        "versions": {"numpy": "2"},
        "output_signal_over_noise_db": {"mse": 31.25},
        "decisions": [
            {"node": "first", "op": "Conv", "int8": False, "reason": "reads <the> image"},
            {"node": "middle", "op": "Conv", "int8": True, "reason": "weight and input"},
        ],
        "tensors": {"relu": {"limit": 1.5, "method": "mse", "clipped": 0.0123}},
        "calibration_frames": ["run.dcm, frame 3"],
        "held_out_frames": ["run.dcm, frame 5"],
        "refused_frames": [],
    }


def page(report, histogram, examples=()):
    return Outline(write_page("A network", report, {"relu": histogram}, examples))


def test_it_needs_nothing_else(report, histogram):
    found = page(report, histogram)
    assert not {"script", "link", "iframe"} & set(found.tags)
    assert not [value for name, value in found.attributes if name in {"src", "href"}]


def test_decisions_reasons_and_measures_are_there(report, histogram):
    text = " ".join(page(report, histogram).text)
    for said in ("reads <the> image", "middle", "weight and input", "0.9876", "min dice 0.98",
                 "mse", "1.5", "1.230%", "run.dcm, frame 5", "31.25", "Certified",
                 "1 operations compute in INT8, 1 in float"):  # fmt: skip
        assert said in text, said


def test_what_is_not_certified_says_so_first(report, histogram):
    refused = report | {"certified": False, "shortfalls": ["int8: mean Dice 0.9"]}
    text = "".join(page(refused, histogram).text)
    assert "Not certified" in text
    assert text.index("int8: mean Dice 0.9") < text.index("Held-out frames")


def test_steps_that_are_not_known_here_become_a_table(report, histogram):
    steps = [
        {"step": "bias correction", "dice_before": 0.971, "dice_after": 0.9875},
        {"step": "sensitivity", "dice_before": 0.9875, "layers": ["a", "b"]},
    ]
    found = page(report | {"recovery": steps, "nested": {"deep": {"a": 1}}}, histogram)
    text = found.text
    assert "Recovery" in text
    for said in ("bias correction", "dice before", "dice after", "0.971", "sensitivity", "deep"):
        assert said in text, said


def test_a_long_list_is_folded(report, histogram):
    names = [f"tensor {number}" for number in range(9)]
    assert "All of them (9)" in page(report | {"shared": names}, histogram).text
    assert "All of them (8)" not in page(report | {"shared": names[:8]}, histogram).text


def test_a_histogram_is_drawn_to_scale(report, histogram):
    paths = [value for name, value in page(report, histogram).attributes if name == "d"]
    bars, limit = paths
    assert bars.count("M") > 30
    at = float(limit.split()[0].removeprefix("M"))
    assert at / 192 == pytest.approx(1.5 / histogram.largest, abs=1e-3)


def test_pictures_are_inside(report, histogram):
    encoded = encode_jpeg(np.full((4, 8, 3), 90, np.uint8))
    example = Example(
        caption='frame "3"', jpeg_base64=base64.b64encode(encoded).decode(), size=(4, 8)
    )
    found = page(report, histogram, [example])
    (source,) = [value for name, value in found.attributes if name == "src"]
    kind, content = source.split(",")
    assert kind == "data:image/jpeg;base64"
    picture = cv2.imdecode(np.frombuffer(base64.b64decode(content), np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape == (4, 8, 3)
    assert 'frame "3"' in found.text
