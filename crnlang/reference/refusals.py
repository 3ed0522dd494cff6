"""Refusals: why a witness will not give a number, and what to change."""

from collections.abc import Sequence

from crnlang.diagnostics import Refusal


class WitnessError(Refusal):
    """A witness cannot answer; the text says why and what to do."""

    exit_code = 3


class TooManyStatesError(WitnessError):
    """The reachable states are more than the settings allow."""

    def __init__(self, found: int, most: int) -> None:
        self.found = found
        self.most = most
        super().__init__(
            f"the master equation has at least {found:,} reachable states, more than "
            f"`max_states` = {most:,}; lower the caps of the species, raise "
            "`max_states` (about 100 bytes a state and channel), or use `ssa` or `tdvp`"
        )


class SetTooLargeError(WitnessError):
    """A set that follows the law would need more states than the settings allow."""

    def __init__(self, t: float, most: int, truncation: float) -> None:
        super().__init__(
            f"from t = {t:g} on, the set of states that keeps the error below "
            f"`truncation` = {truncation:g} has more than `max_states` = {most:,}; "
            "raise one of the two, lower the caps, or use `ssa` or `tdvp`"
        )


class WrongPropensityError(WitnessError):
    """A propensity is negative, infinite or not a number in a state that occurs."""

    def __init__(
        self,
        reaction: str,
        value: float | None,
        names: Sequence[str],
        counts: Sequence[int],
        t: float,
    ) -> None:
        self.reaction = reaction
        state = ", ".join(
            f"{name} = {count}" for name, count in zip(names, counts, strict=True)
        )
        what = "negative or not finite" if value is None else f"{value:g}"
        super().__init__(
            f"the propensity of `{reaction}` is {what} at t = {t:g} in the "
            f"state {state}; a propensity must be finite and at least 0 wherever the "
            "reaction can fire: change its law (`max(..., 0)` where that is meant) "
            "or the caps"
        )


class WrongJumpError(WitnessError):
    """An event leads out of the box in a state that occurs."""

    def __init__(self, names: Sequence[str], counts: Sequence[int], t: float) -> None:
        state = ", ".join(
            f"{name} = {count}" for name, count in zip(names, counts, strict=True)
        )
        super().__init__(
            f"the event at t = {t:g} leads out of the box, or to no whole number, from "
            f"the state {state}; keep its value inside: `min(max(..., 0), cap)`"
        )


class EndlessEventsError(WitnessError):
    """Events that set off one another for ever."""

    def __init__(self, names: Sequence[str], counts: Sequence[int], t: float) -> None:
        state = ", ".join(
            f"{name} = {count}" for name, count in zip(names, counts, strict=True)
        )
        super().__init__(
            f"at t = {t:g} events set off one another for ever, from {state}; "
            "keep what one of them makes out of the condition of the others"
        )


class JumpsError(WitnessError):
    """An engine that cannot follow events that change copy numbers."""

    def __init__(self, engine: str) -> None:
        super().__init__(
            f"{engine} cannot follow an event that changes copy numbers; use `fsp` "
            "with `states = box`, or `ssa`"
        )


class UnboundedPropensityError(WitnessError):
    """A propensity that reads the time has no finite bound: no exact thinning."""

    def __init__(self, reaction: str, t: float) -> None:
        self.reaction = reaction
        super().__init__(
            f"no finite bound of the propensity of `{reaction}` was found near "
            f"t = {t:g}, so trajectories cannot be drawn exactly; rewrite its "
            "dependence on `t` without a division by zero, `tan`, or an order of "
            "`hill` that depends on `t`, or use `fsp` or `tdvp`"
        )


class PassageError(WitnessError):
    """A question about a first passage that cannot be answered."""

    def __init__(self, reason: str, fix: str) -> None:
        super().__init__(f"{reason}; {fix}")


class ToleranceError(WitnessError):
    """The time integration did not reach its tolerance."""

    def __init__(self, tolerance: float, reason: str) -> None:
        super().__init__(
            f"the time integration did not reach `tolerance` = {tolerance:g}: "
            f"{reason}; raise `tolerance`, or save at more times"
        )
