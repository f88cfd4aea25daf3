"""What this machine is, as far as its speed goes."""

import os
import platform
from pathlib import Path

CPU_INFO = Path("/proc/cpuinfo")
BOARD = Path("/proc/device-tree/model")
X86 = {"x86_64", "amd64"}
"""What `platform.machine` calls it, in small letters."""
VNNI = {"avx512_vnni", "avx_vnni"}
"""Names of the x86 instructions that add products of 8-bit numbers in 32 bits."""


def processor() -> str:
    """Model name of the processor, or of the board where the processor has none, as on ARM."""
    lines = _read(CPU_INFO).splitlines()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    board = _read(BOARD).strip("\0\n")
    return names[0] if names else board or platform.processor() or platform.machine()


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def adds_products_exactly() -> bool:
    """Whether products of 8-bit numbers are added in 32 bits: on x86 processors that have VNNI.

    Older ones add two of UINT8 and INT8 in 16 bits, where they saturate. Whether an x86 processor
    has VNNI is known on Linux; elsewhere the answer is no.
    """
    if platform.machine().lower() not in X86:
        return True
    flags = (line for line in _read(CPU_INFO).splitlines() if line.startswith("flags"))
    return not VNNI.isdisjoint(next(flags, "").split())


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
