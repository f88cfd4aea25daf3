"""Frames come out of files as they went in, one at a time."""

import numpy as np
import pytest
from PIL import Image

from sdk.dicom.write_xa import XaInfo, write_xa
from sdk.errors import FrameError
from sdk.frame import Intensity
from sdk.runs import open_runs


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 4096, (4, 24, 32), np.uint16)


def frames_of(run):
    return [run.frames[index].pixels for index in range(len(run.frames))]


def test_a_dicom_run_is_read(tmp_path, pixels):
    write_xa(tmp_path / "run.dcm", pixels, XaInfo(bits_stored=12))
    (run,) = open_runs([tmp_path / "run.dcm"])
    assert run.name == "run.dcm"
    assert np.array_equal(frames_of(run), pixels)
    assert run.frames[0].intensity is Intensity.LIN


def test_a_run_gives_its_frames_in_order_as_one_by_one(tmp_path, pixels):
    times_ms = (0.0, 250.0, 500.0, 750.0)
    write_xa(tmp_path / "run.dcm", pixels, XaInfo(bits_stored=12, frame_times_ms=times_ms))
    np.save(tmp_path / "run.npy", pixels)
    dicom, array = open_runs([tmp_path])
    for run in (dicom, array):
        assert len(run) == len(pixels)
        assert np.array_equal([frame.pixels for frame in run], pixels)
    assert (dicom.frame_rate_hz, array.frame_rate_hz) == (4.0, None)


def test_a_folder_of_png_files_is_one_run_in_the_order_of_its_numbers(tmp_path, pixels):
    for number, frame in zip((1, 2, 9, 10), pixels, strict=True):
        Image.fromarray(frame).save(tmp_path / f"frame_{number}.png")
    (run,) = open_runs([tmp_path])
    assert run.name == tmp_path.name
    assert np.array_equal(frames_of(run), pixels)


def test_an_eight_bit_png_is_a_frame(tmp_path):
    frame = np.arange(60, dtype=np.uint8).reshape(6, 10)
    Image.fromarray(frame).save(tmp_path / "one.png")
    (run,) = open_runs([tmp_path / "one.png"])
    assert np.array_equal(run.frames[0].pixels, frame)


@pytest.mark.parametrize("order", ["<", ">"])
def test_an_array_is_a_run(tmp_path, pixels, order):
    np.save(tmp_path / "run.npy", pixels.astype(f"{order}u2"))
    (run,) = open_runs([tmp_path / "run.npy"])
    assert np.array_equal(frames_of(run), pixels)
    assert run.frames[3].index == 3


@pytest.mark.parametrize("name", ["run.nii", "run.nii.gz"])
def test_a_nifti_series_is_a_run(tmp_path, pixels, name):
    nibabel = pytest.importorskip("nibabel")
    nibabel.save(nibabel.Nifti1Image(pixels.T, np.eye(4)), tmp_path / name)
    (run,) = open_runs([tmp_path])
    assert np.array_equal(frames_of(run), pixels)
    assert np.array_equal(run.frames[1].pixels, pixels[1])
    assert run.frames[1].pixels.dtype == np.uint16


def test_a_nifti_series_may_lie_along_time(tmp_path, pixels):
    nibabel = pytest.importorskip("nibabel")
    nibabel.save(nibabel.Nifti1Image(pixels.T[:, :, None], np.eye(4)), tmp_path / "run.nii")
    (run,) = open_runs(tmp_path)
    assert np.array_equal(frames_of(run), pixels)
    nibabel.save(
        nibabel.Nifti1Image(pixels.T.reshape(32, 24, 2, 2), np.eye(4)), tmp_path / "run.nii"
    )
    with pytest.raises(
        FrameError, match=r"run\.nii holds uint16 of shape \(32, 24, 2, 2\)"
    ) as told:
        open_runs(tmp_path)
    assert str(told.value).count("run.nii") == 1


