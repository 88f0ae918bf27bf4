"""`kill -9` at random moments under load. `python -m bench.serve --kills 200` does the same longer."""

from __future__ import annotations

from pathlib import Path

from bench.kills import kill_repeatedly
from bench.stub_model import stub_model


def test_every_acknowledged_answer_is_in_the_log_once(tmp_path: Path) -> None:
    with stub_model() as stub:
        account = kill_repeatedly(tmp_path, stub.url, kills=6, seed=20261124)
    assert len(account.acknowledged) >= account.kills
    assert (account.lost, account.doubled, account.integrity) == ([], [], "ok")
    assert len(set(account.acknowledged)) == len(account.acknowledged)
