"""A process that has collected the tests and runs them for one mutant after another.

Each mutant gets a fork of this process, in which the mutated code takes the place of the original
(`substitute.py`), so neither Python nor the tests are loaded again and a mutant that crashes or
hangs harms nobody. Where processes cannot be forked, or a mutant cannot be put into a running one,
this program runs once for that mutant and sees its source from the start.

    python serve.py SETTINGS.json      settings: see `Server`
"""

from __future__ import annotations

import ast
import contextlib
import importlib.util
import json
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
MEMORY = 4 << 30  # bytes that a mutant may take beyond what the process has


def _beside(name: str) -> Any:
    """Import a file of this folder by its path."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, HERE / f"{name.split('_')[-1]}.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


substitute = _beside("_minires_mutation_substitute")
compiled = _beside("_minires_mutation_compiled")
reach = _beside("_minires_mutation_reach")


class Server:
    """A pytest plugin. Settings: `pytest` (arguments), `files` (the targets), and either

    `pipes`    (requests, replies) file descriptors: one JSON request a line, one reply a line
    `request`  one request, answered into the file `reply`, in this very process
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        self.files = settings["files"]
        self.failures: list[tuple[str, str]] = []
        self.answered = False
        self.requests, self.replies = settings.get("pipes", (None, None))
        self.living: Any = None
        self.compiled: Any = None

    # ---- as a plugin ----------------------------------------------------------------------------
    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            self.failures.append((report.nodeid, report.longreprtext[-1500:]))

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self.failures.append((report.nodeid, report.longreprtext[-1500:]))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: Any) -> bool:
        self.session = session
        self.items = {item.nodeid: item for item in session.items}
        if self.failures:
            name, text = self.failures[0]
            self.answer({"status": "broken", "test": name, "message": text})
        elif "request" in self.settings:
            self.answer(self.perform(self.settings["request"]))
        else:
            self.answer({"status": "ready", "tests": list(self.items)})
            self.serve()
        return True

    def answer(self, reply: dict[str, Any]) -> None:
        self.answered = True
        data = (json.dumps(reply) + "\n").encode()
        if self.replies is None:
            Path(self.settings["reply"]).write_bytes(data)
        while self.replies is not None and data:
            data = data[os.write(self.replies, data) :]

    # ---- in the process that has collected ------------------------------------------------------
    def serve(self) -> None:
        with os.fdopen(self.requests, "rb", closefd=False) as lines:
            for line in lines:
                request = json.loads(line)
                if request["do"] == "import":
                    self.answer(self.import_all(request["modules"]))
                else:
                    self.answer(self.in_fork(request))

    def import_all(self, modules: list[str]) -> dict[str, Any]:
        """Import what the tests import later, and look at which functions there are."""
        for name in modules:
            with contextlib.suppress(Exception):
                importlib.import_module(name)
        self.living = substitute.Living(self.files)
        self.compiled = compiled.Compiled()
        substitute.loaded(self.files)  # so that forks need not ask the disk
        return {"status": "ready"}

    def in_fork(self, request: dict[str, Any]) -> dict[str, Any]:
        """Perform a request in a fork, within its limits; say how the fork ended."""
        read, write = os.pipe()
        start = time.monotonic()
        sys.stdout.flush()
        sys.stderr.flush()
        if (pid := os.fork()) == 0:
            code = 1
            try:
                os.close(read)
                os.setpgid(0, 0)
                _limit(request.get("cpu"))
                self.replies = write
                self.answer(self.perform(request))
                code = 0
            finally:
                os._exit(code)
        os.close(write)
        data, late = _read_all(read, start + request.get("wall", 1e9))
        os.close(read)
        with contextlib.suppress(OSError):
            os.killpg(pid, signal.SIGKILL)  # also what the tests have started
        _, status = os.waitpid(pid, 0)
        seconds = time.monotonic() - start
        if late or (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU):
            return {"status": "timeout", "seconds": seconds}
        try:
            return {**json.loads(data), "seconds": seconds}
        except ValueError:
            how = f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else "an early end"
            return {"status": "crash", "message": how, "seconds": seconds}

    # ---- where the tests run --------------------------------------------------------------------
    def perform(self, request: dict[str, Any]) -> dict[str, Any]:
        """Run tests on the texts of a request; `do` is "run", "reach" or "call"."""
        try:
            if request["do"] == "reach":
                return self.reach(request)
            self.put(request.get("texts", {}), request.get("originals", {}))
            if request["do"] == "call":  # a function of a file of minires: call(server, request)
                sys.path.append(request["path"])
                module = importlib.import_module(request["module"])
                return module.serve(self, request)  # type: ignore[no-any-return]
            return self.run(request.get("tests"), stop=True)
        except substitute.CannotSwap as error:
            return {"status": "unswappable", "message": str(error)}
        except BaseException:
            return {"status": "error", "message": traceback.format_exc()}

    def put(self, texts: dict[str, str], originals: dict[str, str]) -> None:
        """Let `texts` run in the place of the files: in what is loaded, and in what will be."""
        substitute.install(texts)
        if "request" in self.settings:
            return  # there since before anything was imported
        changed = []
        for file, module_file in _loaded_as(texts):
            living = self.living or substitute.Living(self.files)
            changed += substitute.swap(living, module_file, originals[file], texts[file])
        if changed:
            try:
                (self.compiled or compiled.Compiled()).forget(changed)
            except LookupError as error:
                raise substitute.CannotSwap(str(error)) from None

    def run(self, tests: list[str] | None, stop: bool) -> dict[str, Any]:
        """Run tests in the order given; stop at the first failure if `stop`."""
        items = [self.items[t] for t in (self.items if tests is None else tests) if t in self.items]
        self.failures.clear()
        self.session.items = items
        durations = {}
        for item, following in zip(items, [*items[1:], None], strict=False):
            self.now, start = item.nodeid, sum(os.times()[:4])
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            durations[item.nodeid] = sum(os.times()[:4]) - start
            if self.failures and stop:
                break
        reply: dict[str, Any] = {"status": "failed" if self.failures else "passed"}
        if self.failures:
            reply["test"], reply["message"] = self.failures[0]
        modules = sorted(set(substitute.loaded(self.files).values()))
        return {**reply, "durations": durations, "modules": modules}

    def reach(self, request: dict[str, Any]) -> dict[str, Any]:
        """Run all tests and say which of them enter which `places` (file, name, line)."""
        numbers: dict[str, dict[tuple[str, int], int]] = {}
        spots: list[list[int]] = []  # number that reports -> the places it stands for
        blind: set[int] = set()
        for k, (file, name, line) in enumerate(request["places"]):
            own = (os.path.realpath(file), name, line)
            spots_of = self.entries(own)
            if spots_of == []:
                blind.add(k)  # compiled, and nobody seen to call it
            for spot in [own] if spots_of is None else spots_of:
                n = numbers.setdefault(spot[0], {}).setdefault(spot[1:], len(spots))
                if n == len(spots):
                    spots.append([])
                spots[n].append(k)
        reached: dict[int, dict[str, None]] = {k: {} for k in range(len(request["places"]))}

        def entered(number: int, _: dict[str, Any]) -> None:
            for k in spots[number]:
                reached[k][self.now] = None

        self.now = ""
        reach.report_to(entered)
        originals, texts = {}, {}
        for file, wanted in numbers.items():
            originals[file] = Path(file).read_text(encoding="utf-8-sig")
            text = reach.instrumented(originals[file], wanted)
            if text is not None:
                texts[file] = text
        self.living = substitute.Living([*self.files, *texts])
        unknown = self.put_each(texts, originals)
        reply = self.run(request.get("tests"), stop=True)
        found = {k: list(tests) for k, tests in reached.items()}
        blind |= {k for file in unknown for n in numbers[file].values() for k in spots[n]}
        return {**reply, "reached": {k: v for k, v in found.items() if k not in blind}}

    def put_each(self, texts: dict[str, str], originals: dict[str, str]) -> list[str]:
        """Put every text that can be; return the other files."""
        failed, kept = [], {}
        for file, text in texts.items():
            try:
                self.put({file: text}, originals)
                kept[file] = text
            except substitute.CannotSwap:
                failed.append(file)
        substitute.install(kept)
        return failed

    # ---- for the search of tests that kill: what the module of a "call" uses --------------------
    cannot_swap = substitute.CannotSwap

    def modules_of(self, files: list[str]) -> list[str]:
        """Return the names of the modules made from files."""
        return list(substitute.loaded(files).values())

    def functions_of(self, text: str) -> list[tuple[str, int]]:
        """Return (qualified name, first line) of the functions of a source."""
        return [(name, reach.first_line(n)) for name, n in reach.functions(ast.parse(text))]

    @contextlib.contextmanager
    def in_place(self, file: str, original: str, text: str) -> Iterator[None]:
        """Let `text` run in place of a file for a while."""
        before = [(f, f.__code__) for fs in self.living.functions.values() for f in fs]
        try:
            self.put({file: text}, {file: original})
            yield
        finally:
            changed = [f for f, code in before if f.__code__ is not code]
            for f, code in before:
                f.__code__ = code
            substitute.install({})
            self.compiled.forget(changed)

    @contextlib.contextmanager
    def reporting(
        self, file: str, original: str, numbers: dict[tuple[str, int], int], function: Any
    ) -> Iterator[None]:
        """Let functions of a file call `function(number, arguments)` when they are entered."""
        reach.report_to(function)
        kept = {
            spot: n
            for spot, n in numbers.items()
            if self.entries((os.path.realpath(file), *spot)) is None
        }
        text = reach.instrumented(original, kept)
        with contextlib.nullcontext() if text is None else self.in_place(file, original, text):
            yield

    def entries(self, spot: tuple[str, str, int]) -> list[Any] | None:
        """Return the plain functions that call a compiled one."""
        if self.living is None or self.compiled is None or not self.compiled.dispatchers:
            return None
        for f in self.living.functions.get(spot, ()):
            found: list[Any] | None = reach.entries(self.compiled, f, compiled.mentioned)
            if found is not None:
                return found
        return None


