"""How tests run: in the same surroundings wherever pytest is started, and on several cores.

Each test ends by itself: after `timeout` (pyproject.toml) it fails with the stacks of all threads.
A test that no signal reaches, say in an endless compiled loop, takes its process along after
`faulthandler_timeout`. Both need the signals that a run may have inherited as ignored or blocked.

    python -m pytest            as many processes as there are cores, 4 at most
    python -m pytest -n 0       one process, whose kernels use all cores
    python -m pytest FILE       one process too; and with --pdb or -s
    python -m pytest -m slow    whole matrices, where the others run a case of each
"""

import atexit
import contextlib
import gc
import os
import shutil
import signal
import tempfile
import threading
import time
from pathlib import Path

import hypothesis
import pytest

MOST_PROCESSES = 4
SLOW_LIMIT = 500  # s
STATUS = pytest.StashKey()  # how the session ended
KEPT = {
    "MINIRES_CACHE_DIR", "MINIRES_CXX", "MINIRES_PYODIDE",
    "NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES",
}  # fmt: skip
SETTINGS = (
    "MINIRES_", "NUMBA_", "LC_", "LANG", "MPL", "OMP_", "OPENBLAS_", "MKL_",
    "COLUMNS", "LINES", "FORCE_COLOR", "PYTHONWARNINGS", "PYTHONOPTIMIZE", "PYTHONDEVMODE",
    "PYTHONUTF8", "PYTHONIOENCODING", "PYTHONCOERCECLOCALE", "PYTHONINSPECT",
)  # fmt: skip


def _reset_signals():
    """Take back what a script that runs this in the background, or a supervisor, has set."""
    handlers = {"SIGINT": signal.default_int_handler, "SIGPIPE": signal.SIG_IGN}
    for name in ("SIGTERM", "SIGCHLD", "SIGALRM", "SIGSEGV", "SIGFPE", "SIGBUS", "SIGILL"):
        handlers[name] = signal.SIG_DFL
    for name, handler in handlers.items():
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) in (signal.SIG_IGN, signal.SIG_DFL):
            signal.signal(number, handler)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _reset_limits():
    """No crash that a test provokes leaves a core file; files are opened as far as allowed."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = 1024 if hard == resource.RLIM_INFINITY else min(hard, 1024)
        if soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _reset_environment():
    """Leave no setting of minires, Numba, BLAS, Matplotlib, Python, the terminal or the language.

    Processes that tests start inherit all this.
    """
    for name in list(os.environ):
        if name.startswith(SETTINGS) and name not in KEPT:
            del os.environ[name]
    os.environ |= {"MPLBACKEND": "Agg", "LC_ALL": "C.UTF-8", "PYTHONUTF8": "1"}
    if os.name == "posix":
        os.environ["HOME"] = _home()
    if not _is_text(tempfile.gettempdir()):
        for name in ("TMPDIR", "TEMP", "TMP"):
            os.environ.pop(name, None)
        tempfile.tempdir = None  # it is looked for again
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", "") and "PYTHONPYCACHEPREFIX" not in os.environ:
        # a third of the time of a small command would be compiling minires anew
        os.environ["PYTHONPYCACHEPREFIX"] = _for_this_run("minires-bytecode-")
    if "PYTEST_XDIST_WORKER" in os.environ:  # the other cores are for the other processes
        os.environ["MINIRES_NUM_THREADS"] = "1"


def _is_text(path):
    """Tell whether Python could decode a path: in an ASCII locale it cannot where there is an é."""
    try:
        return bool(path.encode())
    except UnicodeEncodeError:
        return False


def _home():
    """Return the user's home if there is one to write to, else a folder for this run."""
    if not os.environ.get("HOME"):
        os.environ.pop("HOME", None)  # and the system knows
    home = os.path.expanduser("~")  # Path.home() raises where nobody knows
    if os.path.isabs(home) and os.access(home, os.W_OK):
        return home
    return _for_this_run("minires-home-")


def _for_this_run(prefix):
    folder = tempfile.mkdtemp(prefix=prefix)
    atexit.register(_remove, folder, os.getpid())
    return folder


