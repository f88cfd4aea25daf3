"""A session on a CUDA device keeps frames there and answers as the CPU does, with one wait each."""

from collections import Counter
from dataclasses import replace

import device_engines
import numpy as np
import pytest
from device_engines import DeviceEngine, HostEngine
from dlpack_producer import OnlyDlpack

from sdk import Frame, Intensity, Mask, Status, kernels
from sdk.tasks import normalise

pytestmark = [pytest.mark.gpu, pytest.mark.usefixtures("cuda")]

SIDE = 24
PROBE = 16
"""A side of the grid that the window is measured on: the emulation takes its time per thread."""
QUALITY = {"size": [SIDE, SIDE], "min_tree_fraction": 1e-3}
ARTERIES = {"size": [SIDE, SIDE], "min_tree_fraction": 1e-3, "state_names": ["highest"]}
SEGMENTATION = {
    "input_name": "image",
    "input_shape": [1, 1, SIDE, SIDE],
    "output_name": "maps",
    "output_shape": [1, 2, SIDE, SIDE],
    "values": "sigmoid",
    "channel": 1,
    "low": -2.0,
    "high": 1.0,
}
TASKS = {
    "angiogram_quality": (device_engines.quality, QUALITY),
    "artery_sequence": (device_engines.arteries, ARTERIES),
    "segmentation": (device_engines.two_maps, SEGMENTATION),
}


@pytest.fixture(autouse=True)
def small_probe(monkeypatch):
    monkeypatch.setattr(normalise, "PROBE", (PROBE, PROBE))


def scene(index, shape, dtype=np.uint16):
    """Noise over a gradient, with dark squares that grow from frame to frame."""
    rng = np.random.default_rng(index)
    white = 4000 if dtype == np.uint16 else 230
    pixels = np.linspace(0.5, 1, shape[1]) * white + rng.normal(0, white / 200, shape)
    for row, column in ((3, 4), (10, 15), (19, 6)):
        pixels[row : row + 2 + 2 * index, column : column + 5] *= 0.3
    return np.clip(pixels, 1, white).astype(dtype)


def frozen(pixels):
    pixels.flags.writeable = False
    return pixels


def run_of(kind, shape=(30, 26), dtype=np.uint16, count=3):
    """Frames of one run: native, subtracted (and shifted), or behind a shutter."""
    frames = [Frame(pixels=scene(i, shape, dtype), index=i, time_ms=66.0 * i) for i in range(count)]
    if kind == "subtracted":
        mask = Mask(pixels=frozen(scene(0, shape, dtype)), shift_px=(0.5, -1.25))
        return [replace(frame, mask=mask, pixel_spacing_mm=(0.3, 0.2)) for frame in frames[1:]]
    if kind == "shutter":
        inside = np.zeros(shape, np.uint8)
        inside[2:-4, 3:-5] = 255
        return [replace(frame, irradiated=frozen(inside), inverted=True) for frame in frames]
    return [replace(frame, intensity=Intensity.LOG) for frame in frames]


def on_device(frame, wrap=lambda array: array):
    """The frame with all of its pixels in device memory."""

    def put(pixels):
        return None if pixels is None else wrap(kernels.to_device(pixels))

    mask = frame.mask and replace(frame.mask, pixels=put(frame.mask.pixels))
    return replace(frame, pixels=put(frame.pixels), mask=mask, irradiated=put(frame.irradiated))


def both(tmp_path, name):
    """The session on the host, and on the device with its engine."""
    compute, options = TASKS[name]
    cpu, _ = device_engines.open_session(tmp_path / "cpu", name, compute, HostEngine, **options)
    gpu, engine = device_engines.open_session(
        tmp_path / "gpu", name, compute, DeviceEngine, **options
    )
    return cpu, gpu, engine


def numbers(answer):
    """Everything in an answer that can be compared, by name."""
    if hasattr(answer, "mask"):
        return {n: getattr(answer, n) for n in ("mask", "area_px", "area_mm2", "count")}
    found = {}
    for name in answer.__dataclass_fields__:
        value = getattr(answer, name)
        inner = numbers(value) if hasattr(value, "__dataclass_fields__") else {"": value}
        found |= {f"{name}.{key}": each for key, each in inner.items()}
    return found


def assert_same(expected, got):
    assert (got.status, got.reason) == (expected.status, expected.reason)
    if expected.answer is None:
        return
    theirs = numbers(got.answer)
    for name, value in numbers(expected.answer).items():
        np.testing.assert_array_equal(theirs[name], value, err_msg=name)


@pytest.mark.parametrize("kind", ["native", "subtracted", "shutter"])
@pytest.mark.parametrize("name", list(TASKS))
def test_answers_are_those_of_the_cpu_bit_for_bit(tmp_path, name, kind):
    cpu, gpu, _ = both(tmp_path, name)
    frames = run_of(kind)
    for host, device in zip(cpu.stream(frames), gpu.stream(frames), strict=True):
        assert host.status is Status.DELIVERED, host.reason
        assert device.backend == "stand-in-cuda"
        assert device.frame is frames[host.frame.index - frames[0].index]
        assert_same(host, device)


@pytest.mark.parametrize("wrap", [lambda array: array, OnlyDlpack])
@pytest.mark.parametrize("kind", ["native", "subtracted", "shutter"])
def test_frames_that_lie_on_the_device_are_taken_where_they_lie(tmp_path, kind, wrap):
    cpu, gpu, engine = both(tmp_path, "angiogram_quality")
    frames = run_of(kind, dtype=np.uint8)
    there = [on_device(frame, wrap) for frame in frames]
    before, engine.moved = Counter(kernels.device_traffic()), Counter()
    outcomes = list(gpu.stream(there))
    moved = Counter(kernels.device_traffic()) - before - engine.moved
    assert moved["to_device"] == 0
    for host, device in zip(cpu.stream(frames), outcomes, strict=True):
        assert_same(host, device)


