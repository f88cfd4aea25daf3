"""``angioedge qualify``: does a backend of this device answer as its CPU does?"""

import json
import sys
from contextlib import closing
from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

from sdk.acceptance import (
    BACKENDS,
    ENGINE,
    REFERENCE,
    Certificate,
    Measured,
    Request,
    certificate_path,
    certify,
    find_engine,
    write_certificate,
)
from sdk.acceptance import qualify as compare
from sdk.backends import open_backend
from sdk.cli.terminal import marked, terminal
from sdk.model_folder import ModelFolder
from sdk.model_part import part_name
from sdk.tasks import contract_of, parts_of


@click.command()
@click.argument("model", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--backend",
    type=click.Choice(BACKENDS),
    default=ENGINE,
    show_default=True,
    help="What shall answer instead of FP32 on the CPU.",
)
@click.option(
    "--precision", help="Its graph or engine [default: the engine chosen when built; or fp32]."
)
@click.option("--threads", type=click.IntRange(1), help="Threads on the CPU [default: all].")
@click.option(
    "--cache",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where engines are kept [default: the user's cache folder].",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the record here too; that of an engine always stands beside it.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the record instead of a table.")
def qualify(  # noqa: PLR0913  one parameter per command-line option
    model: Path,
    *,
    backend: str,
    precision: str | None,
    threads: int | None,
    cache: Path | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Compare the answers of MODEL, a model folder, with those of FP32 on this device's CPU.

    The golden frames are answered by both; tensors and answers must agree within the limits in the
    manifest. Exit code 1 if they do not. Where the folder holds several networks, each has its own
    verdict, and --out gets one file for each.
    """
    request = Request(backend=backend, precision=precision, threads=threads)
    records, passed = {}, True
    for part in parts_of(ModelFolder.open(model)):
        certificate, written = _certified(part, request, cache)
        passed &= certificate.passed
        name = part_name(part)
        if out:
            path = out.with_suffix(f".{name}{out.suffix}") if name else out
            write_certificate(certificate, path)
            written.insert(0, path)
        records[name] = certificate.record()
        if not as_json:
            show(certificate, written, name)
    if as_json:
        click.echo(json.dumps(records.get("", records), indent=2))
    sys.exit(not passed)


def _certified(
    folder: ModelFolder, request: Request, cache: Path | None
) -> tuple[Certificate, list[Path]]:
    """The verdict on one network, and where it stands so far."""
    if request.backend == ENGINE:
        plan = find_engine(folder, request.precision, cache)
        return certify(folder, plan, request.threads), [certificate_path(plan)]
    library, precision = str(request.backend), request.precision or REFERENCE
    graph, contract = folder.graph(precision), contract_of(folder, precision)
    on_device, threads = contract.on_device, request.threads
    with (
        closing(open_backend(folder.graph(REFERENCE), threads=threads)) as reference,
        closing(
            open_backend(graph, library=library, threads=threads, on_device=on_device)
        ) as candidate,
    ):
        return compare(folder, contract, precision, reference, candidate), []


def show(certificate: Certificate, written: list[Path], network: str = "") -> None:
    """Prints a certificate for a person; `network` is named where there are several."""
    console = terminal()
    frames = f"{certificate.frames} golden input{'s' if certificate.frames != 1 else ''}"
    title = ", ".join(filter(None, (network, _who(certificate), frames)))
    table = Table("", "found", "limit", "", title=title)
    for output, number in certificate.differences.items():
        table.add_row(
            f"{output}, largest difference", *_cells(number, "at most", within=number.at_most())
        )
    for measure, number in certificate.agreements.items():
        table.add_row(measure, *_cells(number, "at least", within=number.at_least()))
    console.print(table)
    passed, style = ("passed", "green") if certificate.passed else ("not passed", "red")
    rest = f", {', '.join(certificate.candidate.values())}"
    console.print(Text.assemble((passed, style), rest), highlight=False)
    for path in written:
        console.print(f"written: {path}", highlight=False)


def _who(certificate: Certificate) -> str:
    return f"{certificate.candidate['backend']} beside {certificate.reference['backend']} FP32"


def _cells(number: Measured, bound: str, *, within: bool) -> tuple[str, str, str | Text]:
    found = "not finite" if number.found is None else f"{number.found:.4g}"
    return found, f"{bound} {number.limit:g}", "ok" if within else marked("outside", "red")
