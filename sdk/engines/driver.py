"""The CUDA driver and its first device, asked before anything of TensorRT is touched."""

import ctypes
import re
from dataclasses import dataclass
from pathlib import Path

from sdk.errors import BackendError

DRIVER = "libcuda.so.1"
TEGRA_RELEASE = Path("/etc/nv_tegra_release")
DRIVER_RELEASE = Path("/proc/driver/nvidia/version")

# CUdevice_attribute of cuda.h
INTEGRATED = 18
COMPUTE_CAPABILITY_MAJOR = 75
COMPUTE_CAPABILITY_MINOR = 76
NO_DEVICE = 100
MOST_NAME_BYTES = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A CUDA device as its driver describes it.

    Attributes:
        name: such as ``Orin``.
        sm: compute capability without its point, such as ``87``.
        memory_mib: all of its memory; on a Jetson this is the memory of the CPU too.
        integrated: whether it shares its memory with the CPU.
        cuda: newest CUDA version the driver serves, such as ``12.6``.
        l4t: release of Jetson Linux, such as ``36.4.3``; empty on anything else.
        driver: release of the driver, such as ``570.86.15``; empty where Jetson Linux brings it.
    """

    name: str
    sm: str
    memory_mib: int
    integrated: bool
    cuda: str
    l4t: str = ""
    driver: str = ""

    def __str__(self) -> str:
        return ", ".join([self.name, f"sm_{self.sm}", f"{self.memory_mib} MiB", *self._software])

    @property
    def identity(self) -> str:
        """What a certificate recognises it by: its memory is not the same after every start."""
        return ", ".join([self.name, f"sm_{self.sm}", *self._software])

    @property
    def _software(self) -> list[str]:
        driver = [f"driver {self.driver}"] if self.driver else []
        board = [f"Jetson Linux {self.l4t}"] if self.l4t else []
        return [f"CUDA {self.cuda}", *driver, *board]


def probe_device(
    library: str = DRIVER,
    tegra_release: Path = TEGRA_RELEASE,
    driver_release: Path = DRIVER_RELEASE,
) -> Device:
    """Asks the driver for its first device; makes no context.

    TensorRT ends the process where there is no driver, hence this question comes first.

    Args:
        library: file name of the driver's library.
        tegra_release: the file in which Jetson Linux names its release.
        driver_release: the file in which other drivers name theirs.

    Raises:
        BackendError: there is no driver, it does not start, or it sees no device.
    """
    driver = _Driver(library)
    driver.call("cuInit", 0)
    if driver.integer("cuDeviceGetCount") == 0:
        raise BackendError("the CUDA driver sees no device, expected at least one")
    device = driver.integer("cuDeviceGet", 0)
    major, minor, integrated = (
        driver.integer("cuDeviceGetAttribute", attribute, device)
        for attribute in (COMPUTE_CAPABILITY_MAJOR, COMPUTE_CAPABILITY_MINOR, INTEGRATED)
    )
    version = driver.integer("cuDriverGetVersion")
    return Device(
        name=driver.device_name(device),
        sm=f"{major}{minor}",
        memory_mib=driver.memory_bytes(device) >> 20,
        integrated=bool(integrated),
        cuda=f"{version // 1000}.{version % 1000 // 10}",
        l4t=l4t_release(tegra_release),
        driver=_driver_release(driver_release),
    )


def l4t_release(path: Path = TEGRA_RELEASE) -> str:
    """Release of Jetson Linux, such as ``36.4.3``; empty where the file is absent or foreign."""
    found = _found(r"# R(\d+) \(release\), REVISION: ([\d.]+)", path)
    return f"{found[1]}.{found[2]}" if found else ""


def _driver_release(path: Path) -> str:
    found = _found(r"Kernel Module.*?\s(\d+\.[\d.]+)\s", path)
    return found[1] if found else ""


def _found(pattern: str, path: Path) -> re.Match[str] | None:
    """Where a file says it; None if it does not, or is absent."""
    try:
        return re.search(pattern, path.read_text(encoding="utf-8"))
    except OSError:
        return None


class _Driver:
    """The driver's functions, each answer checked."""

    def __init__(self, library: str) -> None:
        try:
            self._functions = ctypes.CDLL(library)
        except OSError as error:
            raise BackendError(
                f"there is no CUDA driver ({error}); on a Jetson it comes with JetPack, "
                "in a container start it with the NVIDIA runtime"
            ) from error

    def call(self, function: str, *arguments: object) -> None:
        """Calls a function.

        Raises:
            BackendError: it answers with an error.
        """
        status = getattr(self._functions, function)(*arguments)
        if status == NO_DEVICE:
            raise BackendError("the CUDA driver sees no device, expected at least one")
        if status != 0:
            raise BackendError(f"the CUDA driver answers {function} with {self._meaning(status)}")

    def integer(self, function: str, *arguments: int) -> int:
        """What a function writes behind its first pointer."""
        answer = ctypes.c_int()
        self.call(function, ctypes.byref(answer), *arguments)
        return answer.value

    def memory_bytes(self, device: int) -> int:
        """All memory of a device."""
        answer = ctypes.c_size_t()
        self.call("cuDeviceTotalMem_v2", ctypes.byref(answer), device)
        return answer.value

    def device_name(self, device: int) -> str:
        """Name of a device."""
        name = ctypes.create_string_buffer(MOST_NAME_BYTES)
        self.call("cuDeviceGetName", name, MOST_NAME_BYTES, device)
        return name.value.decode(errors="replace")

    def _meaning(self, status: int) -> str:
        text = ctypes.c_char_p()
        self._functions.cuGetErrorString(status, ctypes.byref(text))
        return f"error {status} ({(text.value or b'unknown').decode()})"
