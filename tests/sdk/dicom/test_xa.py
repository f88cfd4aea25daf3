"""Reading runs: real files, and phantoms for everything real files do not have."""

import pickle

import numpy as np
import pydicom
import pytest
from pydicom.filewriter import dcmwrite
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian
from xa_files import edited, item, phantom, xa_file

from sdk.dicom import read_xa
from sdk.dicom.write_xa import TransferSyntax
from sdk.errors import DicomError
from sdk.frame import Intensity
from sdk.mask_subtraction import MaskOperation, MaskSubtraction
from sdk.subtraction import Subtractor

LOSSLESS = ["xa/XA1_JPLL.dcm", "xa/XA1_RLE.dcm", "xa/XA1_JLSL.dcm"]
CORONARY = "xa/xa_coronary_rca_96f_jpegbaseline.dcm"
AVERAGE = MaskSubtraction(operation=MaskOperation.AVG_SUB, mask_frames=(0, 1), contrast_frames=2)
REVERSED = MaskSubtraction(operation=MaskOperation.REV_TID, ranges=((2, 3),))


def test_lossless_codecs_agree_bit_for_bit(shared_data):
    first, *others = [read_xa(shared_data(name))[0] for name in LOSSLESS]
    assert first.pixels.dtype == np.uint16
    assert first.bits_stored == 10
    assert first.pixels.max() > 255
    for other in others:
        np.testing.assert_array_equal(other.pixels, first.pixels)


@pytest.mark.parametrize("name", LOSSLESS)
def test_pixels_are_those_of_pydicom(shared_data, name):
    path = shared_data(name)
    np.testing.assert_array_equal(read_xa(path)[0].pixels, pydicom.dcmread(path).pixel_array)


def test_reads_a_coronary_run(shared_data):
    run = read_xa(shared_data(CORONARY))
    assert (len(run), run.rows, run.columns, run.bits_stored) == (96, 512, 512, 8)
    assert run.time_origin == "FrameTime"
    assert run.frame_times_ms[:3] == (0, 33, 66)
    assert run.frame_rate_hz == pytest.approx(1000 / 33)
    assert run.intensity is Intensity.LIN
    assert run.subtraction[0].operation is MaskOperation.NONE
    frames = [frame for frame in run if frame.mask is None]
    assert [frame.index for frame in frames] == list(range(96))
    for index in (0, 50, 95):
        np.testing.assert_array_equal(run[index].pixels, frames[index].pixels)


def test_opening_decodes_nothing(shared_data, monkeypatch):
    def no_decoding(*_):
        raise AssertionError

    monkeypatch.setattr("sdk.dicom.xa.decode", no_decoding)
    assert len(read_xa(shared_data(CORONARY))) == 96


@pytest.mark.parametrize("syntax", TransferSyntax)
@pytest.mark.parametrize(("dtype", "bits"), [(np.uint8, 8), (np.uint16, 12), (np.uint16, 16)])
def test_every_syntax_gives_the_same_pixels(tmp_path, syntax, dtype, bits):
    frames = phantom(3, (64, 70), dtype, bits)
    run = read_xa(xa_file(tmp_path, frames, bits_stored=bits, syntax=syntax))
    np.testing.assert_array_equal([frame.pixels for frame in run], frames)
    assert all(frame.pixels.dtype == dtype and frame.bits_stored == bits for frame in run)


@pytest.mark.parametrize(
    ("syntax", "implicit", "little"),
    [(ImplicitVRLittleEndian, True, True), (ExplicitVRBigEndian, False, False)],
)
def test_reads_the_other_native_syntaxes(tmp_path, syntax, implicit, little):
    path, frames = xa_file(tmp_path), phantom()
    dataset = pydicom.dcmread(path)
    dataset.file_meta.TransferSyntaxUID = syntax
    if not little:
        dataset.PixelData = frames.astype(">u2").tobytes()
    dcmwrite(path, dataset, implicit_vr=implicit, little_endian=little, force_encoding=True)
    np.testing.assert_array_equal([frame.pixels for frame in read_xa(path)], frames)


@pytest.mark.parametrize("items", [(AVERAGE,), (REVERSED,), (REVERSED, AVERAGE), ()])
@pytest.mark.parametrize("syntax", [TransferSyntax.NATIVE, TransferSyntax.RLE])
def test_random_access_gives_the_bits_of_iteration(tmp_path, items, syntax):
    run = read_xa(xa_file(tmp_path, phantom(6), subtraction=items, syntax=syntax))
    for frame in run:
        same = run[frame.index]
        np.testing.assert_array_equal(same.pixels, frame.pixels)
        assert (same.mask is None) == (frame.mask is None)
        if frame.mask:
            assert same.mask.frame_indices == frame.mask.frame_indices
            np.testing.assert_array_equal(same.mask.pixels, frame.mask.pixels)
    assert run[-1].index == 5


