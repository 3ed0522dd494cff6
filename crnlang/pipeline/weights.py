"""Weights of networks as files of a run directory, and the networks back from them."""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import equinox as eqx
import jax

from crnlang.codegen.ansatz import build_model
from crnlang.compiler import compile_text
from crnlang.nn.base import AbstractAutoregressive, Blocks
from crnlang.passes.order import follow_path
from crnlang.passes.totals import TOTALS
from crnlang.results.record import RunError
from crnlang.results.run_directory import read_files
from crnlang.settings import NeuralSettings, resolve_settings


def file_name(place: int) -> str:
    """The file with the weights at the save time `place`, counted from 0."""
    return f"weights_{place:04d}.eqx"


def pack_weights(model: AbstractAutoregressive) -> bytes:
    """The weights of a network as the content of a file."""
    stream = BytesIO()
    eqx.tree_serialise_leaves(stream, _own_blocks(model))
    return stream.getvalue()


def _own_blocks(model: AbstractAutoregressive) -> Blocks:
    """The weights in the type of the network."""
    return tuple(block.astype(model.dtype) for block in model.weight_blocks())


def neural_settings(stored: Mapping[str, Any]) -> NeuralSettings:
    """The settings of a run from those that it stored.

    Raises:
        RunError: its engine was no network.
    """
    values = dict(stored)
    engine = values.pop("engine")
    if values.get("save"):
        values["save"] = tuple(values["save"])
    settings = resolve_settings(engine, values)
    if not isinstance(settings, NeuralSettings):
        raise RunError(f"the run holds no network: `{engine}` is no neural engine")
    return settings


def load_model(directory: Path, place: int) -> AbstractAutoregressive:
    """The network of a run at the save time `place`.

    float64 needs `jax_enable_x64`.

    Raises:
        RunError: there is no such run, no such time, or the engine was no network.
    """
    files = read_files(directory)
    settings = neural_settings(files.settings)
    lowered = compile_text(files.model, str(directory / "model.crn")).lowered
    lowered = TOTALS[settings.totals](follow_path(lowered, settings.order)).lowered
    model = build_model(lowered, settings, jax.random.key(settings.seed))
    return unpack_weights(read_weights(directory, place), model)


def read_weights(directory: Path, place: int) -> bytes:
    """The file with the weights of a run at the save time `place`.

    Raises:
        RunError: there is none.
    """
    path = directory / file_name(place)
    if not path.is_file():
        raise RunError(f"{directory} holds no weights for save time number {place}")
    return path.read_bytes()


def unpack_weights(
    content: bytes, model: AbstractAutoregressive
) -> AbstractAutoregressive:
    """The network with the weights that `pack_weights` wrote."""
    blocks = eqx.tree_deserialise_leaves(BytesIO(content), _own_blocks(model))
    return model.with_weight_blocks(blocks)
