"""A workspace of any size that checks clean: one spec a file, linked, with comments, documents and datasets.

Input: a number of files and a seed. Output: a folder; the same seed gives the same bytes. Run `python -m bench.corpus DIR N`.
"""

from __future__ import annotations

import hashlib
import json
import random
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from string import Template

TEAM = 20
"""Specs of one team; also the smallest workspace."""
TOPICS = 8
PAGES = 5
DATASETS = 12
CASES = 12

DOMAINS = ("billing", "contracts", "deliveries", "hardware", "insurance", "onboarding", "payroll", "refunds", "travel", "warranties")
WORDS = """\
    account address agreement answer change claim client contract customer date delivery document form invoice limit manager month
    number office order page payment period person plan policy price question record refund report request rule service step support
    team term week year
""".split()  # noqa: SIM905 - a list of so many words is easier to read as text
SETTINGS = """\
apiVersion: llmops/v1
kind: Workspace
metadata:
  name: corpus
  description: A generated workspace for measuring the compiler.
spec:
  specs: [specs]
  default_environment: dev
  environments:
    dev:
"""


def generate(folder: Path, size: int, seed: int = 1) -> int:
    """Writes a workspace with `size` spec files into an empty folder and returns the number of resources.

    Sizes below `TEAM` are a ValueError: a smaller set of these kinds has something unused, which is a finding.
    """
    if size < TEAM:
        raise ValueError(f"{size} files; a workspace has at least {TEAM}")
    _write(folder / "llmops.yaml", SETTINGS)
    _write_documents(folder, random.Random(f"{seed}/documents"))
    written = 0
    for path, text in specs(size, seed):
        _write(folder / path, text)
        written += 1
    return written


def generate_smallest(folder: Path) -> None:
    """Writes the least that checks clean: one file with an application, its prompt and its model."""
    _write(folder / "llmops.yaml", SETTINGS)
    _write(folder / "specs/assistant.yaml", _shape("one-file").substitute(team="assistant"))


def specs(size: int, seed: int) -> Iterator[tuple[str, str]]:
    """Path and text of every spec file: whole teams, then older versions of the first team's prompt."""
    teams = size // TEAM
    for number in range(teams):
        yield from _team(number, random.Random(f"{seed}/{number}"))
    spare = random.Random(f"{seed}/spare")
    first = _values("team-0000", spare)
    for number in range(size - teams * TEAM):
        version = f"0.{number}.0"
        yield _file(first, "Prompt", "prompts", role="brief", version=version, label=f"brief-{version}")


def _team(number: int, choose: random.Random) -> Iterator[tuple[str, str]]:
    """The twenty files of one team. Every resource is used, and only by this team."""
    values = _values(f"team-{number:04}", choose)
    yield _file(values, "Model-chat", "models", label="chat")
    yield _file(values, "Model-embedding", "models", label="embedding")
    for role, version in (("brief", "1.0.0"), ("detailed", "1.0.0"), ("formal", "1.0.0"), ("formal", "1.1.0")):
        yield _file(values, "Prompt", "prompts", role=role, version=version, label=f"{role}-{version}", words=str(choose.randint(40, 200)))
    for role in ("tickets", "searches"):
        yield _file(values, "Dataset", "evaluations", role=role, set=str(choose.randrange(DATASETS)))
    for role in ("handbook", "products", "procedures"):
        topic, length, top_k = choose.randrange(TOPICS), choose.randint(80, 200), choose.randint(3, 6)
        yield _file(values, "RetrievalSource", "indexes", role=role, topic=str(topic), length=str(length), top_k=str(top_k))
    yield _file(values, "SafetyPolicy", "safety", label="assistant")
    for role, dataset in (("daily", "tickets"), ("release", "searches"), ("quarterly", "tickets")):
        yield _file(values, "Evaluation", "evaluations", role=role, dataset=dataset)
    for role in ("quality", "load"):
        yield _file(values, "Monitor", "monitors", role=role, window=str(choose.choice((6, 12, 24))))
    yield from _applications(values)