def test_live_and_offline_give_the_same_bits(tmp_path):
    frames = phantom(6)
    run = read_xa(xa_file(tmp_path, frames, bits_stored=12, subtraction=(REVERSED, AVERAGE)))
    live = Subtractor((REVERSED, AVERAGE))
    subtracted = 0
    for offline in run:
        pushed = live.attach(run.native(offline.index))
        np.testing.assert_array_equal(pushed.pixels, offline.pixels)
        assert (pushed.mask is None) == (offline.mask is None)
        if pushed.mask:
            subtracted += 1
            np.testing.assert_array_equal(pushed.mask.pixels, offline.mask.pixels)
    assert subtracted > 2


def test_masks_can_be_left_alone(tmp_path):
    path = xa_file(tmp_path, subtraction=(AVERAGE,))
    assert all(frame.mask is None for frame in read_xa(path, subtract=False))


def test_subtracted_frames_are_not_subtracted_again(tmp_path):
    path = xa_file(tmp_path, subtraction=(AVERAGE,))
    with edited(path) as dataset:
        dataset.AppliedMaskSubtractionFlag = "YES"
    run = read_xa(path)
    assert run.already_subtracted
    assert all(frame.mask is None for frame in run)


def test_frames_carry_what_the_file_says(tmp_path):
    path = xa_file(
        tmp_path,
        bits_stored=12,
        inverted=True,
        intensity=Intensity.LOG,
        imager_spacing_mm=(0.3, 0.2),
        frame_times_ms=(0, 250, 500, 1500),
    )
    frame = read_xa(path)[3]
    assert (frame.index, frame.time_ms, frame.bits_stored) == (3, 1500, 12)
    assert (frame.inverted, frame.intensity, frame.pixel_spacing_mm) == (
        True,
        Intensity.LOG,
        (0.3, 0.2),
    )


def test_a_file_that_does_not_say_its_intensity_is_for_display(tmp_path):
    path = xa_file(tmp_path)
    with edited(path) as dataset:
        del dataset.PixelIntensityRelationship
    assert read_xa(path).intensity is Intensity.DISP


def test_tables_are_reported_and_not_applied(tmp_path):
    path = xa_file(tmp_path)
    with edited(path) as dataset:
        dataset.RescaleSlope, dataset.RescaleIntercept = 2, -100
        dataset.ModalityLUTSequence = [item(ModalityLUTType="US")]
        dataset.PixelIntensityRelationshipSign = -1
    run = read_xa(path)
    assert (run.rescale, run.has_modality_lut, run.intensity_sign) == ((2, -100), True, -1)
    np.testing.assert_array_equal(run[0].pixels, phantom()[0])


@pytest.mark.parametrize(
    ("photometric", "sign", "inverted"),
    [
        ("MONOCHROME1", None, True),
        ("MONOCHROME1", 1, False),
        ("MONOCHROME2", None, False),
        ("MONOCHROME2", -1, True),
    ],
)
def test_the_sign_of_the_intensity_outweighs_the_display(tmp_path, photometric, sign, inverted):
    path = xa_file(tmp_path)
    with edited(path) as dataset:
        dataset.PhotometricInterpretation = photometric
        if sign is not None:
            dataset.PixelIntensityRelationshipSign = sign
    assert read_xa(path)[0].inverted is inverted


def test_overlay_bits_above_bits_stored_are_no_pixel_values(tmp_path):
    path = xa_file(tmp_path, phantom() | 0x8000)
    with edited(path) as dataset:
        dataset.BitsStored, dataset.HighBit = 12, 11
    np.testing.assert_array_equal([frame.pixels for frame in read_xa(path)], phantom())


def test_native_frames_are_not_copied(tmp_path):
    pixels = read_xa(xa_file(tmp_path))[0].pixels
    assert not pixels.flags.owndata
    assert not pixels.flags.writeable


def test_one_irradiated_array_is_shared(tmp_path):
    from sdk.dicom.shutter import Shutter

    run = read_xa(xa_file(tmp_path, shutter=Shutter(circle=(2, 3, 2))))
    assert len({id(frame.irradiated) for frame in run}) == 1
    assert run.irradiated[2, 3] == 1
    assert run.irradiated[0, 0] == 0


