"""What lesson 14 states, asserted on what its script measures."""

import numpy as np
import pytest

from minires.lessons import spread

NUMBERS = {
    "0.05": "setting: rate of transfer.adapt from scratch",
    "0.02": "setting: rate of transfer.adapt otherwise",
    "16": "setting: pixels of the enlarged digits, or filters of ResNet-20",
    "9": "definition: the last digit",
    "32": lambda n: n["STAGES"]["second"].stop - n["STAGES"]["second"].start,
    "80": "definition: four of five classes, guessed",
    "27": lambda n: n["trained_numbers"](2, 3),
    "112": lambda n: n["known"].shape[1],
    "0.9": lambda n: n["old_part"](1, 0.1),
}


def claims(n):
    first, near = n["first"], n["near_means"]
    scratch, tuned, frozen = n["SCRATCH"], n["TUNED"], n["FROZEN"]
    assert n["trained_numbers"](16, 10) == sum(p.size for p in n["source"].fc.parameters())
    assert n["size"] == 269_722
    assert first[tuned] < first[scratch]
    assert first[frozen] < first[scratch]
    assert n["best_stage"] == "second"
    assert n["stage_first"]["second"] < n["stage_first"]["third"] - 5
    assert first[frozen] < n["random_best"] - 5  # it is the training, not the architecture
    assert n["random_last"] < n["controls"]["raw pixels"][:, -1].mean()
    assert n["after"] > n["before"] + 20
    stays = n["melted"][n["STAYS"]]
    assert (stays == stays[:, :1]).all()
    assert n["melted"][n["MELTS"]][:, 0] == pytest.approx(stays[:, 0])
    for epochs in n["EPOCHS"]:
        assert near["head only" + n["of"](epochs)] > near[scratch]
    assert (n["sizes"][8]["second"] == n["frozen"]["second"]).all()
    assert n["cifar"]["last stage"][5] < n["cifar"][scratch][5] - 5
    assert n["cifar"][tuned][100] < n["cifar"]["head only"][100]
    assert all(v >= k for k, v in n["equal"].items())
    if not n["lesson"].fast:
        in_depth(n)


def in_depth(n):
    """What a training of a few steps does not show."""
    first, last = n["first"], n["last"]
    scratch, tuned = n["SCRATCH"], n["TUNED"]
    assert first[tuned] < first[scratch] - 3
    assert last[tuned] < first[tuned] - 8
    ways = n["ways"]
    assert (ways[tuned].mean(axis=0) < ways[scratch].mean(axis=0)).all()
    assert n["lead"][8][0] > 5  # of the second stage, which is lost
    assert max(n["lead"][16]) < 2  # with larger pictures
    assert n["all_best"] == 4
    assert min(v / k for k, v in n["equal"].items()) > 2  # "several times as many"
    assert n["stage_first"]["third"] > first[scratch]
    near = n["near_means"]["fine-tuned" + n["of"](n["EPOCHS"][-1])]
    assert near > n["near_means"][scratch] - 5  # of little use
    assert np.mean(n["refitted"][n["MELTS"]]) < 20  # good features, for another head
    assert np.mean(n["longer"]) < last[scratch]
    assert np.mean(n["quality"][n["EPOCHS"][-1]]) < 10 < np.mean(n["quality"][n["EPOCHS"][0]])


def headline(n):
    ways = n["ways"]
    few, many = n["FEW"], n["MANY"]
    return {
        "what": f"errors on digits, {few} and {many} labels per class: from scratch, fine-tuned "
        "from photographs (%)",
        "measured": "; ".join(
            ", ".join(spread(ways[n[how]][:, i], "{:.0f}") for how in ("SCRATCH", "TUNED"))
            for i in (0, -1)
        ),
        "reference": "Yosinski et al. 2014: features of a distant task can beat random ones",
        "verdict": "it pays; frozen, at 8 pixels, the last stage does not "
        f"({n['stage_first']['third']:.0f} %), "
        f"the {n['best_stage']} does ({n['stage_first'][n['best_stage']]:.0f} %)",
    }
