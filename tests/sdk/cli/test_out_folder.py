"""The results of an earlier run are removed, and nothing else."""

import click
import pytest

from sdk.cli.out_folder import OF_FRAMES, OF_VOLUMES, make_empty

FRAMES = ("outcomes.json", "overlay.webm", "contact_sheet.png", "timeline.png", "arrival.png")
VOLUMES = (
    "microbleeds.json",
    "microbleeds.csv",
    "microbleeds.png",
    "microbleeds_2.png",
    "overview.png",
    "regions.nii.gz",
)


def filled(folder, *names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_text("of an earlier patient")
    return folder


def names_in(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


@pytest.mark.parametrize(
    ("results", "removed"), [(OF_FRAMES, set(FRAMES)), (OF_VOLUMES, set(VOLUMES))]
)
def test_results_of_the_same_kind_are_removed(tmp_path, results, removed):
    everything = {*FRAMES, *VOLUMES, "notes.txt", "microbleeds_truth.csv"}
    out = filled(tmp_path / "out", *everything)
    make_empty(out, results)
    assert names_in(out) == everything - removed


def test_a_new_folder_is_made_with_those_above_it(tmp_path):
    make_empty(tmp_path / "new" / "out", OF_FRAMES)
    assert (tmp_path / "new" / "out").is_dir()


def test_folders_of_several_runs_go_with_their_results(tmp_path):
    filled(tmp_path / "001-first", *FRAMES)
    filled(tmp_path / "1002-second", *FRAMES, "notes.txt")
    filled(tmp_path / "patient", *FRAMES)
    filled(tmp_path / "003-empty")
    make_empty(tmp_path, OF_FRAMES)
    kept = {f"patient/{name}" for name in FRAMES}
    assert names_in(tmp_path) == kept | {
        "patient",
        "003-empty",
        "1002-second",
        "1002-second/notes.txt",
    }


def test_what_is_read_is_kept(tmp_path):
    """The regions of one run may be the brain mask of the next."""
    filled(tmp_path, "regions.nii.gz", "microbleeds.json")
    make_empty(tmp_path, OF_VOLUMES, (None, tmp_path / "." / "regions.nii.gz"))
    assert names_in(tmp_path) == {"regions.nii.gz"}


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    filled(tmp_path, "file")
    with pytest.raises(
        click.ClickException, match=r"file.* cannot be written: .+; give another folder with --out"
    ):
        make_empty(tmp_path / "file" / "out", OF_FRAMES)
