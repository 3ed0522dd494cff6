"""What a long sampling has done so far, so that it can go on after it was broken off.

Its parts are done one after the other, each piece by piece. The random numbers of a
piece follow from its place, so that it does not matter when the sampling went on.
"""

from collections.abc import Callable, Mapping
from typing import Protocol, runtime_checkable

import numpy as np

Arrays = Mapping[str, np.ndarray]


@runtime_checkable
class Ledger(Protocol):
    """Notes after each piece of a part where it stands, by the part's name."""

    def done(self, part: str) -> Arrays | None:
        """What was noted last before the break; `None` where nothing was."""

    def note(
        self, part: str, pack: Callable[[], Arrays], number: int, total: int
    ) -> None:
        """`number` of `total` pieces are done; `pack` gives all that the rest needs.

        It is called now or later, or never.
        """


class NoLedger:
    """Keeps nothing."""

    def done(self, part: str) -> Arrays | None:
        """Nothing."""

    def note(
        self, part: str, pack: Callable[[], Arrays], number: int, total: int
    ) -> None:
        """Do nothing."""


NO_LEDGER = NoLedger()
