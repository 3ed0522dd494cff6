"""Settings of the neural engines."""

from dataclasses import dataclass, fields
from typing import Any

from crnlang.settings.base import KeptSettings, SettingError, option


@dataclass(frozen=True)
class NeuralSettings(KeptSettings):
    """What the neural engines share."""

    samples: int = option(4096, "batch size", low=16)
    ansatz: str = option(
        "conditional",
        "one small network for each conditional (`conditional`), or one that all "
        "conditionals share: a hidden layer that grows (`nade`), recurrent (`gru`), or "
        "attending to all copy numbers before (`transformer`)",
        choices=("conditional", "nade", "gru", "transformer"),
    )
    width: int = option(
        16, "hidden units: of each conditional, or of each layer", low=1, high=1024
    )
    basis: int = option(
        12, "smooth output functions of each conditional", low=1, high=256
    )
    receptive_field: int = option(
        0,
        "on a lattice, up to how many hops away each conditional sees the copy numbers "
        "of sites one by one; of all farther ones it sees the sum of each species; 0: "
        "it sees all one by one",
        low=0,
    )
    layers: int = option(1, "layers of `gru` and `transformer`", low=1, high=16)
    heads: int = option(2, "attention heads of `transformer`", low=1, high=64)
    precision: str = option(
        "float64",
        "floating-point type of the network; log-probabilities, rates and all sums are "
        "float64 in any case",
        choices=("float64", "float32"),
    )
    order: str = option(
        "raster",
        "how a lattice is predicted: its rows all in one direction (`raster`), or "
        "there and back (`snake`)",
        choices=("raster", "snake"),
    )
    totals: str = option(
        "auto",
        "`auto` predicts sums of bound and free forms first where that leaves fewer "
        "counts to change; `none` takes copy numbers alone",
        choices=("auto", "none"),
    )
    devices: int = option(
        1,
        "devices that share every batch, each working through its own part; numbers "
        "stay the same up to rounding",
        low=1,
    )

    def __post_init__(self) -> None:
        """Check that the sizes fit the ansatz.

        Raises:
            SettingError: a size that the ansatz does not have, or that does not fit.
        """
        super().__post_init__()
        for option_ in fields(NeuralSettings):
            users = SIZES.get(option_.name, (self.ansatz,))
            is_set = getattr(self, option_.name) != option_.default
            if is_set and self.ansatz not in users:
                have = " or ".join(f"`{user}`" for user in users)
                raise SettingError(
                    option_.name,
                    f"ansatz `{self.ansatz}` has no `{option_.name}`",
                    f"leave it out, or take {have}",
                )
        if self.ansatz == "transformer" and self.width % self.heads:
            raise SettingError(
                "heads",
                f"`heads` must divide `width`: {self.width} hidden units cannot be "
                f"shared out among {self.heads} heads",
                "change one of them",
            )


#: The ansaetze that have a size, where not all do.
SIZES = {
    "receptive_field": ("conditional",),
    "layers": ("gru", "transformer"),
    "heads": ("transformer",),
}


def _solver() -> Any:
    return option(
        "auto",
        "how systems with the Fisher matrix are solved: by factors of the matrix "
        "(`cholesky`) or of one as large as the batch (`kernel`), or by products alone "
        "(`cg`); `auto` takes the smaller matrix, or products where both are large",
        choices=("auto", "cholesky", "kernel", "cg"),
    )


def _proposal(use: str, more: str = "", choices: tuple[str, ...] = ()) -> Any:
    return option(
        "model",
        f"{use}: from all copy numbers alike (`random`), from averages over "
        "neighbouring ones (`diffusive`), or from a power of each conditional "
        f"(`alpha`){more}",
        choices=("model", "random", "diffusive", "alpha", *choices),
    )


def _alpha() -> Any:
    help_ = "power of the conditionals with `proposal = alpha`"
    return option(0.3, help_, above=0, high=1)


def _window() -> Any:
    return option(3, "copy numbers on either side with `proposal = diffusive`", low=1)


def _check_damping(solver: str, diag_shift: float) -> None:
    """Refuse systems that have no solution.

    Raises:
        SettingError: the solver needs damping and there is none.
    """
    if solver in ("kernel", "cg") and diag_shift == 0:
        raise SettingError(
            "diag_shift",
            f"solver `{solver}` needs a `diag_shift` above 0",
            "raise it, or take `cholesky`",
        )


