"""What must hold for every network; each function raises where it does not.

One that does not apply to a network returns `False`.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from crnlang.codegen.ansatz import AnsatzError
from crnlang.compiler import compile_text
from crnlang.diagnostics import SourceText
from crnlang.frontend.formatter import format_source
from crnlang.ir.evaluate import evaluate_float64
from crnlang.ir.lattice import Boundary, Lattice
from crnlang.ir.lowered import LoweredNetwork
from crnlang.ir.network import Network, Reaction
from crnlang.reference.ssa import sample_ssa
from crnlang.selftest.case import BrokenError, Case, full_generator
from crnlang.selftest.kernel import samples_of
from crnlang.settings import SsaSettings
from crnlang.testing import lower

#: Trajectories are drawn for one network of so many: numba compiles each for a second.
SSA_SHARE = 200


def kernel_is_generator(case: Case) -> None:
    """The kernel's (W P)(n) is that of the generator matrix, and so is its out-flux."""
    matrix = case.equation[1]
    rates, losses = case.rates
    flux = np.abs(rates * case.law - matrix @ case.law).max()
    case.demand(float(flux), "kernel and generator matrix differ")
    loss = np.abs((losses + matrix.diagonal()) * case.law).max()
    case.demand(float(loss), "out-flux and diagonal of the matrix differ")


def mean_is_zero(case: Case) -> None:
    """The mean of the local generator under the law is 0."""
    case.demand(
        abs(float(case.rates[0] @ case.law)), "the mean of the local generator is off"
    )


def probability_stays(case: Case) -> None:
    """The columns of the generator add up to 0, and only its diagonal is negative."""
    _, matrix = case.equation
    sums = np.abs(matrix.sum(axis=0)).max()
    case.demand(float(sums), "probability is not conserved")
    rest = matrix.toarray() - np.diag(matrix.diagonal())
    case.demand(max(-float(rest.min()), 0.0), "a probability flux is negative")


def samples_obey(case: Case) -> bool | None:
    """Draws of the autoregressive network stay inside caps and conservation laws."""
    try:
        drawn = samples_of(case.lowered, case.digest)
    except AnsatzError:
        return False
    _demand_inside(case.lowered, drawn)
    return None


def trajectories_obey(case: Case) -> bool | None:
    """Trajectories of Gillespie's method stay inside caps and conservation laws."""
    if case.digest % SSA_SHARE:
        return False
    settings = SsaSettings(
        until=2.0, save=(0.5, 2.0), trajectories=20, seed=case.digest
    )
    found = sample_ssa(case.lowered, settings, threads=1).counts
    _demand_inside(case.lowered, found.reshape(-1, found.shape[-1]))
    return None


def _demand_inside(lowered: LoweredNetwork, states: np.ndarray) -> None:
    space = lowered.space
    outside = ((states < 0) | (states > space.caps)).any(axis=1)
    unlawful = (states @ space.laws.T != space.totals).any(axis=1)
    for bad, what in ((outside, "the caps"), (unlawful, "the conservation laws")):
        if bad.any():
            state = dict(zip(space.names, states[bad][0].tolist(), strict=True))
            raise BrokenError(f"a sample breaks {what}: {state}")


def text_is_network(case: Case) -> None:
    """Printed, formatted and parsed again, the network is the same."""
    source = SourceText("<selftest>", case.text)
    formatted = format_source(source)
    if format_source(SourceText("<selftest>", formatted)) != formatted:
        raise BrokenError("formatting twice differs from formatting once")
    again = compile_text(formatted).lowered
    if _facts(again.network) != _facts(case.lowered.network):
        raise BrokenError("species, parameters, reactions or lattice differ")
    _demand_equal(case, again)


def _facts(network: Network) -> tuple[object, ...]:
    """Everything but the propensities."""
    return (
        network.massaction,
        network.species,
        network.lattice,
        network.site_starts,
        [(one.name, one.site_values or one.value) for one in network.parameters],
        [(r.name, r.rate is None, _moves(r)) for r in network.reactions],
        [(hop.species, hop.rate) for hop in network.hops],
    )


