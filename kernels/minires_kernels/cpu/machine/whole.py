"""Kernels are compiled whole: what they call is translated once, together with them.

Numba optimises each function and makes machine code of it before it is linked into its callers,
where both happen again. Where callers are all that use it, the first time is for nothing: a third
of what LLVM does. The same holds for the functions that stand for NumPy's, such as np.empty.
"""

from __future__ import annotations

import gc
from typing import Any

from numba.core.codegen import JITCodeLibrary as _Library
from numba.core.compiler import Compiler as _Compiler

Compiler: Any = _Compiler
Library: Any = _Library


class Part(Library):  # type: ignore[misc]
    """The code of a function that is optimised and translated in its callers only."""

    def _optimize_functions(self, module: Any) -> None:
        module.data_layout = self._codegen._data_layout

    def _optimize_final_module(self) -> None:
        pass

    def _finalize_final_module(self) -> None:
        self._finalized = True

    @property
    def codegen(self) -> Part:
        """Who is told of an environment: see `set_env`."""
        return self

    def set_env(self, name: str, env: Any) -> None:
        """Code that calls into Python would find `env` here. There is none."""


class Whole(Compiler):  # type: ignore[misc]
    """Compiles a kernel, whose callees are `Part`s."""

    library = Library

    def compile_extra(self, function: Any) -> Any:
        """Return the result. Numba holds its lock of the compiler meanwhile."""
        codegen = self.state.targetctx.codegen()
        self.state.library = self.library(codegen, function.__qualname__)
        self.state.library.enable_object_caching()
        usual, collects = codegen._library_class, gc.isenabled()
        codegen._library_class = Part
        gc.disable()  # millions of small objects, few of them garbage
        try:
            return super().compile_extra(function)
        finally:
            codegen._library_class = usual
            if collects:
                gc.enable()


class Inner(Whole):
    """Compiles what only compiled code calls."""

    library = Part