def _applications(values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    team = values["team"]
    split = f"  variants:\n    - {{prompt: {team}-formal@1.0.0, weight: 60}}\n    - {{prompt: {team}-formal@1.1.0, weight: 40}}"
    plans = (
        ("search", f"  prompt: {team}-brief@1.0.0", ("handbook", "products"), ("daily", "release"), "quality"),
        ("desk", f"  prompt: {team}-detailed@1.0.0", ("products", "procedures"), ("daily", "quarterly"), "load"),
        ("letters", split, ("handbook", "procedures"), ("release", "quarterly"), "quality"),
    )
    for role, prompts, sources, evaluations, monitor in plans:
        yield _file(
            values, "Application", "applications", role=role, prompts=prompts, monitor=monitor,
            first_source=sources[0], second_source=sources[1], first_evaluation=evaluations[0], second_evaluation=evaluations[1],
        )  # fmt: skip


def _values(team: str, choose: random.Random) -> dict[str, str]:
    """What the shapes leave open, the same for all files of a team unless a file says otherwise."""
    numbers = {
        "month": choose.randint(10, 12), "day": choose.randint(10, 28), "hour": choose.randrange(24), "minute": choose.randrange(60),
        "tier": choose.randint(1, 3), "timeout": choose.randint(20, 120), "answer_tokens": choose.choice((256, 512, 1024)),
        "seed": choose.randrange(10_000), "words": choose.randint(20, 60), "overlap": choose.randint(10, 40),
        "sample": choose.randint(5, 12), "recall": choose.randint(60, 90), "latency": choose.randrange(2_000, 20_000, 500),
        "requests": choose.randrange(100, 50_000, 100),
    }  # fmt: skip
    digest = hashlib.sha256(team.encode()).hexdigest()
    tone = choose.choice(("plain", "friendly", "formal"))
    text = {"team": team, "domain": choose.choice(DOMAINS), "tone": tone, "sha256": digest}
    return {**text, **{name: str(number) for name, number in numbers.items()}}


def _file(values: Mapping[str, str], shape: str, folder: str, *, label: str = "", **more: str) -> tuple[str, str]:
    kind = shape.partition("-")[0].lower()
    path = f"specs/{values['team']}/{folder}/{kind}-{label or more['role']}.yaml"
    return path, _shape(shape).substitute(values, **more)


@cache
def _shape(name: str) -> Template:
    return Template((Path(__file__).parent / "shapes" / f"{name}.yaml").read_text("utf-8"))


def _write_documents(folder: Path, choose: random.Random) -> None:
    """Pages and datasets that all teams share."""
    places = [f"documents/topic-{topic}/page-{page}.md" for topic in range(TOPICS) for page in range(PAGES)]
    for place in [*places, "documents/shared/glossary.md", "documents/shared/contacts.md"]:
        paragraphs = [_sentences(choose, 6) for _ in range(8)]
        _write(folder / place, f"# {choose.choice(WORDS).title()}\n\n" + "\n\n".join(paragraphs) + "\n")
    for number in range(DATASETS):
        rows = [_case(choose, choose.choice(places)) for _ in range(CASES)]
        _write(folder / f"data/cases-{number}.jsonl", "".join(json.dumps(row) + "\n" for row in rows))


def _case(choose: random.Random, source: str) -> dict[str, object]:
    return {"question": _sentences(choose, 1), "answer": _sentences(choose, 2), "sources": [source], "answerable": True}


def _sentences(choose: random.Random, count: int) -> str:
    return " ".join(" ".join(choose.choices(WORDS, k=choose.randint(8, 14))).capitalize() + "." for _ in range(count))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


if __name__ == "__main__":
    generate(Path(sys.argv[1]), int(sys.argv[2]))
