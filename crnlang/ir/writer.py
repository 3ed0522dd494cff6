"""Network -> a `.crn` file that compiles to it: for counterexamples and exchange."""

from collections.abc import Iterator

from crnlang.ir.lattice import Lattice
from crnlang.ir.network import Network, Parameter, Reaction
from crnlang.ir.printer import (
    format_equation,
    format_initial,
    format_lattice,
    format_trigger,
)
from crnlang.ir.spelling import format_expression, format_number

_INDICES = ("i", "j", "l")


def write_program(network: Network) -> str:
    """The physics of a network as the text of a file; its questions are left out.

    Observables stand at the end, but not those of a lattice.

    Raises:
        ValueError: it holds what stands in a file of its own: a graph, a mask, or a
            table of initial probabilities.
    """
    lattice = network.lattice
    is_bare = lattice is None or (lattice.links is None and lattice.kept is None)
    starts = [one.initial for one in (*network.species, *network.site_starts)]
    if not is_bare or any(format_initial(one).startswith("~ table") for one in starts):
        raise ValueError("a graph, a mask or a table needs a file of its own")
    return "".join(f"{line}\n" for line in _lines(network))


def _lines(network: Network) -> Iterator[str]:
    lattice = network.lattice
    yield "crn 1"
    yield f"model {network.name}" + (f' "{network.title}"' if network.title else "")
    if network.massaction is not None:
        yield f"massaction {network.massaction.value}"
    if lattice is not None:
        yield f"lattice {format_lattice(lattice)}"
    for parameter in network.parameters:
        yield _parameter(parameter, lattice)
    for kind in network.species:
        box = "" if kind.cap is None else f" in 0..{kind.cap}"
        place = " per site" if kind.is_per_site else ""
        yield f"species {kind.name}{box}{place} {format_initial(kind.initial)}"
    names, blocks = network.variable_names(), network.blocks()
    for start in network.site_starts:
        name = names[blocks[start.species][start.site]]
        yield f"init {name} {format_initial(start.initial)}"
    species = [kind.name for kind in network.species]
    constants = [parameter.name for parameter in network.parameters]
    for reaction in network.reactions:
        yield _reaction(reaction, species, constants)
    for hop in network.hops:
        rate = format_expression(hop.rate, [], constants)
        yield f"diffuse {species[hop.species]} @ {rate}"
    for change in network.count_changes:
        block = blocks[change.species]
        name = (
            species[change.species]
            if change.site is None
            else (names[block[change.site]])
        )
        read = [species[one] for one in change.reads]
        value = format_expression(change.value, read, constants)
        yield f"event at {format_number(change.time)}: {name} = {value}"
    for trigger in network.triggers:
        yield format_trigger(trigger, species, constants)
    for observable in network.observables if lattice is None else ():
        value = format_expression(observable.value, names, constants)
        yield f"observe {observable.name} = {value}"


def _parameter(parameter: Parameter, lattice: Lattice | None) -> str:
    """A constant; one that differs between sites as a chain of conditions."""
    if not parameter.site_values or lattice is None:
        unit = f" [{parameter.unit}]" if parameter.unit else ""
        return f"param {parameter.name} = {format_number(parameter.value)}{unit}"
    indices = _INDICES[: len(lattice.shape)]
    *sites, last = zip(lattice.coordinates(), parameter.site_values, strict=True)
    value = format_number(last[1])
    for row, one in reversed(sites):
        place = " and ".join(
            f"{index} == {number}" for index, number in zip(indices, row, strict=True)
        )
        value = f"if({place}, {format_number(one)}, {value})"
    return f"param {parameter.name}[{', '.join(indices)}] = {value}"


def _reaction(reaction: Reaction, species: list[str], constants: list[str]) -> str:
    equation = format_equation(reaction, species)
    if reaction.rate is None:
        local = [species[variable] for variable in reaction.variables]
        law = f"propensity({format_expression(reaction.propensity, local, constants)})"
    else:
        law = format_expression(reaction.rate, [], constants)
    return f"{reaction.name}: {equation} @ {law}"