@pytest.mark.parametrize("kind", ["scaled", "float", "signed"])
def test_a_nifti_image_that_is_no_detector_image_is_refused(tmp_path, pixels, kind):
    nibabel = pytest.importorskip("nibabel")
    stored = pixels.T.astype(np.float32) if kind == "float" else pixels.T.astype(np.int16)
    if kind == "signed":
        stored[0, 0, 0] = -5
    image = nibabel.Nifti1Image(stored, np.eye(4))
    if kind == "scaled":
        image.header.set_slope_inter(0.5, 0)
    nibabel.save(image, tmp_path / "run.nii")
    with pytest.raises(FrameError, match="unscaled integers from 0 to 65535"):
        open_runs([tmp_path / "run.nii"])


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_every_array_of_an_archive_is_a_run(tmp_path, pixels, save):
    save(tmp_path / "runs.npz", a=pixels, b=pixels[0])
    first, second = open_runs([tmp_path / "runs.npz"])
    assert np.array_equal(frames_of(first), pixels)
    assert np.array_equal(frames_of(second), pixels[:1])


def test_a_folder_gives_all_its_runs_and_passes_over_other_files(tmp_path, pixels):
    write_xa(tmp_path / "b.dcm", pixels, XaInfo())
    np.save(tmp_path / "a.npy", pixels)
    (tmp_path / "README.txt").write_text("not a frame")
    assert [run.name for run in open_runs([tmp_path])] == ["a.npy", "b.dcm"]


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(FrameError, match="holds no frames"):
        open_runs([tmp_path])


def test_what_is_not_there_is_refused(tmp_path):
    with pytest.raises(FrameError, match="there is no file or folder"):
        open_runs([tmp_path / "nowhere"])


@pytest.mark.parametrize("name", ["notes.txt", "run.dcm", "run.nii", "run.npy", "run.npz"])
def test_an_unreadable_file_is_refused(tmp_path, name):
    start = {"run.npy": b"\x93NUMPY", "run.npz": b"PK\x03\x04"}.get(name, b"")
    (tmp_path / name).write_bytes(start + b"these are no frames")
    with pytest.raises(FrameError, match=name):
        open_runs([tmp_path / name])


def test_float_arrays_are_refused(tmp_path):
    np.save(tmp_path / "run.npy", np.zeros((2, 4, 4)))
    with pytest.raises(FrameError, match=r"expected .* uint8 or uint16 .* float64"):
        open_runs([tmp_path / "run.npy"])


def test_a_cut_array_is_refused_at_the_frame(tmp_path, pixels):
    np.save(tmp_path / "run.npy", pixels)
    content = (tmp_path / "run.npy").read_bytes()
    (tmp_path / "run.npy").write_bytes(content[:-10])
    (run,) = open_runs([tmp_path / "run.npy"])
    assert np.array_equal(run.frames[2].pixels, pixels[2])
    with pytest.raises(FrameError, match="ends before frame 3"):
        run.frames[3]


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "P"])
def test_a_png_in_colour_is_refused(tmp_path, mode):
    Image.new(mode, (4, 4)).save(tmp_path / "colour.png")
    with pytest.raises(FrameError, match=r"colour\.png cannot be read: it is no grey image"):
        open_runs([tmp_path / "colour.png"])


