"""What a build may use of the device."""

from dataclasses import dataclass

from sdk.engines.driver import Device

WORKSPACE_SHARE = 4
"""A layer may use a quarter of the memory while it runs or is tried."""
STEP_MIB = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOptions:
    """Limits of a build; another option makes another engine.

    Attributes:
        workspace_mib: memory that a layer may use while it runs. Trying out kernels may take twice
            as much: on a board with 4 to 8 GB it is building that runs out of memory.
        optimization_level: 0 builds fastest and needs least memory, 5 searches longest.
    """

    workspace_mib: int
    optimization_level: int = 3

    @property
    def tactic_mib(self) -> int:
        """Memory that trying out kernels may take."""
        return 2 * self.workspace_mib


def default_workspace_mib(device: Device) -> int:
    """A quarter of the device's memory, which on a Jetson is the memory of everything else too.

    Rounded down: the memory that a board reports differs by a little from start to start, and
    other options make another engine.
    """
    return max(STEP_MIB, device.memory_mib // WORKSPACE_SHARE // STEP_MIB * STEP_MIB)
