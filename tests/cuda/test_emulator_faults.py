"""Whatever a kernel does, the interpreter goes on: signals, time, threads, forks."""

import contextlib
import multiprocessing
import os
import pickle
import resource
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest

import minires_emulator
from minires_emulator import KernelFault, RawModule, check

CODE = r"""
#define KERNEL extern "C" __global__ void
KERNEL null_pointer(float* y, float* p) { *p = y[0]; }
KERNEL wild(float* y) { y[1ll << 44] = 1; }
KERNEL wild_atomic(float* y) { atomicAdd(y + (1ll << 44), 1); }
KERNEL wild_read(float* y) { y[0] = y[-(1ll << 44)]; }
KERNEL divide(float* y, int n) { y[0] = 7 / n; }
KERNEL remainder(float* y, long long n) { y[0] = 7 % n; }
KERNEL overflow(float* y, int n) { y[0] = (-2147483647 - 1) / n; }
__device__ __noinline__ float deep(int n, float* y) { volatile float own[512]; own[0] = y[0];
    return n ? own[0] + deep(n - 1, y) : 0; }
KERNEL recursion(float* y) { y[0] = deep(1 << 30, y); }
KERNEL large_frame(float* y) { volatile float own[1 << 20]; own[(int)y[0]] = 1; y[0] = own[5]; }
KERNEL trap(float* y) { __trap(); }
KERNEL endless(float* y) { while (true) y[0] = y[0] * 0.5f; }
KERNEL endless_empty(float* y) { volatile int n = 1; while (n) { } }
KERNEL endless_barriers(float* y) { volatile int n = 1; while (n) __syncthreads(); }
KERNEL endless_shuffles(float* y) { volatile int n = 1; while (n) __syncwarp(); }
KERNEL endless_atomics(int* y) { volatile int n = 1; while (n) atomicAdd(y, 1); }
KERNEL endless_prints(float* y) { volatile int n = 1; while (n) printf("%d\n", n); }
KERNEL add(float* y, int n) { for (int i = 0; i < n; i++) atomicAdd(y, 1); }
KERNEL deadlock(float* y) { if (threadIdx.x < 7) __syncwarp(); else __syncthreads(); }
"""
NAMES = [line.split()[1].split("(")[0] for line in CODE.splitlines() if line.startswith("KERNEL ")]
MODULE = RawModule(CODE, name_expressions=NAMES)
f4, i4 = np.float32, np.int32


def run(name, *args, grid=(1,), block=(32,)):
    MODULE.get_function(name)(grid, block, args)


def line_of(name):
    return 1 + next(i for i, s in enumerate(CODE.splitlines()) if f" {name}(" in s)


FAULTS = {
    "null_pointer": ("access to no array's memory", (None,)),
    "wild": ("access to no array's memory", ()),
    "wild_atomic": ("access to no array's memory", ()),
    "wild_read": ("access to no array's memory", ()),
    "divide": ("integer division by zero", (i4(0),)),
    "remainder": ("integer division by zero", (0,)),
    "overflow": ("integer division by zero", (i4(-1),)),
    "recursion": ("stack overflow", ()),
    "large_frame": ("stack overflow", ()),
    "trap": ("trap", ()),
    "deadlock": ("warp intrinsic with missing lanes", ()),
}


@pytest.mark.parametrize("mode", ["fast", "check"])
@pytest.mark.parametrize("name", FAULTS)
def test_faults_do_not_end_the_interpreter(name, mode):
    kind, args = FAULTS[name]
    for _ in range(2):  # the second time, too
        with pytest.raises(KernelFault) as caught:
            if mode == "fast":
                run(name, np.zeros(8, f4), *args)
            else:
                with check():
                    run(name, np.zeros(8, f4), *args)
        (report,) = caught.value.reports
        assert report.kind == kind
        line = line_of("deep" if name == "recursion" else name)
        allowed = {("kernel.cu", line)}
        if name == "recursion":
            allowed.add(("kernel.cu", line + 1))
        if name == "large_frame":
            allowed.add(("", 0))  # the kernel has not begun yet
        assert (report.first.file, report.first.line) in allowed
    y = np.zeros(8, f4)
    run("add", y, i4(3), grid=(2,))
    assert y[0] == 2 * 32 * 3


def test_faults_can_be_pickled():
    with pytest.raises(KernelFault) as caught:
        run("trap", np.zeros(8, f4))
    again = pickle.loads(pickle.dumps(caught.value))
    assert again.reports == caught.value.reports
    assert str(again) == str(caught.value)


ENDLESS = ("endless", "endless_empty", "endless_barriers", "endless_shuffles")


