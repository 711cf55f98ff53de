"""Damaged and hostile weight files by the thousand: each gives an error in words, or right arrays.

    python tests/weights/fuzz.py --count 100000 --torch     files of each format; prints a table

A worker reads the files, with little memory and a limit of time for each. What counts as wrong:

crash     the worker dies (read outside, stack overflow), or an exception that is no ValueError
code      anything is executed, opened, started or imported while a file is read
memory    MemoryError with 512 MiB to spare, for files of a few kB
hang      a file takes more than 10 s
outside   a number that is not among the bytes of the file
differs   NumPy, the safetensors library or, with --torch, PyTorch's allow-list loader reads others
"""

import argparse
import contextlib
import faulthandler
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import warnings
import zipfile
from pathlib import Path

import mutate
import numpy as np

KINDS = ("zip", "legacy", "npz", "safetensors")
WRONG = ("crash", "code", "memory", "hang", "outside", "differs")
COUNTS = ("files", "loaded", "refused", "compared", *WRONG)
CHUNK, MEMORY, SECONDS = 20_000, 512 << 20, 10
QUIET = ("object.", "builtins.id", "sys._getframe", "gc.", "code.__new__", "marshal.", "compile")


# ---- a worker -----------------------------------------------------------------------------------
def work(kind, seed, first, last, folder, with_torch):
    """Read files number `first` to `last`; return counts, and which files are wrong."""
    from minires import weights

    if with_torch:
        import torch

        torch.serialization.add_safe_globals([argparse.Namespace])
    files = mutate.seeds(kind)
    path, mark = Path(folder) / "w.bin", os.open(Path(folder) / "at", os.O_RDWR | os.O_CREAT)
    for data in files:  # imports what reading needs, and what the peer needs
        path.write_bytes(data)
        assert same(arrays := weights.load(path), peer(kind, data, arrays))
    b"".decode("cp437")
    signal.signal(signal.SIGALRM, _too_long)
    events, watching = [], [False]

    def watch(event, arguments):
        if not watching[0] or event.startswith(QUIET) or arguments[:1] == (str(path),):
            return
        if event != "open" or arguments[0] != str(path):
            events.append(f"{event} {arguments!r}"[:200])

    sys.addaudithook(watch)
    limit_memory()
    found = dict.fromkeys(COUNTS, 0) | {"slowest": 0.0, "wrong": [], "said": {}}
    for n in range(first, last):
        os.pwrite(mark, f"{n:12}".encode(), 0)
        data = mutate.nth(kind, files, seed, n)
        path.write_bytes(data)
        if n % 50 == 0:  # where no signal gets through
            faulthandler.dump_traceback_later(6 * SECONDS, exit=True)
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
        events.clear()
        watching[0], start, arrays, what = True, time.process_time(), None, ""
        try:
            arrays = weights.load(path)
        except ValueError as error:
            what = "refused" if str(error).startswith(f"{path}: ") else "crash"
            said = str(error).removeprefix(f"{path}: ")
        except MemoryError:
            what, said = "memory", "MemoryError"
        except TimeoutError:
            what, said = "hang", f"more than {SECONDS} s"
        except BaseException as error:
            what, said = "crash", repr(error)
        watching[0] = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        found["slowest"] = max(found["slowest"], time.process_time() - start)
        if events:
            what, said = "code", events[0]
        elif arrays is not None:
            what, said = judged(kind, data, arrays, found)
        found["files"] += 1
        found[what] += 1
        if what in WRONG:
            found["wrong"].append((n, what, said))
        if what == "refused":
            key = "".join(c for c in said[:50] if not c.isdigit())
            found["said"][key] = found["said"].get(key, 0) + 1
    faulthandler.cancel_dump_traceback_later()
    return found


def judged(kind, data, arrays, found):
    """Return ("loaded", "") for right arrays, else what is wrong with them."""
    if sum(a.nbytes for a in arrays.values()) > (1 << 27):
        return "memory", "more than 128 MiB of arrays"
    if number := outside(data, arrays):
        return "outside", number
    with contextlib.suppress(BaseException):
        other = peer(kind, data, arrays)
        if other is not None:
            found["compared"] += 1
            # PyTorch gives memory that nobody has written, for some damaged directories.
            if not same(arrays, other) and same(other, peer(kind, data, arrays)):
                return "differs", f"{arrays} {other}"[:300]
    return "loaded", ""


def outside(data, arrays):
    """Return a number of the arrays whose bytes are not in the file, or ""."""
    if data.startswith(b"PK") and any(
        entry.compress_type for entry in zipfile.ZipFile(io.BytesIO(data)).infolist()
    ):
        return ""
    for name, array in arrays.items():
        if array.dtype == bool:
            continue
        bits = np.ravel(array)[:1000].view(f"u{array.itemsize}")
        for x in np.unique(bits):
            ways = [x.tobytes(), x.tobytes()[::-1]]
            if array.dtype == np.float32 and not x & 0xFFFF:  # it was bfloat16
                ways += [ways[0][2:], ways[1][:2]]
            if not any(way in data for way in ways):
                return f"{name}: {x!r}"
    return ""


