"""`rules.json` of a rendered safety policy: the rules, and what the engine's own files must hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from llmops.errors import LlmopsError

FOLDERS: Mapping[str, str] = {"guardrails-ai": "guardrails", "nemoguardrails": "nemoguardrails"}
"""Engine -> its folder in the bundle."""
FIELDS = ("id", "action", "mode", "on_error", "severity", "message", "source")
RENDER_AGAIN = "Render the bundle again: llmops compile"


@dataclass(frozen=True, slots=True)
class Rule:
    id: str
    action: str
    mode: str
    on_error: str
    severity: str
    message: str
    source: str
    """`file:line` of the rule in the specs."""


@dataclass(frozen=True, slots=True)
class Check:
    """One rule at one stage. `place` is the engine's part that judges it: a validator's index, or a flow."""

    rule: Rule
    place: int | str
    patterns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stage:
    """What the engine's file for a stage must hold: `parts` are validator ids, or flows, in their order."""

    parts: tuple[str, ...]
    checks: tuple[Check, ...]
    file: str
    holdback: int | None
    """Characters at the end of a growing text that may still become part of a finding; None where only the whole can be judged."""
    direction: str = ""


@dataclass(frozen=True, slots=True)
class Announcement:
    """A `rules.json`. `engines` are all of the policy's, the serving one first; `folder` holds the engine's files."""

    policy: str
    engine: str
    engines: tuple[str, ...]
    stages: Mapping[str, Stage]
    folder: Path


def read_rules(bundle_dir: Path, policy: str, engine: str | None) -> Announcement:
    """The announcement for `engine`, or for the policy's first engine.

    Raises LlmopsError where the bundle has no such policy, or not for that engine, or the file is damaged.
    """
    if engine is not None and engine not in FOLDERS:
        raise LlmopsError(f"There is no guardrail engine {engine!r}", f"The engines are {', '.join(FOLDERS)}.")
    present = [e for e in FOLDERS if _file(bundle_dir, policy, e).is_file()]
    if not present:
        raise LlmopsError(f"The bundle {bundle_dir} has no safety policy {policy!r}", RENDER_AGAIN)
    serving = engine or _read(bundle_dir, policy, present[0]).engines[0]
    if serving not in present:
        raise LlmopsError(f"The bundle {bundle_dir} does not hold safety policy {policy!r} for {serving}", RENDER_AGAIN)
    return _read(bundle_dir, policy, serving)


def _file(bundle_dir: Path, policy: str, engine: str) -> Path:
    return bundle_dir / FOLDERS[engine] / policy / "rules.json"


def _read(bundle_dir: Path, policy: str, engine: str) -> Announcement:
    path = _file(bundle_dir, policy, engine)
    try:
        announcement = _parse(orjson.loads(path.read_bytes()), path.parent)
    except (orjson.JSONDecodeError, KeyError, TypeError, IndexError) as error:
        raise LlmopsError(f"{path} is damaged: {error!r}", RENDER_AGAIN) from error
    if (announcement.policy, announcement.engine) != (policy, engine):
        raise LlmopsError(f"{path} is that of {announcement.policy} for {announcement.engine}", RENDER_AGAIN)
    return announcement


def _parse(data: Mapping[str, Any], folder: Path) -> Announcement:
    rules = {r["id"]: Rule(**{field: r[field] for field in FIELDS}) for r in data["rules"]}
    stages = {name: _parse_stage(name, stage, rules) for name, stage in data["stages"].items()}
    lost = set(rules) - {check.rule.id for stage in stages.values() for check in stage.checks}
    if lost:
        raise KeyError(f"no stage checks {', '.join(sorted(lost))}")
    return Announcement(data["policy"], data["engine"], tuple(data["engines"]), stages, folder)


def _parse_stage(name: str, data: Mapping[str, Any], rules: Mapping[str, Rule]) -> Stage:
    if "validators" in data:
        checks = tuple(Check(rules[c["rule"]], int(c["validator"])) for c in data["checks"])
        return Stage(tuple(data["validators"]), checks, f"{name}.json", data["holdback"])
    checks = tuple(Check(rules[c["rule"]], c["flow"], tuple(c["patterns"])) for c in data["checks"])
    return Stage(tuple(data["flows"]), checks, data["config"], data["holdback"], data["direction"])
