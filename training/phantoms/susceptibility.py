"""From susceptibilities to susceptibility-weighted images: field, signal, filtered phase, SWI.

Limits: one echo, full flow compensation, B0 along z, a box for a slice profile, and no distortion
along the readout.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from training.phantoms.head_grid import Field, Triple

GYROMAGNETIC_MHZ_PER_T = 42.577
"""Of the proton, over 2 pi."""


@dataclass(frozen=True, kw_only=True)
class Acquisition:
    """A gradient-echo acquisition; the defaults are those of the published cohort."""

    field_strength_t: float = 3.0
    """B0 in tesla, along z."""
    echo_time_s: float = 0.020
    """TE."""
    noise: float = 0.014
    """Standard deviation of both parts of the complex signal; white matter has about 0.5."""
    filter_share: float = 0.125
    """Part of k-space that the high-pass filter of the phase removes, in each direction."""
    mask_power: int = 4
    """How often the phase mask multiplies the magnitude."""

    @property
    def cycles_per_ppm(self) -> float:
        """Turns of the phase at TE per ppm of field shift."""
        return GYROMAGNETIC_MHZ_PER_T * self.field_strength_t * self.echo_time_s


@dataclass(frozen=True, kw_only=True)
class Tissue:
    """What is imaged, on a grid."""

    susceptibility_ppm: Field
    """Relative to tissue; iron is positive, calcium negative."""
    density: Field
    """Signal without any decay, in [0, 1]."""
    decay_per_s: Field
    """R2*, without what the field's gradient adds."""


def dipole_field(susceptibility_ppm: Field, spacing_mm: Triple) -> Field:
    """Field shift in ppm by convolution with the unit dipole, B0 along the first axis.

    In k-space the kernel is 1/3 - kz^2/|k|^2 and 0 at the origin (Salomir et al., Concepts in
    Magnetic Resonance 19B:26-34, 2003), which includes the correction for the sphere of Lorentz.
    The convolution is circular: leave a margin.
    """
    shape = susceptibility_ppm.shape
    kz, ky = (
        np.fft.fftfreq(n, d).astype(np.float32)
        for n, d in zip(shape[:2], spacing_mm[:2], strict=True)
    )
    kx = np.fft.rfftfreq(shape[2], spacing_mm[2]).astype(np.float32)
    along = kz[:, None, None] ** 2
    square = along + ky[None, :, None] ** 2 + kx[None, None, :] ** 2
    square[0, 0, 0] = 1.0
    kernel = np.float32(1 / 3) - along / square
    kernel[0, 0, 0] = 0.0
    spectrum = np.fft.rfftn(susceptibility_ppm) * kernel
    return np.asarray(np.fft.irfftn(spectrum, shape, axes=(0, 1, 2)), np.float32)


def signal(tissue: Tissue, field_ppm: Field, acquisition: Acquisition) -> NDArray[np.complex64]:
    """Complex signal of every voxel at TE; a gradient across a voxel dephases it (a sinc)."""
    cycles = field_ppm * np.float32(acquisition.cycles_per_ppm)
    magnitude = tissue.density * np.exp(-acquisition.echo_time_s * tissue.decay_per_s)
    for axis in range(3):
        magnitude = magnitude * np.abs(np.sinc(np.gradient(cycles, axis=axis)))
    angle = np.float32(2 * np.pi) * (cycles - np.round(cycles))
    return np.asarray(magnitude * (np.cos(angle) + 1j * np.sin(angle)), np.complex64)


def thick_slices(fine: NDArray[np.complex64], times: int) -> NDArray[np.complex64]:
    """Complex mean over groups of thin slices: the voxel of a thick slice."""
    slices, rows, columns = fine.shape
    return np.asarray(fine.reshape(slices // times, times, rows, columns).mean(1), np.complex64)


def filtered_phase(image: NDArray[np.complex64], share: float) -> Field:
    """Phase in radians after division by the low-pass image, slice by slice (homodyne filter).

    The low-pass window is a Hann window over `share` of k-space in rows and columns, as on
    scanners; iron gives positive phase above and below it, along B0.
    """
    rows, columns = image.shape[1:]
    window = [_hann(np.fft.fftfreq(n).astype(np.float32), share) for n in (rows, columns)]
    spectrum = np.fft.fft2(image) * (window[0][:, None] * window[1][None, :])
    return np.asarray(np.angle(image * np.conj(np.fft.ifft2(spectrum))), np.float32)


def weighted(magnitude: Field, phase: Field, power: int) -> Field:
    """SWI: the magnitude times the positive phase mask (Haacke et al., MRM 52:612-618, 2004)."""
    mask = np.clip(1 - phase / np.float32(np.pi), 0, 1)
    return np.asarray(magnitude * mask**power, np.float32)


def _hann(frequency: Field, share: float) -> Field:
    inside = np.abs(frequency) < share / 2
    return np.asarray(inside * (0.5 + 0.5 * np.cos(2 * np.pi * frequency / share)), np.float32)
