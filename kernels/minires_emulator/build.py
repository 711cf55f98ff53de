"""From the text of kernels to a loaded module: `build(source, names, mode, options)`.

The user's code stands between two headers of this package: one makes a C++ compiler understand it,
the other says how its kernels are called. assembly.py looks at what the compiler makes of it.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import platform
import threading
from collections.abc import Sequence
from pathlib import Path

from . import assembly, cache, elf, toolchain
from .errors import CompileError
from .lines import LineTable
from .source import Source

CPP = Path(__file__).parent / "cpp"
NAMES = "kernel names"  # the file of errors in what the user passed as names


class Module:
    """A compiled and loaded module.

    runtime  what runs its kernels, loaded
    number   of a kernel, by name
    arrays   the static shared arrays: (offset, bytes, symbol)
    uses     for each kernel, the indices of the arrays that it and what it calls use
    """

    def __init__(
        self, path: Path, runtime: ctypes.CDLL, notes: cache.Notes, names: Sequence[str]
    ) -> None:
        self.path, self.runtime = path, runtime
        self.number = {name: i for i, name in enumerate(names)}
        self.arrays: list[tuple[int, int, str]] = [tuple(a) for a in notes["arrays"]]
        self.uses: list[list[int]] = notes["uses"]
        self.library = _load(path)

    @functools.cached_property
    def _sections(self) -> dict[str, elf.Section]:
        return elf.sections(self.path)

    @functools.cached_property
    def _line_table(self) -> LineTable:
        return LineTable(self._sections[".debug_line"].data)

    def shared_bytes(self, kernel: int) -> int:
        """Return how much static shared memory a kernel uses."""
        return sum(self.arrays[i][1] for i in self.uses[kernel])

    def variable_at(self, address: int) -> str:
        """Return the symbol of the `__device__` variable that lies at an address in memory."""
        anchor = "emulator_touch_shared"
        functions = {f.name: f.address for f in elf.symbols(self._sections, elf.FUNCTION)}
        loaded = ctypes.cast(getattr(self.library, anchor), ctypes.c_void_p).value or 0
        offset = address - (loaded - functions[anchor])
        for variable in elf.symbols(self._sections, elf.VARIABLE):
            if variable.address <= offset < variable.address + variable.size:
                return variable.name
        return f"address {address:#x}"

    def line_of(self, site: int) -> tuple[str, int]:
        """Return file and line of the call that returns to `site`; ("", 0) if not known."""
        found = self._line_table.find(site - 1) if site else None
        return found if found is not None and is_users(found[0]) else ("", 0)


@functools.cache
def _load(path: Path) -> ctypes.CDLL:
    try:
        return ctypes.CDLL(str(path))
    except OSError as error:
        raise OSError(
            f"a compiled file could not be loaded: {error}; name another folder for them in "
            "MINIRES_CACHE_DIR"
        ) from error


def is_users(file: str) -> bool:
    """Tell whether a file of the debug information is one of the user's."""
    return file != NAMES and not file.startswith(str(CPP))


_modules: dict[str, Module] = {}
_lock = threading.RLock()


def after_fork() -> None:
    """The child's lock: the parent's may have been held at the fork."""
    global _lock
    _lock = threading.RLock()


def _runtime(which: toolchain.Compiler) -> Path:
    """Return the compiled runtime; it is compiled once, for all kernels."""
    options = ["-std=c++17", "-O2", "-fPIC", "-shared", "-w", "-U_FORTIFY_SOURCE"]
    if which.is_clang:
        options.append("-fno-sanitize=undefined")
    key = "runtime-" + _hash(*which.command, which.version, *options, *_own_sources())

    def make(work: Path) -> tuple[Path, cache.Notes]:
        soname = f"-Wl,-soname,minires-emulator-{key}.so"
        which.run([*options, soname, "-o", "out.so", str(CPP / "runtime.cpp"), "-lrt"], work)
        return work / "out.so", {}

    return cache.entry(key, make)[0]


def build(source: Source, names: Sequence[str], mode: str, options: Sequence[str]) -> Module:
    """Compile and load the kernels `names`; raises CompileError, NoCompiler or OSError."""
    which = toolchain.find()
    entries = [f"EMULATOR_KERNEL({i}, {name})\n" for i, name in enumerate(names)]
    code = (
        f'#include "{CPP / "device.h"}"\n{source.text}\n'
        f'#line 1 "{NAMES}"\n#include "{CPP / "entry.h"}"\n#line 1 "{NAMES}"\n' + "".join(entries)
    )
    arguments = [*toolchain.flags(which, mode), *options]
    runtime = _runtime(which)
    whole = code
    if "#include" in source.text:  # what it includes matters too
        whole = which.run([*arguments, "-E", "-x", "c++", "-"], Path("/"), code)
    key = f"{mode}-" + _hash(runtime.name, *which.command, *arguments, whole, _processor())

    def make(work: Path) -> tuple[Path, cache.Notes]:
        (work / "kernel.cpp").write_text(code, encoding="utf-8", errors="surrogateescape")
        which.run([*arguments, "-S", "-o", "kernel.s", "kernel.cpp"], work)
        text = (work / "kernel.s").read_text("utf-8", "surrogateescape")
        changed = assembly.separate_arrays(text)
        (work / "kernel.s").write_text(changed, "utf-8", "surrogateescape")
        link = ["-shared", "-Wl,-Bsymbolic", "-Wl,-z,defs", "-o", "out.so", "kernel.s"]
        if which.is_clang:
            link.append("-fno-sanitize=undefined")  # zig would add its own handlers
        which.run([*link, str(runtime), "-lm"], work)
        arrays = _shared_arrays(work / "out.so")
        index = {a.name: i for i, a in enumerate(arrays)}
        used = assembly.shared_arrays(text, index, len(names))
        return work / "out.so", {
            "arrays": [(a.address, a.size, a.name) for a in arrays],
            "uses": [[index[name] for name in some] for some in used],
        }

    with _lock:
        if key not in _modules:
            path, notes = cache.entry(key, make)
            _modules[key] = Module(path, _load(runtime), notes, names)
        return _modules[key]


def _hash(*parts: str) -> str:
    h = hashlib.sha256()
    for part in parts:
        h.update(f"{len(part)} ".encode() + part.encode(errors="surrogateescape"))
    return h.hexdigest()[:24]


@functools.lru_cache
def _own_sources() -> tuple[str, ...]:
    own = [Path(__file__), Path(assembly.__file__), Path(elf.__file__), Path(cache.__file__)]
    return tuple(
        path.read_text("utf-8") for path in [*sorted(CPP.iterdir()), *own] if path.is_file()
    )


@functools.lru_cache
def _processor() -> str:
    """What -march=native depends on."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines()
    except OSError:  # no /proc
        return platform.processor()
    told = {line for line in lines if line.startswith(("flags", "Features", "model name"))}
    return "\n".join(sorted(told))


def _shared_arrays(path: Path) -> list[elf.Symbol]:
    """Return the shared arrays of a module; an initialised one is an error, as in CUDA."""
    parts = elf.sections(path)
    if ".tdata" in parts:
        raise CompileError("a __shared__ variable has an initial value; CUDA does not allow that")
    found = elf.symbols(parts, elf.THREAD_LOCAL)
    return [s for s in found if "emulator_touched" not in s.name]
