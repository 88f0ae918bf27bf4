"""Rails run by NeMo Guardrails' IORails engine, held to what `rules.json` announces.

NeMo puts an unknown key into `custom_data` or drops it, and skips its rails for an empty text: neither happens here.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmops.errors import LlmopsError, RuntimeUnavailable
from llmops.runtime.rails.detectors.finding import Request, redact
from llmops.runtime.rails.guardrails_engine import INSTALL
from llmops.runtime.rails.rules import RENDER_AGAIN, Announcement, Check, Stage
from llmops.runtime.rails.verdict import Outcome, stops

if TYPE_CHECKING:
    from nemoguardrails import RailsConfig
    from nemoguardrails.guardrails.guardrails_types import RailResult
    from nemoguardrails.guardrails.rails_manager import RailsManager

OURS = "llmops check "


class NemoEngine:
    """Loads every configuration of a policy. Raises LlmopsError for a file that is not what was announced."""

    def __init__(self, announcement: Announcement) -> None:
        _import_engine()
        self._stages = announcement.stages
        files = {stage.file for stage in announcement.stages.values()}
        configs = {file: _load_config(announcement.folder / file) for file in sorted(files)}
        for stage in announcement.stages.values():
            _require_announced(announcement.folder / stage.file, configs[stage.file], stage)
        self._configs = configs
        self._managers = {file: _start(announcement.folder / file, config) for file, config in configs.items()}

    def run(self, stage: str, request: Request) -> tuple[str, list[Outcome]]:
        """As `run_async`, for callers without an event loop."""
        return asyncio.run(self.run_async(stage, request))

    async def run_async(self, stage: str, request: Request) -> tuple[str, list[Outcome]]:
        """The text, redacted where rules say so, and an outcome for each rule that ran: NeMo ends at the first that blocks."""
        announced = self._stages[stage]
        try:
            result = await _judge(self._managers[announced.file], announced.direction, request)
        except Exception as error:  # an engine that breaks is a failure of each of its rules
            return request.text, [Outcome(c.rule, f"the engine failed: {error}", failed=True) for c in announced.checks]
        outcomes = _outcomes(announced, result)
        if result.is_safe:
            return _rewritten(request.text, result), outcomes
        return _redact_stopped(request, announced, self._configs[announced.file]), outcomes


async def _judge(manager: RailsManager, direction: str, request: Request) -> RailResult:
    """The rails' own manager: the public check skips an empty text and does not say which rule found what."""
    system = [{"role": "system", "content": request.prompt}] if request.prompt else []
    if direction == "output":
        return await manager.is_output_safe(system, request.text)
    return await manager.is_input_safe([*system, {"role": "user", "content": request.text}])


def _rewritten(text: str, result: RailResult) -> str:
    return next((t.text for t in result.outcome.transforms), text)


def _redact_stopped(request: Request, stage: Stage, config: RailsConfig) -> str:
    """What may be kept of a text that a rule stopped: NeMo did not come to the redacting rules, which run last."""
    from llmops.runtime.rails.nemo_rail import detector_of

    text = request.text
    for check in stage.checks:
        if check.rule.action != "redact" or check.rule.mode == "monitor":
            continue
        try:
            finding = detector_of(config.custom_data["llmops"]["rules"][check.rule.id]["detector"])(Request(text))
        except Exception:  # an unredacted text must not be kept, whatever went wrong
            return ""
        text = redact(text, finding.spans) if finding else text
    return text


def _outcomes(stage: Stage, result: RailResult) -> list[Outcome]:
    records = {record.flow: record for record in result.records}
    missing = [flow for flow in stage.parts if flow not in records]
    if missing and result.is_safe:
        raise LlmopsError(f"NeMo Guardrails did not run {', '.join(missing)}")
    outcomes = [_outcome(check, records[str(check.place)]) for check in stage.checks if check.place in records]
    if not result.is_safe and not any(stops(outcome) for outcome in outcomes if outcome.reason):
        raise LlmopsError(f"NeMo Guardrails stopped at {result.triggered_rail!r} for no rule's sake: {result.reason}")
    return outcomes


