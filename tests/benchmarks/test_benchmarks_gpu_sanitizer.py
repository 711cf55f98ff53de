"""compute-sanitizer over the GPU's checks: what it says is told, and it never hangs the program."""

import os
import select
import subprocess
import sys
import types

from benchmarks import gpu
from benchmarks.gpu.report import Report


def executable(path, body):
    """Write an executable Python program."""
    path.write_text(f"#!{sys.executable}\n{body}\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


FAKE = """
import sys
arguments = dict(zip(sys.argv[1:], sys.argv[2:]))
assert "--plain-memory" in sys.argv and "--quick" in sys.argv
assert arguments["-m"] == "benchmarks.gpu" and arguments["--only"] == "checks"
lines, status = {"memcheck": (["ERROR SUMMARY: 0 errors"], 0),
    "racecheck": (["RACECHECK SUMMARY: 2 hazards displayed (2 errors, 0 warnings)"], 99),
    "synccheck": (["Error: Device not supported"], 255),
    "initcheck": (["ERROR SUMMARY: 0 errors"], 1)}[arguments["--tool"]]
open(arguments["--log-file"], "w").write("".join(f"========= {line}\\n" for line in lines))
sys.exit(status)
"""


def test_the_sanitizers_summaries_are_told(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("CUDA_PATH", raising=False)
    monkeypatch.setenv("CUDA_HOME", str(tmp_path))
    (tmp_path / "bin").mkdir()
    path = executable(tmp_path / "bin" / "compute-sanitizer", FAKE)
    assert gpu.sanitizer.find() == path
    monkeypatch.setattr(gpu.sanitizer, "find", lambda: path)
    report = Report(True, {"device": "Some GPU 7"}, ("sanitizer",), quick=False)
    place = types.SimpleNamespace(measured=True)
    gpu.parts.sanitize(gpu.parts.Session(place, gpu.plan.TINY, report, tmp_path))
    rows = {row["tool"]: row for _, rows, _ in report.sections[0].tables for row in rows}
    assert rows["memcheck"]["result"] == "clean"
    assert rows["racecheck"]["result"] == "ERRORS"
    assert "2 hazards" in rows["racecheck"]["summary"]
    assert rows["synccheck"]["result"] == "no result, exit status 255"
    assert "Device not supported" in rows["synccheck"]["summary"]
    assert "checks themselves failed with exit status 1" in rows["initcheck"]["result"]
    assert [p.split(":")[1].strip() for p in report.problems] == ["racecheck", "initcheck"]


def test_a_tool_that_takes_too_long_is_ended_with_what_it_watches(tmp_path, monkeypatch):
    """The child's child holds a pipe open, and says so; when it is ended, so is the pipe."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    late = f"import time; p = open({str(pipe)!r}, 'wb', 0); p.write(b'here'); time.sleep(100)"
    body = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {late!r}])"
    path = executable(tmp_path / "slow", body)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(reader, True)
    started = []

    class Process(subprocess.Popen):
        def wait(self, timeout=None):
            if timeout is not None:
                assert select.select([reader], [], [], 60)[0]
                started.append(os.read(reader, 4))
            return super().wait(timeout)

    monkeypatch.setattr(gpu.sanitizer.subprocess, "Popen", Process)
    row = gpu.sanitizer.run_tool(path, "memcheck", limit_s=0.1)
    assert row["result"].startswith("no result within")
    assert not row["failed"]
    assert started == [b"here"]
    assert select.select([reader], [], [], 60)[0]
    assert os.read(reader, 4) == b""  # nobody holds it any more
    os.close(reader)
