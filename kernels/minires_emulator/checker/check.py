"""Check one file: choose its kernels and launches, start the tasks, gather what they find."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from . import process
from .findings import ERROR, UNCHECKED, WARNING, Finding, merge
from .launch import Launch, canonical, parse
from .launch import check as check_launch
from .runs import NO_END
from .source import Kernel, Source, read

DEFAULT_ARCHS = ("sm_75", "sm_80", "sm_90", "sm_120")


@dataclass(frozen=True)
class Settings:
    """What the command line asks for; see `minires cuda-check --help`."""

    names: Sequence[str] = ()
    launches: Sequence[str] = ()
    archs: Sequence[str] | None = None  # None: those of DEFAULT_ARCHS that NVRTC knows
    sizes: Sequence[int] = (1, 31, 32, 33, 1000)
    limit: float = 20.0  # seconds of one run
    grace: float = 20.0  # seconds more, for a process that does not end by itself
    options: Sequence[str] = ()
    profile: bool = False
    compile: bool = True
    check: bool = True


@dataclass
class KernelResult:
    """What was seen of one kernel: resources by architecture, its runs, and its profile."""

    name: str
    line: int
    resources: dict[str, dict[str, int | None]] = field(default_factory=dict)
    launches: list[dict[str, str]] = field(default_factory=list)
    guessed: str | None = None  # the launch that was guessed, as a comment for the file
    profile: list[dict[str, Any]] = field(default_factory=list)
    profiled: str | None = None  # the launch of the profile


@dataclass
class Result:
    """What was seen of a file. `nvrtc` and `compiler` are None if that part did not run."""

    source: Source
    kernels: dict[str, KernelResult]
    nvrtc: str | None = None
    compiler: str | None = None
    findings: list[Finding] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether all was looked at, and nothing but warnings was found."""
        return all(f.severity == WARNING for f in self.findings)


def check_file(path: Path, settings: Settings) -> Result:
    """Compile and run the kernels of a file; raises ValueError or OSError for a wrong call."""
    source = read(path)
    targets, templates = select(source, settings.names, settings.launches)
    result = Result(source, {name: KernelResult(name, k.line) for name, (k, _) in targets.items()})
    for template in templates:
        text = (
            "a template of which nobody names an instantiation; write for example "
            f"`// check: kernel {template.name}<float>` above it"
        )
        place = [(source.file, template.line)]
        result.findings.append(Finding(UNCHECKED, "template", text, template.name, place))
    tasks: list[dict[str, Any]] = []
    if settings.compile and targets:
        asked = settings.archs is not None
        for arch in settings.archs or DEFAULT_ARCHS:
            tasks.append({"part": "compile", "arch": arch, "asked": asked})
    for name, (kernel, launches) in targets.items() if settings.check else ():
        told = [(launch.text, launch.origin) for launch in launches]
        task = {"part": "check", "kernel": name, "names": kernel.parameters, "launches": told}
        tasks.append(task)
    folder = str(source.path.resolve().parent)
    job = asdict(settings) | {
        "text": source.text,
        "file": source.file,
        "lines": {k.name: k.line for k in result.kernels.values()},
        "folder": folder,
        "options": [f"-I{folder}", *settings.options],
    }
    for task, event in process.run(job, tasks):
        _take(result, task, event)
    return result


def _take(result: Result, task: dict[str, Any], event: dict[str, Any]) -> None:
    """Add an event of the worker to the result; ValueError if it tells of a wrong call."""
    match event:
        case {"finding": fields}:
            places = [(file, line) for file, line in fields["places"]]
            merge(result.findings, Finding(**fields | {"places": places}))
        case {"wrong": text}:
            raise ValueError(text)
        case {"lost": _}:
            merge(result.findings, _lost(task.get("kernel"), event))
        case {"nvrtc": version}:
            result.nvrtc = version
        case {"compiler": version}:
            result.compiler = version
        case {"kernel": name, "arch": arch, "resources": used}:
            result.kernels[name].resources[arch] = used
        case {"kernel": name, "guessed": text}:
            result.kernels[name].guessed = text
        case {"kernel": name, "ran": launch, "origin": origin}:
            result.kernels[name].launches.append({"launch": launch, "origin": origin})
        case {"kernel": name, "profile": rows, "launch": launch}:
            kernel = result.kernels[name]
            if sum(r["requests"] for r in rows) > sum(r["requests"] for r in kernel.profile):
                kernel.profile, kernel.profiled = rows, launch