def moved_by(session, engine, frames):
    """What each frame moved, the engine's own copies left out."""
    seen = []
    for frame in frames:
        before, engine.moved = Counter(kernels.device_traffic()), Counter()
        assert session(frame).status is Status.DELIVERED
        seen.append(Counter(kernels.device_traffic()) - before - engine.moved)
    return seen


def test_a_frame_costs_one_wait_one_copy_there_and_small_copies_back(tmp_path):
    _, gpu, engine = both(tmp_path, "angiogram_quality")
    seen = moved_by(gpu, engine, run_of("subtracted", count=4))
    assert seen[0]["to_device"] == 2  # its mask too, which stays for the run
    for one in seen[2:]:
        assert one == Counter(waits=1, to_device=1, to_host=4)  # window, counts, grade, numbers


def test_only_the_first_frame_of_a_run_of_arteries_is_waited_for_twice(tmp_path):
    _, gpu, engine = both(tmp_path, "artery_sequence")
    seen = moved_by(gpu, engine, run_of("native", count=4))
    assert seen[0]["waits"] == 2
    for one in seen[2:]:
        assert one == Counter(waits=1, to_device=1, to_host=6)  # counts, masks, numbers, two each


def test_a_mask_stays_what_it_was_and_is_copied_when_somebody_looks(tmp_path):
    cpu, gpu, _ = both(tmp_path, "angiogram_quality")
    frames = run_of("native", count=4)
    outcomes = [gpu(frame) for frame in frames]
    gpu.close()
    for frame, outcome in zip(frames, outcomes, strict=True):
        vessels = outcome.require().vessels
        before = kernels.device_traffic()["to_host"]
        mask = vessels.mask
        assert vessels.mask is mask
        assert kernels.device_traffic()["to_host"] == before + 1
        np.testing.assert_array_equal(mask, cpu(frame).require().vessels.mask)
        np.testing.assert_array_equal(vessels.mask_on_device.numpy(), mask)


def test_an_overlay_is_drawn_where_frame_and_mask_are(tmp_path):
    cpu, gpu, _ = both(tmp_path, "angiogram_quality")
    [frame] = run_of("native", count=1)
    there = on_device(frame)
    style = kernels.OverlayStyle(low=0, high=4095, outline_px=1)
    drawn = kernels.overlay(there.pixels, gpu(there).require().vessels.mask_on_device, style)
    vessels = cpu(frame).require().vessels
    assert vessels.mask_on_device is None
    np.testing.assert_array_equal(drawn.numpy(), kernels.overlay(frame.pixels, vessels.mask, style))


@pytest.mark.parametrize("name", list(TASKS))
def test_a_frame_with_nothing_in_it_is_rejected_and_the_run_goes_on(tmp_path, name):
    cpu, gpu, _ = both(tmp_path, name)
    good = run_of("native", count=2)
    frames = [Frame(pixels=np.full((30, 26), 7, np.uint16)), *good]
    outcomes = list(zip(cpu.stream(frames), gpu.stream(frames), strict=True))
    assert [host.status for host, _ in outcomes] == [Status.REJECTED] + 2 * [Status.DELIVERED]
    for host, device in outcomes:
        assert_same(host, device)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("name", list(TASKS))
def test_outputs_that_are_no_numbers_are_a_failure(tmp_path, monkeypatch, name, value):
    compute, options = TASKS[name]

    def broken(inputs):
        outputs = compute(inputs)
        for tensor in outputs.values():
            if tensor.ndim == 4:
                tensor[0, -1, 5, 5] = value
        return outputs

    for place, kind in (("cpu", HostEngine), ("gpu", DeviceEngine)):
        session, engine = device_engines.open_session(
            tmp_path / place, name, compute, kind, **options
        )
        first, second, third = run_of("native")
        assert session(first).status is Status.DELIVERED
        with monkeypatch.context() as failing:
            failing.setattr(engine, "_compute", broken)
            outcome = session(second)
        assert outcome.status is Status.FAILED
        assert "gave NaN or infinities" in outcome.reason
        session.reset()
        assert session(third).status is Status.DELIVERED


def test_frames_of_another_size_and_type_can_follow(tmp_path):
    cpu, gpu, _ = both(tmp_path, "angiogram_quality")
    for shape, dtype in (((30, 26), np.uint8), ((20, 35), np.uint16), ((48, 48), np.uint16)):
        for frame in run_of("subtracted", shape, dtype, count=2):
            assert_same(cpu(frame), gpu(frame))


def test_a_frame_on_the_device_is_not_copied_for_a_session_in_host_memory(tmp_path):
    cpu, _, _ = both(tmp_path, "angiogram_quality")
    outcome = cpu(on_device(run_of("native")[0]))
    assert outcome.status is Status.REJECTED
    assert "lies on a CUDA device, but this session works in host memory" in outcome.reason


def test_what_the_device_reports_late_is_the_outcome_of_that_frame(tmp_path, monkeypatch):
    cpu, gpu, _ = both(tmp_path, "angiogram_quality")

    def fail(array):
        raise RuntimeError("waiting for the device failed: an illegal memory access")

    frame = run_of("native")[0]
    with monkeypatch.context() as broken:
        broken.setattr(kernels, "wait", fail)
        outcome = gpu(frame)
        assert outcome.status is Status.FAILED
        assert "the CUDA device failed on this frame: waiting for the device" in outcome.reason
        with pytest.raises(RuntimeError, match="illegal memory access"):
            cpu(frame)  # there it would be a fault of our own
    assert gpu(frame).status is Status.DELIVERED
