"""calibration_report.html: what calibration decided and measured, for people, in one file."""

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from calibration.examples import Example
from calibration.folder import PAGE, REPORT
from calibration.histogram import Histogram

COLUMNS, WIDTH, HEIGHT = 64, 192, 36
"""Of a histogram: bars, and size in pixels."""
LONG = 8
"""Longer lists are folded."""
STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; padding: 0 1rem;
  color: #1a1d21; background: #fff; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
table { border-collapse: collapse; margin: .6rem 0; } td, th { padding: .2rem .7rem .2rem 0;
  text-align: left; vertical-align: top; border-bottom: 1px solid #e3e6ea;
  overflow-wrap: anywhere; }
th { font-weight: 600; color: #59616b; overflow-wrap: normal; }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.verdict { padding: .5rem .8rem; border-left: 5px solid; } .good { border-color: #2e9e44;
  background: #edf8ef; } .bad { border-color: #d13b32; background: #fdeeed; }
.int8 { color: #1f7a33; } .float { color: #8a5a00; }
figure { display: inline-block; margin: .4rem 0; } summary { cursor: pointer; }
figcaption, small { color: #59616b; font-size: .85rem; }
img { display: block; } svg { display: block; }
"""
TOLD_ELSEWHERE = {
    "agreement", "calibration_frames", "certified", "decisions", "frames", "held_out",
    "held_out_frames", "kept_in_fp32", "ranges", "refused_frames", "shortfalls", "tensors",
    "tolerance", "versions",
}  # fmt: skip


def write_report(
    task: str,
    report: Mapping[str, Any],
    histograms: Mapping[str, Histogram],
    examples: Sequence[Example],
) -> dict[str, bytes]:
    """The report as JSON and as a page, by file name."""
    page = write_page(f"Calibration of the {task} network", report, histograms, examples)
    return {REPORT: (json.dumps(report, indent=2) + "\n").encode(), PAGE: page}


def write_page(
    title: str,
    report: Mapping[str, Any],
    histograms: Mapping[str, Histogram],
    examples: Sequence[Example],
) -> bytes:
    """The report as one HTML file without scripts and without anything to load.

    What the report says beyond the parts that are drawn here, such as steps of recovery, becomes a
    table of its own.

    Args:
        title: what was calibrated.
        report: content of the JSON report.
        histograms: of the tensors in the report.
        examples: pictures to show.
    """
    parts = [
        f"<h1>{escape(title)}</h1>",
        _verdict(report),
        _at_a_glance(report),
        _section("Held-out frames, task metric", _agreement(report)),
        _section("Examples", "".join(map(_figure, examples))),
        *(
            _section(_words(name).capitalize(), _shortened(value))
            for name, value in report.items()
            if name not in TOLD_ELSEWHERE and value not in ({}, [], None, "")
        ),
        _section("Operations", _decisions(report["decisions"])),
        _section("Operations in FP32 in the FP16 forms", _kept(report.get("kept_in_fp32", {}))),
        _section(f"Ranges: {report['ranges']}", _ranges(report["tensors"], histograms)),
        _section("Frames", _frames(report)),
        _section("Versions", _value(report["versions"])),
    ]
    page = (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}'
        f"</title><style>{STYLE}</style></head><body>\n" + "\n".join(parts) + "\n</body></html>\n"
    )
    return page.encode()


def _section(title: str, content: str) -> str:
    return f"<h2>{escape(title)}</h2>\n{content}" if content else ""


def _verdict(report: Mapping[str, Any]) -> str:
    if report["certified"]:
        return '<p class="verdict good">Certified: within the tolerance on frames not seen.</p>'
    reasons = "".join(f"<li>{escape(reason)}</li>" for reason in report["shortfalls"])
    return f'<div class="verdict bad">Not certified: do not use.<ul>{reasons}</ul></div>'


def _at_a_glance(report: Mapping[str, Any]) -> str:
    int8 = sum(bool(item["int8"]) for item in report["decisions"])
    return (
        f"<p>{report['frames']['count']} frames gave the ranges, {report['held_out']['count']} "
        f"others were answered by every graph. {int8} operations compute in INT8, "
        f"{len(report['decisions']) - int8} in float.</p>"
    )


def _agreement(report: Mapping[str, Any]) -> str:
    rows = [{"graphs": pair, **them} for pair, them in report["agreement"].items()]
    asked = ", ".join(f"{_words(name)} {value:g}" for name, value in report["tolerance"].items())
    return _table(rows) + f"<p><small>Tolerance against fp32: {escape(asked)}.</small></p>"


def _figure(example: Example) -> str:
    rows, columns = example.size
    return (
        f'<figure><img src="data:image/jpeg;base64,{example.jpeg_base64}" width="{columns}" '
        f'height="{rows}" alt="{escape(example.caption)}">'
        f"<figcaption>{escape(example.caption)}</figcaption></figure>"
    )


def _decisions(decisions: Sequence[Mapping[str, Any]]) -> str:
    counted: dict[tuple[bool, str], int] = {}
    for item in decisions:
        key = (bool(item["int8"]), str(item["reason"]))
        counted[key] = counted.get(key, 0) + 1
    summary = [
        {"computes in": "INT8" if int8 else "float", "operations": count, "reason": reason}
        for (int8, reason), count in sorted(counted.items(), key=lambda entry: -entry[1])
    ]
    every = [
        {"operation": item["node"], "operator": item["op"],
         "computes in": "INT8" if item["int8"] else "float", "reason": item["reason"]}
        for item in decisions
    ]  # fmt: skip
    return _table(summary) + _folded(f"Every operation ({len(every)})", _table(every))


def _kept(forms: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    return "".join(
        _folded(f"{precision}: {len(kept)} operations", _table(kept))
        for precision, kept in forms.items()
    )


def _ranges(tensors: Mapping[str, Mapping[str, Any]], histograms: Mapping[str, Histogram]) -> str:
    head = (
        "<tr><th>tensor</th><th>magnitudes</th><th>limit</th><th>method</th><th>clipped</th></tr>"
    )
    rows = [
        f"<tr><td>{escape(name)}</td><td>{_drawn(histograms[name], item['limit'])}</td>"
        f'<td class="number">{item["limit"]:.4g}</td><td>{escape(item["method"])}</td>'
        f'<td class="number">{item["clipped"]:.3%}</td></tr>'
        for name, item in tensors.items()
        if name in histograms
    ]
    told = (
        "<p><small>Heights are logarithms of counts; from 0 to the largest magnitude seen, the red "
        "line is the limit that INT8 keeps. Clipped: share of the values beyond it.</small></p>"
    )
    return told + _folded(f"Every tensor ({len(rows)})", f"<table>{head}{''.join(rows)}</table>")


def _drawn(histogram: Histogram, limit: float) -> str:
    """A histogram as an SVG path; the bins are joined to `COLUMNS` bars."""
    edges = np.linspace(0, histogram.bins, COLUMNS + 1).astype(int)
    counts = np.add.reduceat(histogram.counts, edges[:-1])
    heights = np.log1p(counts) / max(float(np.log1p(counts).max()), 1e-9) * HEIGHT
    step = WIDTH / COLUMNS
    bars = "".join(
        f"M{i * step:g} {HEIGHT}v{-height:.0f}h{step:g}v{height:.0f}"
        for i, height in enumerate(heights)
        if height >= 0.5
    )
    at = min(limit / (histogram.largest or 1.0), 1.0) * WIDTH
    return (
        f'<svg width="{WIDTH}" height="{HEIGHT}" role="img" aria-label="histogram">'
        f'<path d="{bars}" fill="#5b8db8"/><path d="M{at:.1f} 0V{HEIGHT}" stroke="#d13b32" '
        'stroke-width="2"/></svg>'
    )


def _frames(report: Mapping[str, Any]) -> str:
    names = ("calibration_frames", "held_out_frames", "refused_frames")
    counts = {name: len(report[name]) for name in names}
    hashes = {name: report[name]["sha256"] for name in ("frames", "held_out")}
    listed = "".join(
        _folded(f"{_words(name)} ({counts[name]})", _value(report[name])) for name in names
    )
    return listed + _table([{"frames": name, "sha256": found} for name, found in hashes.items()])


def _shortened(value: Any) -> str:
    shown = _value(value)
    if isinstance(value, (list, tuple)) and len(value) > LONG:
        return _folded(f"All of them ({len(value)})", shown)
    return shown


def _value(value: Any) -> str:
    """Anything that JSON holds: records become a table, entries one of two columns."""
    if isinstance(value, Mapping):
        if value and all(isinstance(item, Mapping) for item in value.values()):
            return _table([{"": key, **item} for key, item in value.items()])
        return _table([{"": _words(key), " ": item} for key, item in value.items()])
    if isinstance(value, (list, tuple)):
        if value and all(isinstance(item, Mapping) for item in value):
            return _table(value)
        return "<ul>" + "".join(f"<li>{_value(item)}</li>" for item in value) + "</ul>"
    return escape(f"{value:.6g}" if isinstance(value, float) else str(value))


def _table(rows: Iterable[Mapping[str, Any]]) -> str:
    rows = list(rows)
    columns = list(dict.fromkeys(name for row in rows for name in row))
    head = "".join(f"<th>{escape(_words(name))}</th>" for name in columns)
    body = "".join(
        "<tr>" + "".join(_cell(row.get(name, "")) for name in columns) + "</tr>" for row in rows
    )
    return f"<table><tr>{head}</tr>{body}</table>"


def _cell(value: Any) -> str:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return f'<td class="number">{_value(value)}</td>'
    style = {"INT8": "int8", "float": "float"}.get(str(value), "")
    return f'<td class="{style}">{_value(value)}</td>' if style else f"<td>{_value(value)}</td>"


def _folded(title: str, content: str) -> str:
    return f"<details><summary>{escape(title)}</summary>{content}</details>"


def _words(name: str) -> str:
    return name.replace("_", " ")
