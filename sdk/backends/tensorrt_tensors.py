"""What goes into a TensorRT engine and comes out of it."""

from collections.abc import Iterator

from sdk.engines.library import Engine, Module
from sdk.errors import BackendError
from sdk.tensors import TensorSpec

# Our own table: TensorRT's fails on types that NumPy has no name for.
DTYPES = {
    "FLOAT": "float32",
    "HALF": "float16",
    "INT8": "int8",
    "UINT8": "uint8",
    "INT32": "int32",
    "INT64": "int64",
    "BOOL": "bool",
}


def specs_of_engine(trt: Module, engine: Engine) -> Iterator[tuple[TensorSpec, bool]]:
    """Every tensor of an engine, and whether it is an input.

    Raises:
        BackendError: one that is not plain memory of a static shape on the device.
    """
    for index in range(engine.num_io_tensors):
        name = engine.get_tensor_name(index)
        shape = tuple(engine.get_tensor_shape(name))
        dtype = engine.get_tensor_dtype(name).name
        plain = (
            dtype in DTYPES
            and min(shape, default=1) > 0
            and engine.get_tensor_location(name) == trt.TensorLocation.DEVICE
            and engine.get_tensor_format(name) == trt.TensorFormat.LINEAR
        )
        if not plain:
            raise BackendError(
                f"tensor {name} of the engine is {dtype} {list(shape)}, expected one of "
                f"{', '.join(DTYPES)} with a static shape, linear, in device memory"
            )
        is_input = engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT
        yield TensorSpec(name, shape, DTYPES[dtype]), is_input