def _lost(kernel: str | None, event: dict[str, Any]) -> Finding:
    """The worker did not survive a task, or ended itself."""
    ran = event["step"].startswith(f"{kernel} ")
    text = f"{event['step']}: {event['lost']}"
    if ran:
        late = event["kind"] == "time limit"
        text += f"; {NO_END}" if late else "; the other launches of this kernel did not run"
    details = event["told"].splitlines()[-3:]
    return Finding(ERROR if ran else UNCHECKED, event["kind"], text, kernel, details=details)


Targets = dict[str, tuple[Kernel, list[Launch]]]


def select(
    source: Source, names: Sequence[str], launches: Sequence[str]
) -> tuple[Targets, list[Kernel]]:
    """Return what to look at, in the file's order, and the templates that nobody instantiates.

    `names` and `launches` are the command line's: names leave out all other kernels, a launch
    replaces those that the file gives for its kernel. Raises ValueError for what does not fit.
    """
    in_file, instances = _comments(source)
    comment = r"^\s*(//\s*check:\s*)?(launch\s+)?"  # the whole of it may have been copied
    given = [parse(re.sub(comment, "", text), "--launch") for text in launches]
    replaced = {launch.kernel for launch in given}
    all_launches = given + [launch for launch in in_file if launch.kernel not in replaced]
    wanted = [canonical(name, "--kernel") for name in names]
    if not wanted:
        wanted = [k.name for k in source.kernels.values() if not k.template]
        wanted += instances + [launch.kernel for launch in all_launches]
    for launch in given:
        if launch.kernel not in wanted:
            raise ValueError(f"--launch speaks of {launch.kernel}, which --kernel leaves out")
    targets: Targets = {}
    order = list(source.kernels)
    for name in sorted(dict.fromkeys(wanted), key=lambda n: _place(order, n)):
        kernel = _kernel(source, name)
        own = [launch for launch in all_launches if launch.kernel == name]
        for launch in own:
            _check(launch, kernel)
        targets[name] = kernel, own
    found = {kernel.name for kernel, _ in targets.values()}
    left = [k for k in source.kernels.values() if k.template and k.name not in found]
    return targets, [] if names else left


def _place(order: list[str], name: str) -> int:
    kernel = name.partition("<")[0]
    return order.index(kernel) if kernel in order else len(order)


def _comments(source: Source) -> tuple[list[Launch], list[str]]:
    """Return the launches and the instantiations that the file's comments name."""
    launches, instances = [], []
    for line, text in source.comments:
        origin = f"{source.file}:{line}"
        word, _, rest = text.partition(" ")
        if word == "kernel":
            instances.append(canonical(rest, origin))
        elif word == "launch":
            launches.append(parse(rest, origin))
        else:
            raise ValueError(
                f"{origin}: expected `// check: kernel …` or `// check: launch …`, got {text!r}"
            )
    return launches, instances


def _kernel(source: Source, expression: str) -> Kernel:
    name, template = expression.partition("<")[::2]
    kernel = source.kernels.get(name)
    if kernel is None:
        raise ValueError(
            f"{source.path} has no kernel {name!r}; it has {', '.join(source.kernels)} (those that "
            "macros write are not seen)"
        )
    if kernel.template and not template:
        raise ValueError(f"{name} is a template; name an instantiation, such as {name}<float>")
    if template and not kernel.template:
        raise ValueError(f"{name} is no template; name it without <…>, got {expression!r}")
    return kernel


def _check(launch: Launch, kernel: Kernel) -> None:
    """Raise ValueError unless the launch speaks of one of the kernel's lists of parameters."""
    errors = []
    for parameters in kernel.parameters:
        try:
            return check_launch(launch, parameters)
        except ValueError as error:
            errors.append(error)
    raise errors[0]