def test_a_bitmap_or_damaged_png_is_refused_at_the_frame(tmp_path):
    Image.new("1", (4, 4)).save(tmp_path / "bitmap.png")
    (tmp_path / "damaged.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    for name, reason in (("bitmap.png", "is 1, expected"), ("damaged.png", "cannot be read")):
        (run,) = open_runs([tmp_path / name])
        with pytest.raises(FrameError, match=reason):
            run.frames[0]


def test_what_is_no_run_is_left_out_and_said_where_others_are(tmp_path, pixels):
    write_xa(tmp_path / "IM1.dcm", pixels, XaInfo())
    np.save(tmp_path / "times.npy", np.zeros(4))
    Image.new("RGB", (4, 4)).save(tmp_path / "logo.png")
    np.savez(tmp_path / "runs.npz", frames=pixels, times=np.zeros(4))
    for frame in pixels:
        Image.fromarray(frame).save(tmp_path / f"{frame[0, 0]}.png")
    said = []
    runs = open_runs(tmp_path, left_out=said.append)
    assert sorted(run.name for run in runs) == ["IM1.dcm", "runs.npz:frames.npy", tmp_path.name]
    names = ("logo.png", "runs.npz:times.npy", "times.npy")
    assert len(said) == len(names)
    for name, sentence in zip(names, said, strict=True):
        assert sentence.startswith(f"{tmp_path / name} cannot be read: ")
    with pytest.raises(FrameError, match=r"logo\.png"):
        open_runs(tmp_path)


def test_where_nothing_is_a_run_the_first_reason_is_raised(tmp_path):
    np.save(tmp_path / "times.npy", np.zeros(4))
    with pytest.raises(FrameError, match=r"times\.npy cannot be read"):
        open_runs(tmp_path, left_out=lambda _: None)


@pytest.mark.parametrize("name", ["DICOMDIR", "dicomdir", "._IM1.dcm", "._1.png"])
def test_what_exports_and_macos_write_beside_runs_is_passed_over(tmp_path, pixels, name):
    write_xa(tmp_path / "IM1", pixels, XaInfo())
    (tmp_path / name).write_bytes(bytes(128) + b"DICM and entries")
    assert [run.name for run in open_runs(tmp_path)] == ["IM1"]


def test_paths_may_be_strings_or_one(tmp_path, pixels):
    path = tmp_path / "run.npy"
    np.save(path, pixels)
    for given in (str(path), path, [str(path)], [path]):
        assert [run.name for run in open_runs(given)] == ["run.npy"]


@pytest.mark.parametrize("name", ["run.npy", "run.nii"])
def test_a_run_of_no_frames_is_refused(tmp_path, name):
    nibabel = pytest.importorskip("nibabel")
    empty = np.zeros((0, 24, 32), np.uint16)
    if name == "run.npy":
        np.save(tmp_path / name, empty)
    else:
        nibabel.save(nibabel.Nifti1Image(empty.T, np.eye(4)), tmp_path / name)
    with pytest.raises(FrameError, match=f"{name} holds no frames"):
        open_runs(tmp_path / name)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_damaged_archive_is_refused_at_the_frame(tmp_path, pixels, save):
    path = tmp_path / "runs.npz"
    save(path, frames=pixels)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)
    (run,) = open_runs(path)
    with pytest.raises(FrameError, match=r"runs\.npz: frame \d cannot be read: .*; copy the file"):
        list(run)


def test_behind_a_frame_that_cannot_be_read_come_the_others(tmp_path):
    for number in range(3):
        Image.new("1" if number == 1 else "L", (4, 4)).save(tmp_path / f"{number}.png")
    (run,) = open_runs(tmp_path)
    frames = iter(run)
    assert next(frames).index == 0
    with pytest.raises(FrameError, match="is 1, expected"):
        next(frames)
    assert [frame.index for frame in frames] == [2]


@pytest.mark.parametrize("broken", ["empty", "JPEG"])
def test_a_damaged_png_keeps_its_place_in_the_run(tmp_path, broken):
    for number in range(3):
        Image.new("L", (4, 4)).save(tmp_path / f"{number}.png")
    (tmp_path / "1.png").write_bytes(b"")
    if broken == "JPEG":
        Image.new("L", (4, 4)).save(tmp_path / "1.png", format="JPEG")
    (run,) = open_runs(tmp_path)
    assert [run.frames[index].index for index in (0, 2)] == [0, 2]
    with pytest.raises(FrameError, match=r"1\.png cannot be read"):
        run.frames[1]


@pytest.mark.parametrize("name", ["IM2", "times.npy", "times.npz", "run.dcm", "run.NII"])
def test_an_empty_file_is_said(tmp_path, pixels, name):
    write_xa(tmp_path / "IM1", pixels, XaInfo())
    (tmp_path / name).write_bytes(b"")
    said = []
    assert [run.name for run in open_runs(tmp_path, left_out=said.append)] == ["IM1"]
    assert len(said) == 1
    assert str(tmp_path / name) in said[0]


def test_a_file_is_named_once_where_it_cannot_be_read(tmp_path, pixels):
    path = tmp_path / "run.dcm"
    write_xa(path, pixels, XaInfo())
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(FrameError, match=r"run\.dcm cannot be read: Pixel Data") as told:
        open_runs(path)
    assert str(told.value).count(str(path)) == 1


@pytest.mark.parametrize("broken", ["cut", "changed"])
def test_a_damaged_packed_nifti_series_is_refused(tmp_path, pixels, broken):
    nibabel = pytest.importorskip("nibabel")
    path = tmp_path / "run.nii.gz"
    nibabel.save(nibabel.Nifti1Image(pixels.T, np.eye(4)), path)
    content = path.read_bytes()
    half = len(content) // 2
    rest = b"" if broken == "cut" else bytes(content[half:])[::-1]
    path.write_bytes(content[:half] + rest)
    with pytest.raises(FrameError, match=r"run\.nii\.gz .*is not a NIfTI image that can be read"):
        open_runs(path)
