"""crnlang: a language and compiler for stochastic reaction networks.

The names here need no JAX; the engines are imported from where they live.
"""

from crnlang.compiler import Compilation as Compilation
from crnlang.compiler import compile_file as compile_file
from crnlang.compiler import compile_text as compile_text
from crnlang.diagnostics import CrnError as CrnError
from crnlang.ir.lowered import LoweredNetwork as LoweredNetwork