@pytest.mark.parametrize("mode", ["fast", "check"])
@pytest.mark.parametrize("name", [*ENDLESS, "endless_atomics", "endless_prints"])
def test_endless_kernels_end(name, mode, monkeypatch):
    monkeypatch.setattr(minires_emulator, "limit_seconds", 0.2)
    y = np.zeros(8, i4 if "atomics" in name else f4)
    with pytest.raises(KernelFault) as caught:
        if mode == "fast":
            run(name, y)
        else:
            with check():
                run(name, y)
    assert caught.value.reports[-1].kind == "time limit"
    assert caught.value.reports[-1].first.line in (line_of(name), 0)


def test_prints_without_end_are_cut(capsys, monkeypatch):
    monkeypatch.setattr(minires_emulator, "limit_seconds", 1)
    with pytest.raises(KernelFault):
        run("endless_prints", np.zeros(8, f4))
    assert 1000 < len(capsys.readouterr().out) < 2e6


def test_limit_from_the_environment(monkeypatch):
    monkeypatch.setenv("MINIRES_EMULATOR_LIMIT", "0.1")
    with pytest.raises(KernelFault, match="time limit"):
        run("endless", np.zeros(8, f4))
    monkeypatch.setenv("MINIRES_EMULATOR_LIMIT", "soon")
    with pytest.raises(ValueError, match="seconds"):
        run("add", np.zeros(8, f4), i4(1))


def interrupted(name, seconds=0.2):
    """Send this process a SIGINT while a kernel runs."""
    timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT))
    y = np.zeros(8, f4)
    run("add", y, i4(1))  # compiled
    timer.start()
    try:
        with limited(20):
            run(name, y)
    finally:
        timer.join()


@contextlib.contextmanager
def limited(seconds):
    """End every launch within after these seconds, whatever happens to its signals."""
    minires_emulator.limit_seconds = seconds
    try:
        yield
    finally:
        minires_emulator.limit_seconds = None


@pytest.mark.parametrize("name", ENDLESS)
def test_interrupt(name):
    with pytest.raises(KeyboardInterrupt):
        interrupted(name)
    y = np.zeros(8, f4)
    run("add", y, i4(1))
    assert y[0] == 32


def test_interrupt_in_check_mode():
    with pytest.raises(KeyboardInterrupt), check():
        interrupted("endless")


def test_interrupt_calls_the_users_handler():
    class Mine(Exception):
        pass

    def handler(number, frame):
        raise Mine

    before = signal.signal(signal.SIGINT, handler)
    try:
        with pytest.raises(Mine):
            interrupted("endless")
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_handler_that_returns_still_ends_the_kernel():
    seen = []
    before = signal.signal(signal.SIGINT, lambda number, frame: seen.append(number))
    try:
        with pytest.raises(KeyboardInterrupt):
            interrupted("endless")
    finally:
        signal.signal(signal.SIGINT, before)
    assert seen == [signal.SIGINT]


def test_handlers_are_restored():
    def handler(number, frame):
        pass

    numbers = (signal.SIGINT, signal.SIGFPE, signal.SIGSEGV)
    before = [signal.signal(n, handler) for n in numbers]
    try:
        run("add", np.zeros(8, f4), i4(1))
        with pytest.raises(KernelFault):
            run("divide", np.zeros(8, f4), i4(0))
        assert [signal.getsignal(n) for n in numbers] == [handler] * 3
        code = "import signal; signal.raise_signal(signal.SIGFPE)"
        exec(code)  # would end the process, were the handler gone
    finally:
        for number, old in zip(numbers, before):
            signal.signal(number, old)


def test_signals_that_the_process_has_blocked_end_a_kernel_and_stay_blocked():
    code = f"""
import signal, numpy as np, minires_emulator
from minires_emulator import KernelFault, RawModule
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
minires_emulator.limit_seconds = 0.2
before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
module = RawModule({CODE!r}, name_expressions={NAMES!r})
for name, args in (("endless", ()), ("divide", (np.int32(0),)), ("wild", ())):
    try:
        module.get_function(name)((1,), (32,), (np.zeros(8, np.float32), *args))
    except KernelFault as fault:
        print(fault.reports[-1].kind)
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", timeout=60
    )
    assert done.stdout.splitlines() == [
        "time limit", "integer division by zero", "access to no array's memory"
    ], done.stderr  # fmt: skip


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_SIGPENDING"), reason="not on this system")
def test_a_limit_that_cannot_be_kept_is_an_error():
    code = f"""
import resource, numpy as np, minires_emulator
from minires_emulator import RawModule
run = RawModule({CODE!r}, name_expressions={NAMES!r}).get_function("endless")
run.parameters
resource.setrlimit(resource.RLIMIT_SIGPENDING, (0, 0))
minires_emulator.limit_seconds = 1
try:
    run((1,), (32,), (np.zeros(8, np.float32),))
