"""One contestant quantises a network in a process of its own: its time, its peak memory.

Run as a script by `benchmarks.int8`, if need be with another interpreter, which then needs NumPy
and the contestant alone.
"""

import json
import resource
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np


class _Arrays:
    """Prepared network inputs, (frames, *input shape), as the feed of `calibration`."""

    def __init__(self, name: str, arrays: Any) -> None:
        self.name, self.arrays = name, arrays

    def __len__(self) -> int:
        return len(self.arrays)

    def fill(self, index: int, inputs: Any) -> str:
        inputs[self.name][...] = self.arrays[index]
        return f"frame {index}"


def ours(graph: Path, name: str, arrays: Any, out: Path) -> str:
    """Ranges, their choice and the graph for ONNX Runtime on x86, without the gate."""
    return _ours(graph, name, arrays, out, "onnxruntime")


def ours_for_openvino(graph: Path, name: str, arrays: Any, out: Path) -> str:
    """The same with the graph for OpenVINO."""
    return _ours(graph, name, arrays, out, "openvino")


def _ours(graph: Path, name: str, arrays: Any, out: Path, x86: Any) -> str:
    from contextlib import closing

    from calibration.choose import Trial, choose_for_all
    from calibration.collect import collect
    from calibration.placement import place
    from calibration.qdq import Form, write
    from calibration.quantisable import read_quantisable

    network = read_quantisable(graph)
    placement, feed = place(network, x86=x86), _Arrays(name, arrays)
    histograms = collect(network, placement.cpu.pairs, feed)
    few = _Arrays(name, arrays[:: max(1, len(arrays) // 8)][:8])
    with closing(Trial(network, placement, few, graph)) as trial:
        ranges, _ = choose_for_all(trial, histograms, placement.groups)
    path = out.with_suffix(".onnx")
    path.write_bytes(write(network, placement, ranges, Form.CPU))
    return path.name


def onnxruntime(graph: Path, name: str, arrays: Any, out: Path) -> str:
    """``quantize_static`` with its defaults, after the preparation that its guide asks for."""
    from onnxruntime.quantization import CalibrationDataReader, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):  # type: ignore[misc]  # the library has no types
        def __init__(self) -> None:
            self._left = iter(arrays)

        def get_next(self) -> dict[str, Any] | None:
            array = next(self._left, None)
            return None if array is None else {name: np.ascontiguousarray(array)}

    prepared, path = out.with_suffix(".prepared.onnx"), out.with_suffix(".onnx")
    quant_pre_process(str(graph), str(prepared))
    quantize_static(str(prepared), str(path), Reader())
    return path.name


def modelopt(graph: Path, name: str, arrays: Any, out: Path) -> str:
    """NVIDIA ModelOpt, INT8, maximum calibration on the CPU."""
    from modelopt.onnx.quantization import quantize

    path = out.with_suffix(".onnx")
    data = {name: np.concatenate(list(arrays)).astype(np.float32)}
    quantize(
        str(graph),
        quantize_mode="int8",
        calibration_data=data,
        calibration_method="max",
        calibration_eps=["cpu"],
        high_precision_dtype="fp32",
        output_path=str(path),
    )
    return path.name


def nncf(graph: Path, name: str, arrays: Any, out: Path) -> str:
    """OpenVINO's NNCF with its defaults."""
    import openvino
    from nncf import Dataset, quantize

    model = openvino.Core().read_model(graph)
    dataset = Dataset(list(arrays), lambda array: {name: np.ascontiguousarray(array)})
    path = out.with_suffix(".xml")
    openvino.save_model(quantize(model, dataset, subset_size=len(arrays)), path)
    return path.name


CONTESTANTS = {
    "ours": ours,
    "ours for openvino": ours_for_openvino,
    "onnxruntime": onnxruntime,
    "modelopt": modelopt,
    "nncf": nncf,
}


def main(contestant: str, graph: str, name: str, frames: str, out: str) -> None:
    """Quantises and leaves OUT.json beside what it wrote."""
    arrays, start = np.load(frames, mmap_mode="r"), perf_counter()
    written = CONTESTANTS[contestant](Path(graph), name, arrays, Path(out))
    found = {
        "graph": written,
        "seconds": perf_counter() - start,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    Path(out).with_suffix(".json").write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
