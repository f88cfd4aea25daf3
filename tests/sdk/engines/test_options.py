"""Limits of a build follow from the device."""

from dataclasses import replace

import pytest

from sdk.engines import Device
from sdk.engines.options import BuildOptions, default_workspace_mib

DEVICE = Device(name="Orin", sm="87", memory_mib=7607, integrated=True, cuda="12.6")


@pytest.mark.parametrize(
    ("memory", "workspace"), [(7607, 1792), (7600, 1792), (3900, 768), (512, 256)]
)
def test_a_quarter_of_the_memory_in_steps(memory, workspace):
    assert default_workspace_mib(replace(DEVICE, memory_mib=memory)) == workspace


def test_trying_kernels_may_take_twice_as_much():
    assert BuildOptions(workspace_mib=512).tactic_mib == 1024
