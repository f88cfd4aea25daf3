"""The estimated shift against shifts made by interpolation of a larger phantom."""

import numpy as np
import pytest

from sdk import kernels
from sdk.kernels import Subtraction

cv2 = pytest.importorskip("cv2", reason="the phantom is drawn by OpenCV")


def anatomy(rng: np.random.Generator, side: int) -> np.ndarray:
    """Smooth soft tissue with the edges of bones."""
    image = cv2.resize(rng.uniform(0.3, 0.9, (10, 10)), (side, side), interpolation=cv2.INTER_CUBIC)
    for _ in range(25):
        centre = tuple(int(c) for c in rng.uniform(0, side, 2))
        radius, shade = int(rng.uniform(5, 80)), rng.uniform(0.3, 0.9)
        cv2.circle(image, centre, radius, shade, int(rng.integers(2, 8)))
    return cv2.GaussianBlur(image, (0, 0), 2)


def stored(rng: np.random.Generator, image: np.ndarray, highest: int) -> np.ndarray:
    image = image * highest + rng.normal(0, highest / 160, image.shape)
    return np.clip(image, 0, highest).astype(np.uint8 if highest == 255 else np.uint16)


def pair(shift, *, seed=0, side=512, highest=4095, vessels=0, shutter=False):
    """A mask, and the frame on which the mask moved by `shift` lies."""
    rng = np.random.default_rng(seed)
    large = anatomy(rng, side + 160)

    def view(by):
        matrix = np.array([[1, 0, by[1] - 80], [0, 1, by[0] - 80]], np.float32)
        return cv2.warpAffine(large, matrix, (side, side), flags=cv2.INTER_CUBIC)

    mask, frame = view((0, 0)), view(shift)
    contrast = np.zeros((side, side))
    for _ in range(vessels):
        points = np.cumsum(rng.normal(0, side / 12, (30, 2)), 0) + side / 2
        cv2.polylines(contrast, [points.astype(np.int32)], isClosed=False, color=1, thickness=4)
    frame = frame * (1 - 0.3 * cv2.GaussianBlur(contrast, (0, 0), 1.5))
    open_field = np.ones((side, side))
    if shutter:
        open_field[:] = 0
        cv2.circle(open_field, (side // 2, side // 2), int(side * 0.48), 1, -1)
    return stored(rng, mask * open_field, highest), stored(rng, frame * open_field, highest)


@pytest.mark.parametrize("shift", [(0.0, 0.0), (0.5, -0.25), (-7.3, 11.9), (24.0, -18.0)])
@pytest.mark.parametrize("highest", [255, 4095])
@pytest.mark.parametrize("log", [False, True])
def test_finds_a_shift_within_a_fifth_of_a_pixel(shift, highest, log):
    mask, frame = pair(shift, highest=highest)
    found = kernels.estimate_shift(mask, frame, log=log)
    np.testing.assert_allclose(found.shift_px, shift, atol=0.2)
    assert found.residual <= found.residual_unshifted * 1.02


@pytest.mark.parametrize("highest", [255, 4095])
@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("side", [70, 200])
def test_finds_the_same_shift_on_every_device(device, highest, log, side):
    mask, frame = pair((1.5, -2.25), highest=highest, side=side, shutter=side == 200)
    found = kernels.estimate_shift(device.put(mask), device.put(frame), log=log, longest_px=8)
    expected = kernels.estimate_shift(mask, frame, log=log, longest_px=8)
    np.testing.assert_allclose(found.shift_px, expected.shift_px, atol=1e-3)
    assert found.residual == pytest.approx(expected.residual, rel=1e-3)
    assert found.residual_unshifted == pytest.approx(expected.residual_unshifted, rel=1e-3)


@pytest.mark.parametrize("seed", range(4))
def test_vessels_and_a_shutter_that_stands_still_do_not_mislead(seed):
    shift = (5.6, -9.2)
    mask, frame = pair(shift, seed=seed, vessels=10, shutter=True)
    np.testing.assert_allclose(kernels.estimate_shift(mask, frame).shift_px, shift, atol=0.25)


@pytest.mark.parametrize(("side", "atol"), [(512, 0.2), (1024, 0.5), (2048, 1.0)])
@pytest.mark.parametrize("seed", range(3))
def test_larger_frames_are_read_more_coarsely(side, atol, seed):
    shift = (-20.3, 9.7)
    mask, frame = pair(shift, side=side, seed=seed, vessels=8)
    np.testing.assert_allclose(kernels.estimate_shift(mask, frame).shift_px, shift, atol=atol)


def waves(rows, cols):
    y, x = np.mgrid[:rows, :cols]
    return (2000 + 800 * np.sin(y / 3) + 700 * np.sin(x / 5)).astype(np.uint16)


@pytest.mark.parametrize("length", [1024, 4096])
@pytest.mark.parametrize("width", [32, 64])
@pytest.mark.parametrize("upright", [False, True])
def test_an_elongated_frame_keeps_its_shorter_side(device, length, width, upright):
    large = waves(width + 8, length + 8)
    mask, frame = large[4 : 4 + width, 8:], large[2 : 2 + width, 5:-3]
    if upright:
        mask, frame = mask.T, frame.T
    mask, frame = (device.put(np.ascontiguousarray(image)) for image in (mask, frame))
    found = kernels.estimate_shift(mask, frame, longest_px=8)
    np.testing.assert_allclose(found.shift_px, (3, 2) if upright else (2, 3), atol=0.01)
    assert found.residual < 0.2 * found.residual_unshifted


@pytest.mark.parametrize("seed", [*range(12), 10 * 1000 + 64])
def test_images_without_relation_leave_pixels_to_compare(device, seed):
    rng = np.random.default_rng(seed)
    mask, frame = (cv2.GaussianBlur(rng.normal(size=(64, 64)), (0, 0), 6) for _ in "mf")
    mask, frame = (np.uint16(300 + 4000 * (i - i.min()) / np.ptp(i)) for i in (mask, frame))
    found = kernels.estimate_shift(device.put(mask), device.put(frame))
    assert np.abs(found.shift_px).max() <= 16
    assert found.residual > 0


@pytest.mark.parametrize("shift", [(5, -7), (4, 2), (0, 1)])
@pytest.mark.parametrize("step", [1, 16])  # of stored values
@pytest.mark.parametrize("log", [False, True])
def test_a_perfect_shift_is_told_to_be_one(device, shift, step, log):
    i = np.arange(90)
    wave = np.sin(i[:, None] / 3) * np.cos(i / 4) + np.sin((i[:, None] + i) / 7)
    large = ((wave * 500 + 2000) // step * step).astype(np.uint16)
    mask, frame = large[10:74, 10:74], large[10 - shift[0] :, 10 - shift[1] :][:64, :64]
    mask, frame = (device.put(np.ascontiguousarray(image)) for image in (mask, frame))
    found = kernels.estimate_shift(mask, frame, log=log)
    np.testing.assert_allclose(found.shift_px, shift, atol=0.1)
    assert found.residual < 0.5 * found.residual_unshifted


@pytest.mark.parametrize("axis", [0, 1])
def test_texture_along_one_axis_tells_the_shift_along_it(device, axis):
    stripes = np.uint16(2000 + 900 * np.sin(np.arange(300) ** 1.3 / 9))
    mask, frame = np.repeat(stripes[10:266, None], 256, 1), np.repeat(stripes[7:263, None], 256, 1)
    if axis == 1:
        mask, frame = mask.T.copy(), frame.T.copy()
    found = kernels.estimate_shift(device.put(mask), device.put(frame))
    np.testing.assert_allclose(found.shift_px, (3, 0) if axis == 0 else (0, 3), atol=0.05)


def test_slanted_stripes_move_along_their_slope(device):
    y, x = np.mgrid[:300, :300]
    stripes = np.uint16(2000 + 900 * np.sin((y + 2 * x) ** 1.3 / 25))
    mask, frame = stripes[10:266, 10:266].copy(), stripes[8:264, 6:262].copy()
    found = kernels.estimate_shift(device.put(mask), device.put(frame))
    np.testing.assert_allclose(found.shift_px, (2, 4), atol=0.05)


def test_every_instruction_set_agrees(cpu_target):
    mask, frame = pair((3.3, 4.4), side=300)
    found = kernels.estimate_shift(mask, frame)
    from sdk import _native

    _native.limit_cpu_target("x86-64-v4")
    assert kernels.estimate_shift(mask, frame) == found


def test_subtracting_with_the_shift_leaves_less_than_without():
    mask, frame = pair((4.4, -2.7))
    found = kernels.estimate_shift(mask, frame)
    deviations = []
    for shift in ((0.0, 0.0), found.shift_px):
        out = np.empty((256, 256), np.float32)
        options = Subtraction(log=True, shift_px=shift)
        kernels.subtract(frame, out, mask=mask, options=options)
        deviations.append(out[16:-16, 16:-16].std())
    assert deviations[1] < 0.5 * deviations[0]


@pytest.mark.parametrize("shape", [(32, 32), (33, 900), (900, 40), (101, 57)])
def test_any_shape_of_noise_gives_a_finite_bounded_answer(device, shape):
    mask, frame = np.random.default_rng(3).integers(0, 65536, (2, *shape), np.uint16)
    found = kernels.estimate_shift(device.put(mask), device.put(frame), longest_px=6)
    assert np.isfinite([*found.shift_px, found.residual, found.residual_unshifted]).all()
    assert np.abs(found.shift_px).max() <= 6


@pytest.mark.parametrize("value", [0, 1000, 65535])
def test_uniform_images_do_not_move(device, value):
    flat = device.put(np.full((64, 80), value, np.uint16))
    found = kernels.estimate_shift(flat, flat)
    assert (found.shift_px, found.residual) == ((0.0, 0.0), 0.0)


def test_a_workspace_is_reused_across_sizes():
    workspace = kernels.ShiftWorkspace()
    for side in (512, 100, 400):
        mask, frame = pair((1.5, 2.5), side=side)
        fresh = kernels.estimate_shift(mask, frame)
        assert kernels.estimate_shift(mask, frame, workspace=workspace) == fresh


@pytest.mark.parametrize(
    ("mask", "frame", "longest", "message"),
    [
        (np.zeros((64, 64)), np.zeros((64, 64)), 8, "frame must be uint8 or uint16"),
        (
            np.zeros((64, 64), np.uint8),
            np.zeros((64, 65), np.uint8),
            8,
            "mask must be of the shape",
        ),
        (np.zeros((64, 64), np.uint8), np.zeros((64, 64), np.uint16), 8, "mask must be uint16"),
        (np.zeros((64, 20), np.uint8), np.zeros((64, 20), np.uint8), 8, "sides of 32 to 65536"),
        (np.zeros((64, 64), np.uint8), np.zeros((64, 64), np.uint8), -1, "longest_px must be"),
    ],
)
def test_refuses_and_says_why(mask, frame, longest, message):
    with pytest.raises((TypeError, ValueError), match=message):
        kernels.estimate_shift(mask, frame, longest_px=longest)