except (MemoryError, minires_emulator.KernelFault) as error:
    print(type(error).__name__, error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", timeout=60
    )
    assert "no timer for the limit" in done.stdout or "time limit" in done.stdout, done.stderr


def test_the_alternate_stack_is_restored():
    """Python's own handler of crashes may use one."""
    code = f"""
import ctypes, numpy as np
from minires_emulator import RawModule
def stack():
    told = (ctypes.c_void_p * 3)()  # a stack_t
    assert ctypes.CDLL(None).sigaltstack(None, told) == 0
    return list(told)
before = stack()
module = RawModule({CODE!r}, name_expressions={NAMES!r})
module.get_function("add")((1,), (32,), (np.zeros(8, np.float32), np.int32(1)))
assert stack() == before
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_a_crash_elsewhere_is_still_a_crash():
    code = f"""
import ctypes, threading, time, numpy as np
from minires_emulator import RawModule
module = RawModule({CODE!r}, name_expressions={NAMES!r})
def run(name, *args): module.get_function(name)((1,), (32,), (np.zeros(8, np.float32), *args))
run("add", np.int32(1))
threading.Thread(target=run, args=("endless",), daemon=True).start()
time.sleep(0.3)
ctypes.string_at(1)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60)
    assert done.returncode == -signal.SIGSEGV


def test_launches_from_several_threads():
    y = np.zeros(8, f4)
    failures = []

    def work(seed):
        for _ in range(20):
            z = np.zeros(8, f4)
            try:
                run("add", z, i4(seed), grid=(3,))
                run("add", y, i4(1))
                if seed == 2:
                    with pytest.raises(KernelFault):
                        run("divide", z, i4(0))
                assert z[0] == 96 * seed
            except BaseException as error:
                failures.append(error)

    workers = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    assert not failures
    assert y[0] == 4 * 20 * 32


def test_check_covers_other_threads():
    caught = []

    def work():
        try:
            run("deadlock", np.zeros(8, f4), block=(64,))
        except KernelFault as fault:
            caught.append(fault)

    with check() as session:
        worker = threading.Thread(target=work)
        worker.start()
        worker.join()
    assert len(caught) == len(session.launches) == 1


def test_python_goes_on_while_a_kernel_runs():
    counted = []
    stop = threading.Event()

    def count():
        while not stop.wait(0.01):
            counted.append(None)

    worker = threading.Thread(target=count)
    worker.start()
    with pytest.raises(KeyboardInterrupt):
        interrupted("endless", 0.5)
    stop.set()
    worker.join()
    assert len(counted) > 5


def _in_child(queue):
    y = np.zeros(8, f4)
    run("add", y, i4(2))
    queue.put(float(y[0]))


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_runs_kernels():
    run("add", np.zeros(8, f4), i4(1))
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_in_child, args=(queue,))
    child.start()
    try:
        assert queue.get(timeout=30) == 64
    finally:
        child.kill()
        child.join()


def test_a_child_forked_during_a_launch_runs_kernels():
    code = f"""
import os, signal, threading, time, warnings, numpy as np
warnings.simplefilter("ignore")
from minires_emulator import RawModule
module = RawModule({CODE!r}, name_expressions={NAMES!r})
def run(name, *args): module.get_function(name)((1,), (32,), args)
run("add", np.zeros(8, np.float32), np.int32(1))
threading.Thread(target=run, args=("endless", np.zeros(8, np.float32)), daemon=True).start()
time.sleep(0.3)
child = os.fork()
if child == 0:
    signal.alarm(20)
    y = np.zeros(8, np.float32)
    run("add", y, np.int32(2))
    os._exit(0 if y[0] == 64 else 3)
os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) & 255)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_launches_leave_no_memory_behind():
    code = f"""
import resource, numpy as np
from minires_emulator import KernelFault, RawModule, check
module = RawModule({CODE!r}, name_expressions={NAMES!r})
y = np.zeros(1 << 18, np.float32)
def run(name, *args):
    try: module.get_function(name)((1,), (32,), (y, *args))
    except KernelFault: pass
def rounds(n):
    for _ in range(n):
        run("add", np.int32(1)), run("divide", np.int32(0)), run("recursion")
        with check(profile=True): run("add", np.int32(1)), run("trap")
    mapped = int(open("/proc/self/statm").read().split()[0]) // 256  # MiB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, mapped
resident, mapped = rounds(5)
after = rounds(40)
assert after[0] - resident < 8, after
assert after[1] - mapped < 500, after
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", timeout=120
    )
    assert done.returncode == 0, done.stderr
