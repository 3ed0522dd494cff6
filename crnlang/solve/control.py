"""The next step size from the error of the last one.

    dt_next = dt (0.4 tolerance / error)^0.4, between 0.3 dt and 1.6 dt

The error estimate holds sampling noise with rare spikes: it is aimed well below the
tolerance, at which steps are rejected, and the power is below the 1/2 of a noiseless
second-order method.
"""

from dataclasses import dataclass

AIM = 0.4
POWER = 0.4
SMALLEST, LARGEST = 0.3, 1.6


@dataclass
class StepControl:
    """The step to try next, `dt`."""

    dt: float
    tolerance: float

    def accepted(self, taken: float, wanted: float, error: float) -> None:
        """A step was taken; one that a save time cut short does not shrink `dt`."""
        ratio = AIM * self.tolerance / max(error, 1e-6 * self.tolerance)
        factor = min(max(ratio**POWER, SMALLEST), LARGEST)
        was_cut = taken == wanted < self.dt
        self.dt = max(self.dt, factor * taken) if was_cut else factor * taken

    def rejected(self, tried: float) -> None:
        """No length down to `tried` was good enough."""
        self.dt = SMALLEST * tried
