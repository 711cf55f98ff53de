"""What figures of a GPU depend on: the chip, its clocks and limits, and versions of software.

Whatever a machine does not tell is left out: that must never keep a benchmark from running.
"""

from __future__ import annotations

import datetime
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from minires import __version__

from .. import peers, timing
from .place import Gpu, Place

# What nvidia-smi is asked for, and what reports call it.
QUERY = {
    "driver_version": "driver",
    "clocks.sm": "SM clock",
    "clocks.max.sm": "highest SM clock",
    "clocks.mem": "memory clock",
    "power.draw": "power",
    "power.limit": "power limit",
    "temperature.gpu": "temperature, °C",
    "ecc.mode.current": "ECC",
}


def facts(place: Place, torch: bool) -> dict[str, Any]:
    """Return everything that is known, by name; `torch` imports PyTorch to ask it for more."""
    found: dict[str, Any] = {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "device": place.title,
        "minires": __version__,
        "source": commit(),
    }
    if isinstance(place, Gpu):
        found |= _chip(place) | now(place)
    host = timing.machine()
    found |= {name: host[name] for name in ("cpu", "cores", "python", "numpy")}
    found["PyTorch"] = _told(_torch) if torch else host["torch"]
    return {name: value for name, value in found.items() if value is not None}


def _told(ask: Callable[[], Any]) -> Any:
    """Return what `ask` finds; None where that fails, however it does."""
    try:
        return ask()
    except Exception:
        return None


def _chip(place: Gpu) -> dict[str, Any]:
    cupy, properties = place.cupy, place.properties
    runtime = cupy.cuda.runtime
    return {
        "compute capability": _told(lambda: str(cupy.cuda.Device().compute_capability)),
        "multiprocessors": properties.get("multiProcessorCount"),
        "L2 bytes": properties.get("l2CacheSize"),
        "memory bytes": properties.get("totalGlobalMem"),
        "CuPy": _told(lambda: cupy.__version__),
        "CUDA runtime": _told(lambda: _version(runtime.runtimeGetVersion())),
        "CUDA of the driver": _told(lambda: _version(runtime.driverGetVersion())),
        "NVRTC": _told(lambda: ".".join(map(str, cupy.cuda.nvrtc.getVersion()))),
    }


def _version(number: int) -> str:
    """13020 is 13.2."""
    return f"{number // 1000}.{number % 1000 // 10}"


def _torch() -> str | None:
    torch = peers.torch()
    if torch is None:
        return None
    cudnn = torch.backends.cudnn.version() if torch.cuda.is_available() else None
    return f"{torch.__version__}, CUDA {torch.version.cuda}, cuDNN {cudnn}"


def now(place: Place) -> dict[str, str]:
    """Return what nvidia-smi says of this GPU at the moment; {} where it is absent or silent."""
    if not isinstance(place, Gpu):
        return {}
    bus = _told(lambda: place.cupy.cuda.Device().pci_bus_id)
    which = ["-i", str(bus)] if bus else []
    query = [f"--query-gpu={','.join(QUERY)}", "--format=csv,noheader"]
    text = _told(lambda: _output(["nvidia-smi", *which, *query]))
    lines = (text or "").strip().splitlines()
    values = [value.strip() for value in lines[0].split(",")] if lines else []
    if len(values) != len(QUERY):
        return {}
    known = zip(QUERY.values(), values, strict=True)
    return {name: value for name, value in known if not value.startswith("[")}  # [N/A]


def clocks(place: Place) -> str:
    """Return the clock, power and temperature of the moment as a line, or ""."""
    said = now(place)
    names = ("SM clock", "memory clock", "power", "temperature, °C")
    return ", ".join(f"{name} {said[name]}" for name in names if name in said)


def commit() -> str | None:
    """Return the commit of this source, with "-dirty" after changes; None where git has none."""
    folder = str(Path(__file__).parent)
    describe = ["git", "-C", folder, "describe", "--always", "--dirty", "--exclude=*"]
    return (_told(lambda: _output(describe)) or "").strip() or None


def _output(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True, timeout=20)
    return done.stdout
