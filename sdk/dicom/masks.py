"""MaskSubtractionSequence of a file, and where table and gantry were for each frame."""

from sdk.dicom.header import Header
from sdk.errors import DicomError, FrameError
from sdk.mask_subtraction import MaskOperation, MaskSubtraction
from sdk.subtraction import Position

POSITIONS = (
    "PositionerPrimaryAngle",
    "PositionerSecondaryAngle",
    "TableTopVerticalPosition",
    "TableTopLongitudinalPosition",
    "TableTopLateralPosition",
)
INCREMENTS = (
    "PositionerPrimaryAngleIncrement",
    "PositionerSecondaryAngleIncrement",
    "TableVerticalIncrement",
    "TableLongitudinalIncrement",
    "TableLateralIncrement",
)


def read_subtraction(header: Header, frames: int) -> tuple[MaskSubtraction, ...]:
    """The items of MaskSubtractionSequence (0028,6100), DICOM PS3.3 C.7.6.10.

    Raises:
        DicomError: an item contradicts itself or names frames that the run does not have.
    """
    if "FramePixelShiftSequence" in header.of_frame("FramePixelShiftSequence").dataset:
        header.refuse(
            "FramePixelShiftSequence",
            "gives every frame a mask shift of its own, which is not supported",
            "read the run with subtract=False",
        )
    return tuple(_read(item, frames) for item in header.items("MaskSubtractionSequence"))


def _read(item: Header, frames: int) -> MaskSubtraction:
    operation = item.text("MaskOperation")
    if operation not in MaskOperation.__members__:
        known = ", ".join(MaskOperation.__members__)
        problem = f"must be one of {known}, got {item.shown('MaskOperation')}"
        item.refuse("MaskOperation", problem, "correct it")
    shift = item.numbers("MaskSubPixelShift") or (0.0, 0.0)
    if len(shift) != 2:
        item.refuse("MaskSubPixelShift", f"must be (row, column), got {shift[:8]}", "correct it")
    averaged = operation == "AVG_SUB"
    try:
        return MaskSubtraction(
            operation=MaskOperation(operation),
            ranges=_ranges(item, frames),
            mask_frames=_frame_indices(item, "MaskFrameNumbers", frames) if averaged else (),
            contrast_frames=item.integer("ContrastFrameAveraging", 1),
            shift_px=(shift[0], -shift[1]),  # C.7.6.10.1.2: a positive column offset is to the left
            tid_offset=item.integer("TIDOffset", 1),
        )
    except FrameError as error:
        raise DicomError(
            f"{item.path}: Mask Subtraction Sequence (0028,6100): {error}; correct it or read the "
            "run with subtract=False"
        ) from error


def _ranges(item: Header, frames: int) -> tuple[tuple[int, int], ...]:
    ends = _frame_indices(item, "ApplicableFrameRange", frames)
    if len(ends) % 2:
        item.refuse("ApplicableFrameRange", f"must be pairs, got {len(ends)}", "correct it")
    return tuple(zip(ends[::2], ends[1::2], strict=True))


def _frame_indices(item: Header, keyword: str, frames: int) -> tuple[int, ...]:
    numbers = item.integers(keyword)
    if any(not 1 <= number <= frames for number in numbers):
        item.refuse(keyword, f"must be in 1..{frames}, got {numbers[:8]}", "correct the file")
    return tuple(number - 1 for number in numbers)


def read_positions(header: Header, frames: int) -> list[Position]:
    """Where table and gantry were, per frame, in degrees and mm to the first decimal.

    Increments are offsets from the first frame, or one number that is added per frame
    (DICOM PS3.3 C.8.7.5.1.3, C.8.7.4). Without any, all positions are equal.
    """
    columns = [
        _increments(header, keyword, frames) for keyword in INCREMENTS if header.numbers(keyword)
    ]
    columns += [
        [header.of_frame(keyword, frame).number(keyword) or 0.0 for frame in range(frames)]
        for keyword in POSITIONS
        if header.items("PerFrameFunctionalGroupsSequence")
    ]
    rounded = [[round(value, 1) for value in column] for column in columns]
    return list(zip(*rounded, strict=True)) if rounded else [()] * frames


def _increments(header: Header, keyword: str, frames: int) -> list[float]:
    numbers = header.numbers(keyword)
    if len(numbers) == 1:
        return [numbers[0] * frame for frame in range(frames)]
    if len(numbers) != frames:
        header.refuse(keyword, f"must be 1 or {frames} values, got {len(numbers)}", "correct it")
    return list(numbers)