def _remove(folder, process):
    if os.getpid() == process:  # not in a forked child
        shutil.rmtree(folder, ignore_errors=True)


_reset_signals()
_reset_limits()
_reset_environment()

from minires_emulator import NoCompiler, compiler  # noqa: E402  (reads the environment)

hypothesis.settings.register_profile("quick", max_examples=15, deadline=None)
hypothesis.settings.register_profile("thorough", max_examples=25, deadline=None)

try:
    compiler()
    MISSING = ""
except NoCompiler as error:
    MISSING = str(error)

# files that run kernels in most of their tests
EMULATED = ("test_device_", "test_benchmarks_gpu", "test_learners_kernels")
collect_ignore_glob = ["cuda/test_emulator*.py"] if MISSING else []  # they compile when imported


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config):
    """Share folders of tests among processes, unless the user says how or looks on."""
    option = config.option
    if "PYTEST_XDIST_WORKER" in os.environ or getattr(option, "numprocesses", 0) is not None:
        return  # one of the processes, which come here too; without xdist; with -n
    if not _is_text(str(config.rootpath)):
        return  # it could not be sent
    looks_on = option.usepdb or option.trace or option.capture == "no" or option.collectonly
    last_failed = getattr(option, "lf", False)  # an option of pytest's cache, which may be off
    few = option.keyword or last_failed or not all(Path(a).is_dir() for a in config.args)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    if not looks_on and not few and (cores or 1) > 1:
        option.numprocesses = min(cores, MOST_PROCESSES)
        option.dist = "worksteal"


def pytest_configure(config):
    if not config.getoption("--hypothesis-profile"):
        slow = "slow" in config.option.markexpr.replace("not slow", "")
        hypothesis.settings.load_profile("thorough" if slow else "quick")


def pytest_generate_tests(metafunc):
    """Run a test that asks for `thorough` twice: on a few of its cases, and, if slow, on all."""
    if "thorough" in metafunc.fixturenames:
        everything = pytest.param(True, marks=pytest.mark.slow, id="all")
        metafunc.parametrize("thorough", [pytest.param(False, id="some"), everything])


@pytest.fixture
def unrendered(monkeypatch):
    """Files of figures with nothing in them: drawing takes longer than a test's nets do."""
    from minires import plotting

    def nothing(_figure, _title, suffixes=(".png", ".svg")):
        return dict.fromkeys(suffixes, b"")

    monkeypatch.setattr(plotting, "render", nothing)
    monkeypatch.setattr(plotting, "label_curves", lambda *axes: None)


def pytest_report_header():
    return f"left out, or skipped: tests of emulated kernels; {MISSING}" if MISSING else None


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Nothing that is loaded now is garbage: looking for it took a third of the collection."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_finish():
    """Everything loaded by now stays: a garbage collection need not look at it each time.

    Nor need it look so often: what is compiled stays too, in a process that compiles much.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


def pytest_sessionfinish(session, exitstatus):
    session.config.stash[STATUS] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config):
    """Python waits for all threads before it ends; not for one that a failed test left waiting."""
    deadline = time.monotonic() + 3
    own = [t for t in threading.enumerate() if t is not threading.current_thread()]
    for thread in own:
        if not thread.daemon:
            thread.join(max(0, deadline - time.monotonic()))
    left = [t.name for t in own if t.is_alive() and not t.daemon]
    if left and STATUS in config.stash and "PYTEST_XDIST_WORKER" not in os.environ:
        print(f"ended without the threads that tests left behind: {', '.join(left)}", flush=True)
        os._exit(config.stash[STATUS])


def pytest_collection_modifyitems(items):
    skip = pytest.mark.skip(reason=MISSING)
    for item in items:
        if item.get_closest_marker("slow") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(SLOW_LIMIT))
        emulated = any(part in item.nodeid for part in ("cuda-sim", "lesson_17_cuda"))
        emulated |= item.path.name.startswith(EMULATED)
        if MISSING and emulated:
            item.add_marker(skip)
