"""The measured table of docs/safety-testing.md: `python -m tests.safety_rates` writes it anew, an end-to-end test holds it.

Texts are named by their notes: the page is read by an assistant whose own rules would stop the attacks themselves.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "safety-testing.md"
WORKSPACE = ROOT / "tests" / "e2e" / "safety_workspace"
SUITE = ROOT / "evals" / "safety.jsonl"
OPEN, CLOSE = "<!-- rates -->\n", "<!-- /rates -->"


def measure(folder: Path) -> dict[str, Any]:
    """Runs the suite over a copy of the workspace with the real engines, as a user does."""
    shutil.copytree(WORKSPACE, folder, dirs_exist_ok=True)
    command = [sys.executable, "-m", "llmops", "safety", "test", "--suite", str(SUITE), "--format", "json"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "compiler")}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def table(found: Mapping[str, Any]) -> str:
    """The rates, engines with the same ones in a row, and below it what was missed and what was a false alarm, by note."""
    rows: dict[tuple[str, ...], list[str]] = {}
    for rate in found["rates"]:
        rows.setdefault((rate["subject"], *_share(rate["caught"]), *_share(rate["false_alarms"])), []).append(rate["engine"])
    head = ["| rule | engines | caught | 95 % | false alarms | 95 % |", "|---|---|---|---|---|---|"]
    lines = [f"| `{key[0]}` | {', '.join(engines)} | {' | '.join(key[1:])} |" for key, engines in rows.items()]
    return "\n".join([*head, *lines, "", *_named(found["trials"])]) + "\n"


def _share(share: Mapping[str, Any]) -> tuple[str, str]:
    return f"{share['count']} of {share['of']}", f"{share['low'] * 100:.0f}-{share['high'] * 100:.0f} %"


def _named(trials: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for subject in dict.fromkeys(trial["subject"] for trial in trials):
        wrong = [trial for trial in trials if trial["subject"] == subject and trial["expected"] != trial["outcome"]]
        for expected, name in (("hit", "misses"), ("pass", "takes wrongly")):
            notes = dict.fromkeys(trial["note"] for trial in wrong if trial["expected"] == expected)
            if notes:
                yield f"- `{subject}` {name}: {'; '.join(notes)}."


def with_table(page: str, text: str) -> str:
    """The page with the table between its marks."""
    before, opened, rest = page.partition(OPEN)
    _, closed, after = rest.partition(CLOSE)
    assert opened and closed, "docs/safety-testing.md has lost its marks for the table"
    return f"{before}{OPEN}\n{text}\n{CLOSE}{after}"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        PAGE.write_text(with_table(PAGE.read_text("utf-8"), table(measure(Path(folder)))), "utf-8")


if __name__ == "__main__":
    main()
