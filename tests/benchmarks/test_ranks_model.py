"""The model of benchmarks.ranks: what it fits, and what its sums cost."""

import pytest

from benchmarks.ranks import NETWORKS, exposed, fit, modelled


def test_the_fit_finds_the_latency_and_bandwidth_that_made_the_times():
    ring = lambda n, b: 2 * (n - 1) * 3e-5 + 2 * (n - 1) / n * b / 2e9  # noqa: E731
    for n in (2, 4):
        latency, bandwidth = fit([(b, ring(n, b)) for b in (4096, 65536, 2**20, 2**24)], n)
        assert (latency, bandwidth) == (pytest.approx(3e-5), pytest.approx(2e9))


def test_backward_hides_all_but_the_last_bucket():
    total, left = exposed(10.0, 2**21, 2, (1e-4, 1e9))  # eight buckets of 256 KiB
    assert total == pytest.approx(8 * 2e-4 + 2**21 / 1e9)
    assert left == pytest.approx(total / 8), "with much to compute"
    assert exposed(0.0, 2**21, 2, (1e-4, 1e9))[1] == pytest.approx(total), "with nothing to"
    more = exposed(10.0, 2**21, 64, (1e-4, 1e9))[0]
    assert more > 10 * total, "latency grows with the ranks"


def test_a_faster_network_serves_more_ranks():
    rows = {(r["net"], r["device"], r["network"]): r for r in modelled(1e10, NETWORKS)}
    assert len(rows) == 12
    slow, fast = (
        rows["ResNet-50", "GPU, 15 TFLOP/s", name]
        for name in ("Ethernet, 1 Gbit/s", "InfiniBand, 400 Gbit/s")
    )
    assert slow["MB per step"] == fast["MB per step"] == pytest.approx(102.2, abs=0.1)
    assert slow["ranks at 80 %"] < fast["ranks at 80 %"]
    assert slow["its speed-up"] < 2 < fast["its speed-up"]