def _loaded_as(texts: dict[str, str]) -> list[tuple[str, str]]:
    """Return (file, its name in its module) of the files that are imported."""
    names = {os.path.realpath(name): name for name in substitute.loaded(list(texts))}
    return [(f, names[os.path.realpath(f)]) for f in texts if os.path.realpath(f) in names]


def _read_all(fd: int, until: float) -> tuple[bytes, bool]:
    """Read until the line or the pipe ends; also say whether `until` came first."""
    data = b""
    while not data.endswith(b"\n"):
        if not select.select([fd], [], [], max(0.0, min(until - time.monotonic(), 1e6)))[0]:
            return data, True
        more = os.read(fd, 1 << 16)
        if not more:
            break
        data += more
    return data, False


def _limit(cpu: float | None) -> None:
    """Allow this process `cpu` more seconds of its processors, and some more memory."""
    import resource

    def lower(kind: int, value: int) -> None:
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (value, hard))

    lower(resource.RLIMIT_CORE, 0)
    if cpu is not None:
        lower(resource.RLIMIT_CPU, int(cpu) + 1)
    with contextlib.suppress(OSError, ValueError):
        pages = int(Path("/proc/self/statm").read_bytes().split()[0])
        lower(resource.RLIMIT_AS, pages * resource.getpagesize() + MEMORY)


def main(path: str) -> int:
    """Run pytest with the settings of a file."""
    settings = json.loads(Path(path).read_text(encoding="utf-8"))
    sys.path[0] = os.getcwd()  # as `python -m pytest`; this folder is no place to import from
    server = Server(settings)
    if "request" in settings:
        substitute.install(settings["request"].get("texts", {}))
    code = pytest.main(settings["pytest"], plugins=[server])
    if not server.answered:
        server.answer({"status": "broken", "test": "", "message": f"pytest ended with {code!r}"})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
