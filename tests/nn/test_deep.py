"""Nets of a thousand layers: built at once, shown on a page, trained within two gigabytes."""

import json
import subprocess
import sys
import time

import pytest

from minires import models, nn

STEP = """
import json, resource, sys
import numpy as np
import minires as mr
import minires.functional as F
from minires import models

batch = int(sys.argv[1])
net = models.resnet1202(width=4, seed=0)
optimizer = mr.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)
x = np.random.default_rng(0).standard_normal((batch, 3, 32, 32), dtype=np.float32)
loss = F.cross_entropy(net(mr.tensor(x)), np.arange(batch) % 10)
loss.backward()
optimizer.step()
unit = 1 if sys.platform == "darwin" else 1024
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
print(json.dumps([float(loss.data), peak]))
"""


def step(batch):
    """Return loss and peak memory, in bytes, of a process that trains 1,202 layers for one step."""
    call = [sys.executable, "-c", STEP, str(batch)]
    done = subprocess.run(call, capture_output=True, encoding="utf-8", check=True, timeout=600)
    return json.loads(done.stdout)


@pytest.mark.slow
def test_a_training_step_of_1202_layers_stays_within_two_gigabytes():
    """Width 4, 64 images of 32×32: what is kept for backward is one input for each of two kernels
    in a layer, 22 MB an image; everything else together is a tenth of that."""
    small, large = step(16), step(64)
    for loss, _ in (small, large):
        assert loss > 0
    assert large[1] < 2e9
    an_image = (large[1] - small[1]) / 48
    kept = 2 * 400 * 4 * (4 * 32 * 32 + 8 * 16 * 16 + 16 * 8 * 8)  # bytes: two inputs of each layer
    assert an_image < 1.1 * kept


@pytest.mark.parametrize("name", ["resnet1202", "preact_resnet1001"])
def test_a_deep_net_is_built_at_once_and_shown_on_a_page(name):
    before = time.process_time()
    net = getattr(models, name)(width=4, seed=0)
    text = repr(net)
    assert time.process_time() - before < 3
    assert text.count("\n") < 110
    blocks = len(net.layer2) - 1
    assert f"(1-{blocks}): {blocks} x " in text


def test_runs_of_equal_blocks_are_shown_once_and_single_lines_each():
    def block(width):
        return nn.Sequential(nn.Linear(2, width), nn.ReLU())

    row = nn.Sequential(block(2), block(2), block(3), nn.ReLU(), nn.ReLU())
    assert repr(row).splitlines() == [
        "Sequential(",
        "  (0-1): 2 x Sequential(",
        "    (0): Linear(2, 2, bias=True)",
        "    (1): ReLU()",
        "  )",
        "  (2): Sequential(",
        "    (0): Linear(2, 3, bias=True)",
        "    (1): ReLU()",
        "  )",
        "  (3): ReLU()",
        "  (4): ReLU()",
        ")",
    ]
    named = nn.Sequential({"a": block(2), "b": block(2), "c": block(2)})
    assert repr(named).splitlines()[1] == "  (a-c): 3 x Sequential("
