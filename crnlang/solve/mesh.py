"""The devices that share a batch: a mesh with one axis, in whose context programs run.

Each device works through its own part of a batch (`solve.pieces`), and XLA adds up what
the devices found. The context is JAX's own (`jax.set_mesh`); it belongs to one thread,
and outside of it there is one device, for which every program is as if there were no
mesh at all.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, TypeVar

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, PartitionSpec
from jaxtyping import PyTree

from crnlang.solve.outcome import EngineError

#: The environment variable that says `address,number,place` of a host among others, or
#: `auto`.
HOSTS = "CRNC_HOSTS"
#: The only axis of the mesh.
BATCH = "batch"
#: An array that has the batch along its first axis, and one that all devices hold.
SHARED, WHOLE = PartitionSpec(BATCH), PartitionSpec()

Tree = TypeVar("Tree", bound=PyTree)


def join_hosts() -> None:
    """Become one of several hosts, if the environment says so; see `HOSTS`.

    Raises:
        EngineError: what it says cannot be read, or the others do not answer.
    """
    text = os.environ.get(HOSTS, "")
    if not text or jax.distributed.is_initialized():
        return
    try:
        if text == "auto":
            jax.distributed.initialize()
        else:
            address, number, place = text.split(",")
            jax.distributed.initialize(address, int(number), int(place))
    except (ValueError, RuntimeError) as error:
        raise EngineError(
            f"`{HOSTS}={text}` joins no hosts ({error}): write "
            "`first:port,number,place`, as `node0:12345,4,0` on the first of four, or "
            "`auto` below Slurm or Open MPI"
        ) from error


@contextmanager
def shared_by(devices: int) -> Iterator[None]:
    """Let the first `devices` devices share every batch.

    Of several hosts all devices take part.

    Raises:
        EngineError: there are not so many, or more on other hosts.
    """
    found, hosts = jax.devices(), jax.process_count()
    if hosts > 1 and devices != len(found):
        raise EngineError(
            f"`devices = {devices}`, but {hosts} hosts with {len(found)} devices "
            f"together have joined: ask for `devices={len(found)}`"
        )
    if devices > len(found):
        more = "" if len(found) == 1 else "s"
        raise EngineError(
            f"`devices = {devices}`, but JAX finds {len(found)} device{more} "
            f"({found[0].device_kind}) here: ask for no more, or, to share out the "
            "cores of a CPU, set the environment variable "
            f"XLA_FLAGS=--xla_force_host_platform_device_count={devices}"
        )
    if devices == 1:
        yield
        return
    chosen = np.asarray(found[:devices])
    with jax.set_mesh(Mesh(chosen, (BATCH,), axis_types=(AxisType.Auto,))):
        yield


def workers() -> int:
    """How many devices share a batch."""
    mesh = jax.sharding.get_abstract_mesh()
    return 1 if mesh.empty else mesh.shape[BATCH]


def readable(tree: Tree) -> Tree:
    """What a program hands to the host: where there are several, each needs all."""
    if workers() == 1 or jax.process_count() == 1:
        return tree
    return jax.lax.with_sharding_constraint(tree, WHOLE)


def devices_apart() -> list[Any]:
    """The devices of this host, for programs of one device each: see `on_device`."""
    return [None] if workers() == 1 else list(jax.sharding.get_mesh().local_devices)


def on_device(device: Any) -> AbstractContextManager[object]:
    """Run programs on one device; on JAX's usual one where none is named."""
    return nullcontext() if device is None else jax.default_device(device)


def at_rest(tree: Tree) -> Tree:
    """The same in host memory, where devices share a batch: no device holds it then."""
    return jax.tree.map(np.asarray, tree) if workers() > 1 else tree
