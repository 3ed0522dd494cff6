"""Network of another format -> the same with caps, by name or one for all that need it.

Other formats have no caps. A species that a conservation law limits needs none.
"""

from collections.abc import Mapping
from dataclasses import replace

from crnlang.ir.network import Network
from crnlang.passes.bounds import free_species
from crnlang.passes.laws import Laws


def declare_caps(
    network: Network, laws: Laws, named: Mapping[str, int], common: int | None
) -> tuple[Network, list[str]]:
    """The network with `named` caps, and `common` where nothing else limits a species.

    With it the names of those that nothing limits now; none where there is a `common`.
    """
    capped = _with_caps(network, named)
    free = [network.species[i].name for i in free_species(capped, laws)]
    if common is None:
        return capped, free
    return _with_caps(capped, dict.fromkeys(free, common)), []


def _with_caps(network: Network, caps: Mapping[str, int]) -> Network:
    species = (
        replace(kind, cap=caps.get(kind.name, kind.cap)) for kind in network.species
    )
    return replace(network, species=tuple(species))
