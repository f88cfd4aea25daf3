"""The results of an earlier run are removed, and nothing else."""

import click
import pytest

from sdk.cli.out_folder import make_empty, make_folders

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


OWN = ("notes.txt", "microbleeds_truth.csv")


@pytest.mark.parametrize("results", [FRAMES, VOLUMES, FRAMES + VOLUMES])
def test_results_of_any_kind_are_removed(tmp_path, results):
    out = filled(tmp_path / "out", *results, *OWN)
    make_empty(out)
    assert names_in(out) == set(OWN)


def test_files_of_the_same_names_stay_where_no_record_says_whose_they_are(tmp_path):
    """Such as a folder of a patient's own pictures that is given with --out."""
    pictures = {*FRAMES, *VOLUMES} - {"outcomes.json", "microbleeds.json"}
    out = filled(tmp_path / "out", *pictures)
    make_empty(out)
    assert names_in(out) == pictures


def test_a_new_folder_is_made_with_those_above_it(tmp_path):
    make_empty(tmp_path / "new" / "out")
    assert (tmp_path / "new" / "out").is_dir()


def test_folders_of_several_runs_go_with_their_results(tmp_path):
    first, second = make_folders(tmp_path, ["first", "second"])
    filled(first, *FRAMES)
    filled(second, *FRAMES, "notes.txt")
    filled(tmp_path / "003-of-another-call", *FRAMES)
    make_empty(tmp_path)
    kept = {f"003-of-another-call/{name}" for name in FRAMES}
    assert names_in(tmp_path) == kept | {
        "003-of-another-call",
        "002-second",
        "002-second/notes.txt",
    }


@pytest.mark.parametrize(
    "record", ["", "[]", "{}", '{"folders": 3}', '{"folders": ["..", "../x"]}']
)
def test_a_damaged_record_of_folders_leads_nowhere(tmp_path, record):
    out = filled(tmp_path / "out")
    filled(tmp_path / "x", *FRAMES)
    (out / "runs.json").write_text(record)
    make_empty(out)
    assert names_in(out) == set()
    assert names_in(tmp_path / "x") == set(FRAMES)


def test_a_single_run_has_no_folder_of_its_own(tmp_path):
    assert make_folders(tmp_path, ["only"]) == [tmp_path]
    assert names_in(tmp_path) == set()


def test_what_is_read_is_kept(tmp_path):
    """The regions of one run may be the brain mask of the next."""
    filled(tmp_path, "regions.nii.gz", "microbleeds.json")
    make_empty(tmp_path, (None, tmp_path / "." / "regions.nii.gz"))
    assert names_in(tmp_path) == {"regions.nii.gz"}


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    filled(tmp_path, "file")
    with pytest.raises(
        click.ClickException, match=r"file.* cannot be written: .+; give another folder with --out"
    ):
        make_empty(tmp_path / "file" / "out")
