"""How often the diagnosis of gradient flow is right on nets that it was not calibrated on.

    python -m benchmarks.diagnosis [--seeds 3]

Each net of diagnosis_nets with each seed: a hit if one of the ailments that it has is found, a miss
if not; of the healthy ones each finding is a false alarm.
"""

from __future__ import annotations

import argparse
from typing import Any

from minires import gradflow, optim, results

from . import diagnosis_nets as nets

FIRST = 1000  # of the seeds


def findings(case: nets.Case, seed: int) -> Any:
    """Return what the diagnosis says of a case."""
    net, (x, y) = nets.trained(case, seed)
    sgd = None
    if case.measured_rate is not None:
        sgd = optim.SGD(net.parameters(), lr=case.measured_rate)
    return gradflow.profile(net, x, y, optimizer=sgd).diagnosis


def judge(case: nets.Case, found: Any) -> str:
    """Return "right", "false alarm", "miss", or "other" for a sick net with another finding."""
    names = {finding.name for finding in found.findings}
    if not case.ailments:
        return "right" if not names else "false alarm"
    if names & set(case.ailments):
        return "right"
    return "other" if names else "miss"


def main() -> None:
    """Print what was found where it is not right, and the counts."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=3)
    seeds = parser.parse_args().seeds
    rows = []
    for case in [*nets.HEALTHY, *nets.SICK, *nets.BORDER]:
        for seed in range(FIRST, FIRST + seeds):
            found = findings(case, seed)
            verdict = judge(case, found)
            rows.append((bool(case.ailments), verdict))
            if verdict != "right":
                print(f"{verdict}: {case.name}, seed {seed}", flush=True)
                print("\n".join(f"  {f.name}: {f.text}" for f in found.findings), flush=True)
    lines = [
        {"nets": kind, "right": 0, "false alarm": 0, "miss": 0, "other": 0}
        | {"all": sum(sick == (kind == "sick") for sick, _ in rows)}
        for kind in ("healthy", "sick")
    ]
    for sick, verdict in rows:
        lines[sick][verdict] += 1  # type: ignore[operator]
    print(results.table(lines))


if __name__ == "__main__":
    main()
