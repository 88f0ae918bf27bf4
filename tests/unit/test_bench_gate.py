"""The benchmark of gates: draws with the effect that they claim, figures of every setting, targets that can be missed."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from bench import gate as benchmark
from bench.gates import KINDS, gates

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("effect", [0.0, -0.1])
def test_draws_have_the_score_and_the_effect_that_they_claim(name: str, effect: float) -> None:
    (drawn,) = gates(KINDS[name], 200_000, effect, 1)
    base, head = np.array(drawn.base), np.array(drawn.head)
    assert base.mean() == pytest.approx(0.85, abs=0.005)
    assert (head - base).mean() == pytest.approx(effect, abs=0.005)
    assert 0 <= min(base.min(), head.min()) <= max(base.max(), head.max()) <= 1
    assert list(gates(KINDS[name], 100, effect, 2)) == list(islice(gates(KINDS[name], 100, effect, 9), 2))


def test_cases_of_a_conversation_change_together() -> None:
    (drawn,) = gates(KINDS["conversations"], 50_000, 0.0, 1)
    talks = (np.array(drawn.head) - np.array(drawn.base)).reshape(-1, 5)
    assert talks.mean(1).var() > 1.4 * talks.var() / 5
    assert drawn.clusters[:6] == ["0"] * 5 + ["1"]


def test_the_benchmark_prints_figures_and_targets_as_json() -> None:
    command = [sys.executable, "-m", "bench.gate", "--json", "--quick"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert run.returncode in (0, 1), run.stderr
    report = json.loads(run.stdout)

    assert len(report["settings"]) == 27
    assert len(report["hard"]) == 30
    for setting in (*report["settings"], *report["hard"]):
        assert sum(setting[word] for word in benchmark.WORDS) == pytest.approx(1)
        assert setting["any change"] == pytest.approx(setting["regressed"] + setting["improved"])
    unchanged = [s for s in report["settings"] if s["effect"] == 0]
    assert all(s["regressed"] < 0.1 < 0.25 < s["fails_at_least_0.85"] for s in unchanged)
    assert all(0.25 < s["fails_new_at_least_old"] < 0.75 for s in unchanged)
    largest = [s for s in report["settings"] if s["effect"] == -0.1 and s["n"] == 1000]
    assert all(s["regressed"] > 0.9 for s in largest)
    assert (run.returncode == 0) == all(target["holds"] for target in report["targets"])


def test_a_target_says_whether_it_holds() -> None:
    report = benchmark.run(2)
    assert all(target["holds"] == (target["value"] <= target["limit"]) for target in benchmark.judge(report))
    for setting in (*report["settings"], *report["hard"]):
        setting["regressed"], setting["coverage"] = 0.06, 0.95
    missed = [target["name"] for target in benchmark.judge(report) if not target["holds"] and "early" not in target["name"]]
    assert [name for name in missed if name.startswith("false alarms, ")][:9] == [
        f"false alarms, {kind} x {n}" for kind in benchmark.USUAL for n in benchmark.SIZES
    ]
    assert not [name for name in missed if name.startswith("coverage")]
    assert "MISSED: false alarms, pass or fail x 100: 0.06, at most 0.05" in benchmark.table({**report, "targets": benchmark.judge(report)})
