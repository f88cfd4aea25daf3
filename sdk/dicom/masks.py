"""MaskSubtractionSequence of a file, and where table and gantry were for each frame."""

from collections.abc import Sequence

from sdk.dicom.header import Header
from sdk.errors import DicomError, FrameError
from sdk.mask_subtraction import MaskOperation, MaskSubtraction
from sdk.subtraction import Position

Shift = tuple[float, float]
SUBTRACTION = "MaskSubtractionSequence"
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
    return tuple(_read(item, frames) for item in header.items(SUBTRACTION))


def _read(item: Header, frames: int) -> MaskSubtraction:
    operation = item.text("MaskOperation")
    if operation not in MaskOperation.__members__:
        known = ", ".join(MaskOperation.__members__)
        problem = f"must be one of {known}, got {item.shown('MaskOperation')}"
        item.refuse("MaskOperation", problem, "correct it")
    averaged = operation == "AVG_SUB"
    try:
        return MaskSubtraction(
            operation=MaskOperation(operation),
            ranges=_ranges(item, frames),
            mask_frames=_frame_indices(item, "MaskFrameNumbers", frames) if averaged else (),
            contrast_frames=item.integer("ContrastFrameAveraging", 1),
            shift_px=_shift(item) or (0.0, 0.0),
            tid_offset=item.integer("TIDOffset", 1),
        )
    except FrameError as error:
        raise DicomError(
            f"{item.path}: Mask Subtraction Sequence (0028,6100): {error}; correct it or read the "
            "run with subtract=False"
        ) from error


def read_shifts(
    header: Header, items: Sequence[MaskSubtraction], frames: int
) -> tuple[Shift | None, ...]:
    """Displacement of the mask of each frame that has one of its own, None of the others.

    FramePixelShiftSequence (0028,9415) of enhanced files; an item of it belongs to the item of
    MaskSubtractionSequence with its SubtractionItemID.

    Raises:
        DicomError: a displacement is no pair of numbers.
    """
    names = [item.integer("SubtractionItemID", 0) for item in header.items(SUBTRACTION)]
    return tuple(_shift_of_frame(header, items, names, frame) for frame in range(frames))


def _shift_of_frame(
    header: Header, items: Sequence[MaskSubtraction], names: Sequence[int], frame: int
) -> Shift | None:
    keyword = "FramePixelShiftSequence"
    wanted = next((n for one, n in zip(items, names, strict=True) if one.applies_to(frame)), None)
    given = header.of_frame(keyword, frame).items(keyword)
    own = [one for one in given if one.integer("SubtractionItemID", 0) == wanted]
    if len(given) == len(items) == 1:
        own = given  # there is nothing to confuse
    return _shift(own[0]) if own else None


def _shift(item: Header) -> Shift | None:
    """(row, column), positive down and right; in DICOM to the left (PS3.3 C.7.6.10.1.2)."""
    shift = item.numbers("MaskSubPixelShift")
    if len(shift) not in {0, 2}:
        item.refuse("MaskSubPixelShift", f"must be (row, column), got {shift[:8]}", "correct it")
    return (shift[0], -shift[1]) if shift else None


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
    """Where table and gantry were, per frame, in degrees and mm.

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
    return list(zip(*columns, strict=True)) if columns else [()] * frames


def _increments(header: Header, keyword: str, frames: int) -> list[float]:
    numbers = header.numbers(keyword)
    if len(numbers) == 1:
        return [numbers[0] * frame for frame in range(frames)]
    if len(numbers) != frames:
        header.refuse(keyword, f"must be 1 or {frames} values, got {len(numbers)}", "correct it")
    return list(numbers)