@dataclass(frozen=True)
class TdvpSettings(NeuralSettings):
    """Time-dependent variational principle on an autoregressive network."""

    method: str = option(
        "auto",
        "long steps on selected states (`projection`), every conditional at sampled "
        "prefixes (`conditionals`), a batch by `galerkin`; `auto`: the first two",
        choices=("auto", "projection", "conditionals", "galerkin"),
    )
    states: int = option(
        8192,
        "states that a projection step follows one by one; besides them it follows "
        "`samples` others",
        low=16,
        high=1_000_000,
    )
    integrator: str = option(
        "rosenbrock",
        "Galerkin steps: linearly implicit of order 2 (`rosenbrock`) or 3 "
        "(`rosenbrock3`, twice the work), or explicit of order 3 (`bogacki`)",
        choices=("rosenbrock", "rosenbrock3", "bogacki"),
    )
    sampling: str = option(
        "distinct",
        "batch of distinct states (`distinct`), or quasi-random draws (`sobol`)",
        choices=("distinct", "sobol"),
    )
    proposal: str = _proposal(
        "steps of conditionals look at prefixes drawn from the network (`model`), and "
        "beside them at rarer ones",
        "; `targets`: some by `alpha`, the others from the sets that questions for a "
        "`prob` ask for, where these are conditions on single counts",
        ("targets",),
    )
    proposal_share: float = option(
        0.5,
        "states drawn from `proposal` beside the batch, as a share of `samples`",
        above=0,
        high=10,
    )
    alpha: float = _alpha()
    window: int = _window()
    tolerance: float = option(0.02, "error of one step of the law", above=0, high=1)
    diag_shift: float = option(1e-3, "damping of the Fisher matrix", low=0)
    solver: str = _solver()
    recall: float = option(
        0.95,
        "share of the last velocity that damping pulls towards; 0 pulls towards rest",
        low=0,
        high=1,
    )
    opening: int = option(
        8192,
        "largest set of states for the exact opening of the run; 0 for none",
        low=0,
        high=65536,
    )
    independent: float = option(
        0.03,
        "where the opening is short and copy numbers hardly know of each other yet, "
        "each is followed by itself up to this share of the first save time; 0: never",
        low=0,
        high=0.1,
    )
    krylov: int = option(
        4, "Krylov steps of each linear solve; 0 uses the diagonal blocks alone", low=0
    )
    influx: float = option(
        0.5, "share of the batch drawn from in-flux", low=0, high=0.95
    )
    max_steps: int = option(100_000, "give up after this many steps", low=1)

    def __post_init__(self) -> None:
        """Check that method, solver and ansatz go together.

        Raises:
            SettingError: they do not.
        """
        super().__post_init__()
        _check_damping(self.solver, self.diag_shift)
        if self.proposal != "model" and self.method not in ("auto", "conditionals"):
            raise SettingError(
                "proposal",
                f"`{self.method}` steps draw from no `proposal`",
                "leave it out, or take `method = conditionals`",
            )
        is_fitted = self.method in ("projection", "conditionals")
        if is_fitted and self.ansatz != "conditional":
            raise SettingError(
                "method",
                f"`{self.method}` fits every conditional by itself, which "
                f"ansatz `{self.ansatz}` cannot: its conditionals share their weights",
                "take `method = galerkin`, or `ansatz = conditional`",
            )


@dataclass(frozen=True)
class EulerSettings(NeuralSettings):
    """What the engines share that follow Euler steps of one length."""

    dt: float = option(0.005, "time step", above=0)
    epochs: int = option(5, "steps of the optimizer in a time step", low=1)
    smear: float = option(
        1e-3,
        "share of every initial law that is spread over all copy numbers: the scheme "
        "sees only states that it draws",
        low=0,
        high=0.5,
    )
    proposal: str = _proposal(
        "the batch is drawn from the network (`model`), or a share of it so that rare "
        "states are drawn too"
    )
    proposal_share: float = option(
        0.1, "share of the batch that is drawn from `proposal`", above=0, high=1
    )
    alpha: float = _alpha()
    window: int = _window()
    reweight: str = option(
        "none",
        "weights of a batch with a `proposal`: all alike (`none`), its chance from the "
        "network over that to be drawn (`exact`), or these with their largest smoothed "
        "(`pareto`) and mixed with a fifth of equal ones",
        choices=("none", "exact", "pareto"),
    )


@dataclass(frozen=True)
class NatgradSettings(EulerSettings):
    """The scheme of arXiv 2512.10309: natural gradient towards each Euler step."""

    learning_rate: float = option(0.5, "length of a natural-gradient step", above=0)
    diag_shift: float = option(1e-3, "damping of the Fisher matrix", low=0)
    solver: str = _solver()

    def __post_init__(self) -> None:
        """Check the damping."""
        super().__post_init__()
        _check_damping(self.solver, self.diag_shift)


@dataclass(frozen=True)
class AdamSettings(EulerSettings):
    """First-order steps towards each Euler step, as in NNCME-1."""

    learning_rate: float = option(1e-3, "length of a step of Adam", above=0)