def _outcome(check: Check, record: Any) -> Outcome:
    found: Mapping[str, Any] = record.return_value
    if "llmops" in found:
        return Outcome(check.rule, **found["llmops"])
    if found["failed"]:
        return Outcome(check.rule, "the detector failed", failed=True)
    matched = [pattern for pattern in check.patterns if pattern in found["detections"]] if check.patterns else []
    return Outcome(check.rule, "; ".join(f"matches {pattern}" for pattern in matched))


def _import_engine() -> None:
    """Slow (seconds), so not before rails are loaded."""
    os.environ.setdefault("NEMO_GUARDRAILS_NO_USAGE_STATS", "1")
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    try:
        import nemoguardrails  # noqa: F401
    except ImportError as error:
        raise RuntimeUnavailable("NeMo Guardrails is not installed", INSTALL) from error
    from llmops.runtime.rails import nemo_rail

    nemo_rail.install()


def _load_config(path: Path) -> RailsConfig:
    """From the file, not the folder: NeMo reads every file under a folder, and may run code it finds there."""
    import yaml
    from nemoguardrails import RailsConfig

    if not path.is_file():
        raise LlmopsError(f"{path} is missing, and rules.json announces it", RENDER_AGAIN)
    try:
        written = yaml.safe_load(path.read_text(encoding="utf-8"))
        if not isinstance(written, Mapping):
            raise TypeError("it holds no map")
        config = RailsConfig.from_path(str(path))
    except (ValueError, TypeError, yaml.YAMLError) as error:
        raise LlmopsError(f"NeMo Guardrails cannot read {path}: {error}", RENDER_AGAIN) from error
    _require_understood(path, config, written)
    return config


def _require_understood(path: Path, config: RailsConfig, written: Mapping[str, Any]) -> None:
    """Everything that was written must be in what NeMo made of it: it drops a key it does not know without a word."""
    unknown = [*_lost(written, config.model_dump(), ()), *(f"custom_data.{key}" for key in config.custom_data if key != "llmops")]
    if unknown:
        raise LlmopsError(f"{path}: NeMo Guardrails does not know {', '.join(unknown)}", RENDER_AGAIN)


def _lost(written: Any, understood: Any, path: tuple[str, ...]) -> list[str]:
    if isinstance(written, Mapping) and isinstance(understood, Mapping):
        return [place for key in written for place in _lost(written[key], understood.get(key), (*path, str(key)))]
    return [] if written == understood else [".".join(path)]


def _require_announced(path: Path, config: RailsConfig, stage: Stage) -> None:
    flows = tuple(getattr(config.rails, stage.direction).flows)
    if flows != stage.parts:
        raise LlmopsError(f"{path} has the {stage.direction} flows {flows} instead of {stage.parts}", RENDER_AGAIN)
    announced = {pattern for check in stage.checks for pattern in check.patterns}
    patterns = set(getattr(config.rails.config.regex_detection, stage.direction).patterns)
    if patterns != announced:
        raise LlmopsError(f"{path} has other {stage.direction} patterns than rules.json announces", RENDER_AGAIN)
    for check in stage.checks:
        if str(check.place).startswith(OURS):
            _prepare(path, config, check.rule.id)


def _prepare(path: Path, config: RailsConfig, rule: str) -> None:
    """Builds the rule's detector now: a broken one must not wait for the first question."""
    from llmops.runtime.rails.nemo_rail import detector_of

    try:
        detector_of(config.custom_data["llmops"]["rules"][rule]["detector"])
    except ImportError as error:
        raise RuntimeUnavailable(f"The detector of rule {rule} needs a package that is not installed: {error}", INSTALL) from error
    except (ValueError, TypeError, KeyError, re.error) as error:
        raise LlmopsError(f"{path} has no detector that works for rule {rule}: {error!r}", RENDER_AGAIN) from error


def _start(path: Path, config: RailsConfig) -> RailsManager:
    from nemoguardrails.guardrails.guardrails import Guardrails

    try:
        engine = Guardrails(config, require_iorails=True).rails_engine
    except ValueError as error:
        raise LlmopsError(f"NeMo Guardrails refuses {path}: {error}", RENDER_AGAIN) from error
    return engine.rails_manager
