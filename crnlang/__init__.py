"""crnlang: a language and compiler for stochastic reaction networks.

    model = crnlang.compile_file("model.crn")     # or compile_text("crn 1 ...")
    result = crnlang.run(model, engine="fsp", t=(0, 40))
    result.marginal("X", 40)

What compiles is imported at once and needs no JAX; what runs is imported at its first
use, because the libraries behind it take longer to load than a file to compile.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from crnlang.compiler import Compilation as Compilation
from crnlang.compiler import compile_file as compile_file
from crnlang.compiler import compile_text as compile_text
from crnlang.diagnostics import CrnError as CrnError
from crnlang.diagnostics import Refusal as Refusal
from crnlang.ir.lowered import LoweredNetwork as LoweredNetwork
from crnlang.settings import SettingError as SettingError

if TYPE_CHECKING:
    from crnlang.pipeline.interface import open_run as open_run
    from crnlang.pipeline.interface import run as run
    from crnlang.pipeline.result import Result as Result

#: Where the names stand that are imported at their first use.
LATE = {
    "Result": "crnlang.pipeline.result",
    "open_run": "crnlang.pipeline.interface",
    "run": "crnlang.pipeline.interface",
}


def __getattr__(name: str) -> Any:
    """A name of `LATE`.

    Raises:
        AttributeError: it is none.
    """
    if name not in LATE:
        raise AttributeError(f"module `crnlang` has no attribute `{name}`")
    return getattr(import_module(LATE[name]), name)


def __dir__() -> list[str]:
    """All names, those to be imported too."""
    return sorted({*globals(), *LATE})
