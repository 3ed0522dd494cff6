"""Is this installation fit to run models? Facts, traps, and what to do about them.

Each check looks at one thing and hands back findings: a sentence about what is there,
how bad it is, and the way out. `examine` calls them all.
"""

import importlib.metadata
import os
import platform
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

from crnlang.cache import cache_directory
from crnlang.diagnostics import listing
from crnlang.pipeline import machine
from crnlang.pipeline.self_check import LIMIT, Checked, check_engines

GIB = 2**30
#: Less memory or room on disc than this is told of.
LEAST_MEMORY, LEAST_ROOM = 2 * GIB, GIB
#: What the thread pools of NumPy, JAX and numba read.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
#: The extras, and what goes without them.
EXTRAS = {
    "plot": "`crnc plot` and `crnc graph` draw nothing",
    "sbml": "`crnc import` and `crnc export` know no SBML",
    "lsp": "`crnc lsp` cannot serve an editor",
}


class Level(Enum):
    """How bad a finding is."""

    FINE = "ok"
    NOTE = "note"  #: works, but slower or with less than it could
    WRONG = "WRONG"


@dataclass(frozen=True, slots=True)
class Finding:
    """A sentence about one `topic`; `fix` is what to do, empty where nothing is."""

    topic: str
    level: Level
    sentence: str
    fix: str = ""


def examine(limit: float = LIMIT) -> list[Finding]:
    """Everything, the engines at last; these may take `limit` seconds."""
    return [
        *check_versions(_requirements()),
        *check_extras(_requirements()),
        *check_command(shutil.which("crnc")),
        *check_devices(),
        *check_precision(os.environ),
        *check_threads(os.environ, machine.cores(), machine.allowed_cores()),
        *check_memory(machine.available_memory()),
        *check_directories(Path.cwd(), cache_directory()),
        *check_switches(os.environ),
        *map(judge_engine, check_engines(limit)),
    ]


def _requirements() -> tuple[Requirement, ...]:
    """What crnlang says that it needs; nothing where it is not installed."""
    try:
        needed = importlib.metadata.requires("crnlang") or []
    except importlib.metadata.PackageNotFoundError:
        return ()
    return tuple(map(Requirement, needed))