def _moves(reaction: Reaction) -> list[tuple[int, int, int]]:
    parts = (reaction.variables, reaction.orders, reaction.net_change)
    return sorted(zip(*parts, strict=True))


def _demand_equal(case: Case, other: LoweredNetwork) -> None:
    """The generator of another network is that of the case, state by state."""
    states, matrix = case.equation
    same, again = full_generator(other, case.time)
    if not np.array_equal(states, same):
        raise BrokenError("the states differ")
    gap = float(np.abs((matrix - again) @ np.diag(case.law)).max())
    case.demand(gap, "the generators differ")


def one_site_is_no_lattice(case: Case) -> bool | None:
    """Every species on the one site of a lattice: the same generator."""
    if case.network.lattice is not None:
        return False
    site = Lattice((1,), (Boundary.PERIODIC,))
    species = tuple(replace(s, is_per_site=True) for s in case.network.species)
    _demand_equal(case, lower(replace(case.network, species=species, lattice=site)))
    return None


def names_do_not_matter(case: Case) -> None:
    """Species renamed and declared the other way round: the same law."""
    network, last = case.network, len(case.network.species) - 1
    species = [
        replace(one, name=f"renamed_{i}") for i, one in enumerate(network.species)
    ]
    turned = replace(
        network,
        species=tuple(reversed(species)),
        reactions=tuple(
            replace(one, variables=tuple(last - v for v in one.variables))
            for one in network.reactions
        ),
        hops=tuple(replace(one, species=last - one.species) for one in network.hops),
        site_starts=tuple(
            replace(one, species=last - one.species) for one in network.site_starts
        ),
    )
    other = lower(turned)
    states, matrix = case.equation
    moved, again = full_generator(other, case.time)
    blocks = other.network.blocks()[::-1]
    back = moved[:, [variable for block in blocks for variable in block]]
    place = np.lexsort(back.T[::-1])
    if not np.array_equal(back[place], states):
        raise BrokenError("the states differ")
    gap = (matrix - again[place][:, place]) @ np.diag(case.law)
    case.demand(float(np.abs(gap).max()), "the generators differ")


def propensities_agree(case: Case) -> None:
    """The diagonal of the matrix is what the propensities, written out, add up to."""
    states, matrix = case.equation
    lost: Float[np.ndarray, " states"] = np.zeros(len(states))
    lowered = case.lowered
    for family in lowered.families:
        constants = [
            np.reshape(one, (-1, 1)) if np.ndim(one) else one
            for one in lowered.constants(family)
        ]
        counts = [states[:, column].T for column in family.variables.T]
        values = evaluate_float64(family.propensity, counts, constants, case.time)
        shape = (len(family.variables), len(states))
        values = np.broadcast_to(values, shape)
        for row, one in zip(family.variables, values, strict=True):
            after = states.copy()
            after[:, row] += family.net_change
            inside = ((after >= 0) & (after <= lowered.space.caps)).all(axis=1)
            lost += np.where(inside, one, 0.0)
    gap = np.abs((lost + matrix.diagonal()) * case.law).max()
    case.demand(float(gap), "the propensities differ from the matrix")


#: Every invariant by the words of the report.
INVARIANTS: Mapping[str, Callable[[Case], bool | None]] = {
    "kernel equals generator matrix": kernel_is_generator,
    "mean of local generator is zero": mean_is_zero,
    "probability is conserved": probability_stays,
    "propensities add up to the matrix": propensities_agree,
    "samples obey caps and laws": samples_obey,
    "trajectories obey caps and laws": trajectories_obey,
    "print, format, parse: the same": text_is_network,
    "one site equals no lattice": one_site_is_no_lattice,
    "names and order do not matter": names_do_not_matter,
}
