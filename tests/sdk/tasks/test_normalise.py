"""The network's input against the same chain in NumPy and OpenCV."""

import cv2
import numpy as np
import pytest

from sdk import Frame, FrameError, Intensity, Mask
from sdk.tasks.normalise import Normaliser, RunNormaliser

SIZE = (256, 256)


def naive(frame, size=SIZE, percentiles=(1.0, 99.0)):
    """(rows, columns) in [0, 1] as the docstring of `Normaliser` says, step by step."""
    values = frame.pixels.astype(np.float64)
    if frame.inverted:
        values = np.maximum(frame.white - values, 0)
    if frame.mask is not None:
        mask = frame.mask.pixels.astype(np.float64)
        if frame.intensity is Intensity.LIN:
            values, mask = np.log1p(values), np.log1p(mask)
        values = values - mask
    rows, columns = (((np.arange(128) + 0.5) * side / 128).astype(int) for side in values.shape)
    sampled = values[np.ix_(rows, columns)]
    if frame.irradiated is not None:
        sampled = sampled[frame.irradiated[np.ix_(rows, columns)] != 0]
    low, high = np.percentile(sampled, percentiles)
    scale = min(size[0] / values.shape[0], size[1] / values.shape[1])
    fitted = [max(1, round(side * scale)) for side in values.shape]
    kind = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = cv2.resize(values.astype(np.float32), fitted[::-1], interpolation=kind)
    top, left = ((side - own) // 2 for side, own in zip(size, fitted, strict=True))
    out = np.zeros(size)
    out[top : top + fitted[0], left : left + fitted[1]] = np.clip(
        (small - low) / (high - low), 0, 1
    )
    return out


def normalised(frame, size=SIZE):
    out = np.full(size, np.nan, np.float32)
    Normaliser(size, (1.0, 99.0))(frame, out)
    return out


def picture(shape, dtype=np.uint16, seed=0):
    """Something smooth with noise on it."""
    generator = np.random.default_rng(seed)
    smooth = cv2.GaussianBlur(generator.random(shape, np.float32), (0, 0), 9)
    smooth = (smooth - smooth.min()) / np.ptp(smooth) + 0.05 * generator.random(shape)
    top = 250 if dtype == np.uint8 else 4000
    return (smooth / smooth.max() * top).astype(dtype)


@pytest.mark.parametrize("shape", [(256, 256), (512, 512), (400, 300), (100, 128), (1000, 640)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_native_frames_of_any_shape(shape, dtype):
    frame = Frame(pixels=picture(shape, dtype))
    np.testing.assert_allclose(normalised(frame), naive(frame), atol=2e-5)


@pytest.mark.parametrize("intensity", list(Intensity))
def test_subtracted_frames_by_what_their_values_mean(intensity):
    mask = Mask(pixels=picture((512, 512), seed=1))
    frame = Frame(pixels=picture((512, 512)), mask=mask, intensity=intensity)
    np.testing.assert_allclose(normalised(frame), naive(frame), atol=5e-5)


def test_inverted_frames():
    frame = Frame(pixels=picture((512, 512)), bits_stored=12, inverted=True)
    np.testing.assert_allclose(normalised(frame), naive(frame), atol=2e-5)


def test_only_the_irradiated_part_makes_the_window():
    pixels = picture((512, 512))
    irradiated = np.zeros((512, 512), np.uint8)
    irradiated[100:400, 50:450] = 1
    frame = Frame(pixels=pixels * irradiated, irradiated=irradiated)
    np.testing.assert_allclose(normalised(frame), naive(frame), atol=2e-5)


def test_what_the_frame_does_not_cover_is_zero():
    out = normalised(Frame(pixels=picture((512, 256))))
    assert out[:, :64].max() == 0.0
    assert out[:, 192:].max() == 0.0
    assert out[:, 64:192].max() == 1.0


def test_a_mask_of_another_dtype_is_refused():
    mask = Mask(pixels=picture((512, 512), np.uint8))
    with pytest.raises(FrameError, match="mask"):
        normalised(Frame(pixels=picture((512, 512)), mask=mask))


@pytest.mark.parametrize(
    "normaliser", [Normaliser(SIZE, (1.0, 99.0)), RunNormaliser(SIZE, 8.0, (-3.0, 1.0))]
)
@pytest.mark.parametrize(
    ("says", "reason"),
    [
        ({"irradiated": np.zeros((512, 512), np.uint8)}, "its shutter leaves no pixel"),
        (
            {"bits_stored": 8, "inverted": True},
            r"the same value \(0\); values up to \d+ are above the 255 that 8 bits hold",
        ),
    ],
)
def test_a_frame_that_seems_flat_is_refused_with_what_made_it_so(normaliser, says, reason):
    pixels = picture((512, 512)) + np.uint16(256)
    with pytest.raises(FrameError, match=reason):
        normaliser(Frame(pixels=pixels, **says), np.empty(SIZE, np.float32))