def _installed(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def check_versions(requirements: Sequence[Requirement]) -> list[Finding]:
    """Whether the libraries are there, in versions that crnlang is made for."""
    found = [
        f"crnlang {_installed('crnlang') or '(not installed)'}",
        f"Python {platform.python_version()} on {platform.machine()}",
    ]
    wrong: list[Finding] = []
    for one in requirements:
        if one.marker is not None and not one.marker.evaluate({"extra": ""}):
            continue
        version = _installed(one.name)
        if version is not None:
            found.append(f"{one.name} {version}")
        if version is None or not one.specifier.contains(version, prereleases=True):
            has = "is not installed" if version is None else f"is {version}"
            sentence = f"{one.name} {has}, and crnlang is made for {one.specifier}."
            fix = f"pip install '{one.name}{one.specifier}'"
            wrong.append(Finding("versions", Level.WRONG, sentence, fix))
    jax, jaxlib = _installed("jax"), _installed("jaxlib")
    if jax and jaxlib and Version(jax) != Version(jaxlib):
        sentence = f"jax is {jax} and jaxlib {jaxlib}: they only fit in one version."
        fix = f"pip install 'jax=={jax}' 'jaxlib=={jax}'"
        wrong.append(Finding("versions", Level.WRONG, sentence, fix))
    return [Finding("versions", Level.FINE, f"{listing(found, 30)}."), *wrong]


def check_extras(requirements: Sequence[Requirement]) -> list[Finding]:
    """Which optional parts are missing."""
    found: list[Finding] = []
    for extra, without in EXTRAS.items():
        needed = [
            one.name
            for one in requirements
            if one.marker is not None
            and one.marker.evaluate({"extra": extra})
            and not one.marker.evaluate({"extra": ""})
        ]
        missing = [name for name in needed if _installed(name) is None]
        if missing:
            sentence = f"Without {listing(missing)}, {without}."
            fix = f"pip install 'crnlang[{extra}]'"
            found.append(Finding("extras", Level.NOTE, sentence, fix))
    return found or [Finding("extras", Level.FINE, "Pictures, SBML and editors: all.")]


def check_command(command: str | None) -> list[Finding]:
    """Whether the command `crnc` on the path is the one of this Python."""
    own = Path(sys.executable).parent
    if command is None:
        sentence = "There is no command `crnc` on the path."
        fix = f"activate the environment, or call {own / 'crnc'}"
        return [Finding("command", Level.NOTE, sentence, fix)]
    if Path(command).parent.resolve() != own.resolve():
        sentence = f"`crnc` is {command}, and this Python is {sys.executable}."
        fix = "activate the environment that you mean"
        return [Finding("command", Level.NOTE, sentence, fix)]
    return [Finding("command", Level.FINE, f"`crnc` is {command}.")]


def check_devices() -> list[Finding]:
    """What JAX computes on, and whether it misses a GPU."""
    try:
        import jax  # takes a second

        devices = jax.devices()
    except Exception as error:  # noqa: BLE001 - whatever keeps JAX from starting
        reason = str(error).splitlines()[0]
        sentence = f"JAX does not start: {type(error).__name__}: {reason}"
        fix = "install jax and jaxlib anew; unset JAX_PLATFORMS if it is set"
        return [Finding("devices", Level.WRONG, sentence, fix)]
    names = [f"{one.platform}:{one.id} ({one.device_kind})" for one in devices]
    found = [Finding("devices", Level.FINE, f"JAX computes on {listing(names)}.")]
    has_gpu = any(Path("/dev").glob("nvidia[0-9]*"))
    if has_gpu and all(one.platform == "cpu" for one in devices):
        sentence = "There is an NVIDIA GPU, and this JAX does not use it."
        fix = "pip install 'jax[cuda12]' of the same version; unset JAX_PLATFORMS"
        found.append(Finding("devices", Level.NOTE, sentence, fix))
    return found


def check_precision(environment: Mapping[str, str]) -> list[Finding]:
    """Whether 64 bits can be had, and what would spoil them."""
    found: list[Finding] = []
    try:
        import jax

        with jax.enable_x64(True):  # noqa: FBT003 - JAX's signature
            bits = jax.numpy.zeros(1, "float64").dtype.itemsize * 8
    except Exception as error:  # noqa: BLE001 - `check_devices` says what to do
        sentence = f"JAX cannot be asked: {type(error).__name__}."
        return [Finding("precision", Level.WRONG, sentence)]
    if bits != 64:
        sentence = f"JAX gives {bits} bits where 64 are asked for."
        fix = "unset JAX_ENABLE_X64; install jax anew"
        found.append(Finding("precision", Level.WRONG, sentence, fix))
    if environment.get("JAX_ENABLE_X64", "1").lower() in ("0", "false"):
        sentence = (
            "JAX_ENABLE_X64 is off: crnlang turns it on for its own runs, but other "
            "code in the same process computes in 32 bits until then."
        )
        found.append(Finding("precision", Level.NOTE, sentence, "unset JAX_ENABLE_X64"))
    if "fast_math=true" in environment.get("XLA_FLAGS", ""):
        sentence = (
            "XLA_FLAGS turns on fast math, which drops nan and inf: the engines would "
            "not notice a wrong propensity."
        )
        fix = "take `--xla_cpu_enable_fast_math=true` out of XLA_FLAGS"
        found.append(Finding("precision", Level.WRONG, sentence, fix))
    is_fine = all(one.level is not Level.WRONG for one in found)
    fine = Finding("precision", Level.FINE, "64 bits, as the engines need them.")
    return [fine, *found] if is_fine else found


def check_threads(
    environment: Mapping[str, str], cores: int, allowed: float | None
) -> list[Finding]:
    """Whether as many threads are used as there are cores."""
    usable = cores if allowed is None else max(1, min(cores, round(allowed)))
    limited = "" if allowed is None else f", of which it may keep {allowed:g} busy"
    word = "core" if cores == 1 else "cores"
    sentence = f"This process sees {cores} {word}{limited}."
    found = [Finding("threads", Level.FINE, sentence)]
    asked = {
        name: int(environment[name])
        for name in THREADS
        if environment.get(name, "").isdecimal()
    }
    if allowed is not None and usable < cores and not asked:
        sentence = (
            f"The libraries start {cores} threads, and the container stops them for "
            f"using more than {allowed:g} cores: runs go slower than with fewer."
        )
        fix = f"export {THREADS[0]}={usable}"
        found.append(Finding("threads", Level.NOTE, sentence, fix))
    for name, number in asked.items():
        if number > usable:
            sentence = f"{name} is {number}, more than the {usable} cores to be used."
            fix = f"export {name}={usable}"
            found.append(Finding("threads", Level.NOTE, sentence, fix))
        elif number < usable:
            sentence = f"{name} is {number}: linear algebra leaves cores idle."
            fix = f"unset {name}, unless you run several models at a time"
            found.append(Finding("threads", Level.NOTE, sentence, fix))
    return found


def check_memory(available: int | None) -> list[Finding]:
    """Whether there is enough memory."""
    if available is None:
        sentence = "The system does not tell how much memory is free."
        return [Finding("memory", Level.NOTE, sentence)]
    sentence = f"{available / GIB:.1f} GiB are free."
    if available >= LEAST_MEMORY:
        return [Finding("memory", Level.FINE, sentence)]
    fix = (
        "close other programs, or lower `max_states` of `fsp` and `samples` of `tdvp`: "
        "a set of states takes about 100 bytes a state and channel"
    )
    return [Finding("memory", Level.NOTE, f"Only {sentence}", fix)]


def check_directories(here: Path, cache: Path | None) -> list[Finding]:
    """Whether runs and the cache can be written, and have room."""
    found: list[Finding] = []
    if why := machine.why_not_writable(here / "runs"):
        sentence = f"Runs cannot be written below {here}: {why}."
        fix = "change to a folder of yours, or give `--out`"
        found.append(Finding("directories", Level.WRONG, sentence, fix))
    elif (free := machine.room(here)) < LEAST_ROOM:
        sentence = f"Only {free / GIB:.2f} GiB are free on the disc of {here}."
        fix = "make room, or give `--out` on another disc"
        found.append(Finding("directories", Level.NOTE, sentence, fix))
    if cache is None or machine.why_not_writable(cache):
        where = "the home directory" if cache is None else str(cache)
        sentence = (
            f"Nothing can be kept in {where}: the grammar and every neural network are "
            "compiled anew at each run."
        )
        fix = "set XDG_CACHE_HOME to a folder of yours"
        found.append(Finding("directories", Level.NOTE, sentence, fix))
    if found:
        return found
    sentence = f"Runs can be written below {here}, and compiled programs in {cache}."
    return [Finding("directories", Level.FINE, sentence)]


#: Switches of the environment that are known traps: name, values, what they do.
SWITCHES = (
    ("NUMBA_DISABLE_JIT", ("1",), "trajectories take a hundred times as long"),
    ("JAX_DISABLE_JIT", ("1", "true"), "neural engines take many times as long"),
    ("JAX_DEBUG_NANS", ("1", "true"), "runs end where an intermediate number is nan"),
    (
        "JAX_ENABLE_COMPILATION_CACHE",
        ("0", "false"),
        "every neural network is compiled anew at each run",
    ),
)


def check_switches(environment: Mapping[str, str]) -> list[Finding]:
    """Switches of JAX and numba that somebody has left on."""
    found = [
        Finding("switches", Level.NOTE, f"{name} is set: {effect}.", f"unset {name}")
        for name, values, effect in SWITCHES
        if environment.get(name, "").lower() in values
    ]
    return found or [Finding("switches", Level.FINE, "No known trap is set.")]


def judge_engine(checked: Checked) -> Finding:
    """What the self-check says of one engine."""
    topic = f"engine {checked.engine}"
    seconds = f"{checked.seconds:.1f} s"
    if checked.is_late:
        sentence = (
            f"It was {checked.trouble}, so nothing is known of it: the machine is slow "
            "or busy."
        )
        return Finding(topic, Level.NOTE, sentence, "crnc doctor --limit 60")
    if checked.trouble:
        sentence = f"It gave no answer: {checked.trouble}."
        fix = "mend what is wrong above; install the versions of requirements.lock"
        return Finding(topic, Level.WRONG, sentence, fix)
    measured = f"Hellinger distance {checked.distance:.1g} from the closed form"
    if checked.is_right:
        within = f"within {checked.limit:.1g}, in {seconds}"
        return Finding(topic, Level.FINE, f"{measured}, {within}.")
    sentence = f"{measured}, above {checked.limit:.1g}: its numbers are wrong here."
    fix = "install the versions of requirements.lock; then report it as a bug"
    return Finding(topic, Level.WRONG, sentence, fix)