def peer(kind, data, arrays):
    """Return what another program reads; of a checkpoint the part that has the arrays' names."""
    if kind == "npz":
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    if kind == "safetensors":
        from safetensors import deserialize

        return {name: bytes(t["data"]) for name, t in deserialize(data)}
    if "torch" not in sys.modules:
        return None
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = torch.load(io.BytesIO(data), weights_only=True)
    parts = [found]
    for part in parts:
        tensors = {k: v for k, v in part.items() if isinstance(v, torch.Tensor)}
        if set(tensors) == set(arrays):
            floats = {k: v.float() if v.dtype == torch.bfloat16 else v for k, v in tensors.items()}
            return {k: v.detach().numpy() for k, v in floats.items()}
        parts += [v for v in part.values() if isinstance(v, dict) and len(parts) < 100]
    return {}


def same(arrays, other):
    """Tell whether two sets of arrays are equal; of some peers only the bytes are known."""
    if other is None:
        return True
    if set(arrays) != set(other):
        return False
    return all(
        np.array_equal(a, o, equal_nan=True) and a.shape == o.shape
        if isinstance(o := other[name], np.ndarray)
        else a.dtype == bool
        or a.tobytes() == o
        or a.tobytes()[2::4] + a.tobytes()[3::4] == o[::2] + o[1::2]
        for name, a in arrays.items()
    )


def limit_memory():
    """Let this process have no more than `MEMORY` above what it has."""
    import resource

    with open("/proc/self/statm", "rb") as file:
        now = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY, now + MEMORY))


def _too_long(*_):
    raise TimeoutError


# ---- all of them --------------------------------------------------------------------------------
def fuzz(kind, count, seed, folder, with_torch):
    """Read `count` files in workers, a new one after each that dies; return the sums."""
    total = dict.fromkeys(COUNTS, 0) | {"slowest": 0.0, "wrong": [], "said": {}}
    first = 0
    while first < count:
        last = min(first + CHUNK, count)
        (Path(folder) / "at").write_bytes(b"")
        call = [sys.executable, __file__, "--worker", kind, str(seed), str(first), str(last)]
        call += [folder, "torch" if with_torch else ""]
        done = subprocess.run(
            call, capture_output=True, encoding="utf-8", check=False, timeout=3600
        )
        if done.returncode:
            if not (mark := (Path(folder) / "at").read_bytes()):
                raise RuntimeError(f"a worker did not begin: {done.stderr}")
            at = int(mark)
            total["crash"] += 1
            total["wrong"].append((at, "crash", f"exit {done.returncode}: {done.stderr[-1500:]}"))
            total["files"] += at + 1 - first
            first = at + 1
            continue
        found = json.loads(done.stdout.splitlines()[-1])
        for key in COUNTS:
            total[key] += found[key]
        for key, n in found["said"].items():
            total["said"][key] = total["said"].get(key, 0) + n
        total["wrong"] += found["wrong"]
        total["slowest"] = max(total["slowest"], found["slowest"])
        first = last
    return total


def main():
    """Print the table; return 1 if anything is wrong."""
    if sys.argv[1:2] == ["--worker"]:
        kind, seed, first, last, folder, peer = sys.argv[2:]
        print(json.dumps(work(kind, seed, int(first), int(last), folder, peer == "torch")))
        return 0
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000, help="files of each format")
    parser.add_argument("--seed", default="0")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    parser.add_argument("--messages", action="store_true", help="print the commonest errors, too")
    parser.add_argument("--torch", action="store_true", help="compare with PyTorch, too")
    parser.add_argument("--keep", type=Path, help="folder for the files that are wrong")
    args = parser.parse_args()
    print(f"| format | {' | '.join(COUNTS)} | slowest (s) |\n|---{'|---' * (len(COUNTS) + 1)}|")
    wrong = False
    for kind in args.kinds:
        in_memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        with tempfile.TemporaryDirectory(dir=in_memory) as folder:
            found = fuzz(kind, args.count, args.seed, folder, args.torch)
        cells = [f"{found[key]:,}" for key in COUNTS]
        print(f"| {kind} | {' | '.join(cells)} | {found['slowest']:.2f} |", flush=True)
        for n, what, said in found["wrong"][:20]:
            print(f"    {kind} {args.seed} {n}: {what}: {said}")
            if args.keep is not None:
                args.keep.mkdir(parents=True, exist_ok=True)
                data = mutate.nth(kind, mutate.seeds(kind), args.seed, n)
                (args.keep / f"{kind}-{args.seed}-{n}.bin").write_bytes(data)
        if args.messages:
            for key, n in sorted(found["said"].items(), key=lambda item: -item[1])[:25]:
                print(f"    {n:7,}  {key}")
        wrong = wrong or bool(found["wrong"])
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