def test_a_run_survives_pickling(tmp_path):
    run = pickle.loads(pickle.dumps(read_xa(xa_file(tmp_path))))  # noqa: S301
    np.testing.assert_array_equal(run[2].pixels, phantom()[2])


def test_reads_an_enhanced_xa_run(tmp_path):
    path = xa_file(tmp_path, subtraction=(AVERAGE,))
    with edited(path) as dataset:
        dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.12.1.1"
        del dataset.FrameTime, dataset.FrameIncrementPointer
        spacing = item(ImagerPixelSpacing=[0.4, 0.4])
        geometry = item(DistanceSourceToIsocenter=500, DistanceSourceToDetector=1000)
        dataset.SharedFunctionalGroupsSequence = [
            item(FramePixelDataPropertiesSequence=[spacing], XRayGeometrySequence=[geometry])
        ]
        dataset.PerFrameFunctionalGroupsSequence = [
            item(
                FrameContentSequence=[item(FrameReferenceDateTime=f"20200102030405.{k}")],
                PositionerPositionSequence=[item(PositionerPrimaryAngle=[0, 0, 0, 9][k])],
            )
            for k in range(4)
        ]
    run = read_xa(path)
    assert run.frame_times_ms == pytest.approx((0, 100, 200, 300))
    assert run.pixel_spacing_mm == (0.2, 0.2)
    assert [frame.mask is not None for frame in run] == [False, True, True, False]


def test_a_run_has_no_frame_beyond_its_last(tmp_path):
    run = read_xa(xa_file(tmp_path))
    for index in (4, -5):
        with pytest.raises(IndexError, match=r"frames 0\.\.3"):
            run[index]


@pytest.mark.parametrize(
    ("elements", "message"),
    [
        ({"Modality": "CT"}, r"Modality \(0008,0060\) must be XA or RF, got 'CT'"),
        (
            {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.2"},
            r"\(0008,0016\) is 'CT Image Storage', no XA",
        ),
        ({"SOPClassUID": None}, r"SOP Class UID \(0008,0016\) is missing: no image, or cut off"),
        ({"SamplesPerPixel": 3}, r"Samples per Pixel \(0028,0002\) must be 1, got 3"),
        ({"PixelRepresentation": 1}, r"Pixel Representation \(0028,0103\)"),
        ({"BitsAllocated": 32}, r"Bits Allocated \(0028,0100\)"),
        ({"BitsStored": 17}, r"Bits Stored \(0028,0101\) must be in 1..16"),
        ({"HighBit": 11}, r"High Bit \(0028,0102\) must be 15"),
        ({"PhotometricInterpretation": "RGB"}, "must be MONOCHROME1 or MONOCHROME2"),
        ({"Rows": 0}, r"Rows \(0028,0010\) must be in 1..8192, got 0"),
        ({"Columns": 65535}, r"Columns \(0028,0011\) must be in 1..8192"),
        ({"NumberOfFrames": 3}, r"Pixel Data \(7FE0,0010\) has 240 bytes"),
        ({"NumberOfFrames": 2_000_000_000}, r"Pixel Data \(7FE0,0010\) has 240 bytes"),
        ({"NumberOfFrames": 0}, r"Number of Frames \(0028,0008\) must be at least 1"),
        ({"Rows": None}, r"Rows \(0028,0010\) is missing"),
        ({"PixelData": None}, r"Pixel Data \(7FE0,0010\) is missing"),
        ({"ImagerPixelSpacing": [0.1, 0]}, "must be two positive lengths"),
    ],
)
def test_refuses_and_names_file_and_attribute(tmp_path, elements, message):
    path = xa_file(tmp_path)
    with edited(path) as dataset:
        for keyword, value in elements.items():
            setattr(dataset, keyword, value)
            if value is None:
                delattr(dataset, keyword)
    with pytest.raises(DicomError, match=message) as refusal:
        read_xa(path)
    assert str(path) in str(refusal.value)


def test_refuses_what_is_not_dicom(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("not a DICOM file")
    with pytest.raises(DicomError, match=r"notes\.txt"):
        read_xa(path)
    with pytest.raises(DicomError, match=r"absent\.dcm"):
        read_xa(tmp_path / "absent.dcm")


def test_every_truncation_is_noticed(tmp_path):
    path = xa_file(tmp_path)
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(DicomError):
            read_xa(path)
