"""Rails run by guardrails-ai: one guard a stage, held to what `rules.json` announces.

guardrails-ai drops an unknown validator with a warning, merges equal ones and adds one it takes for new: each is refused here.
"""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import orjson

from llmops.errors import LlmopsError, RuntimeUnavailable
from llmops.runtime.rails.detectors import ASKS_A_MODEL, JUDGING
from llmops.runtime.rails.detectors.finding import Request
from llmops.runtime.rails.rules import RENDER_AGAIN, Announcement, Check, Stage
from llmops.runtime.rails.verdict import Outcome

if TYPE_CHECKING:
    from guardrails import Guard

ASKING = frozenset(f"llmops/{kind}" for kind in ASKS_A_MODEL)
"""Validators that wait for a model."""
INSTALL = 'pip install "llmops-compiler[run]"'


@dataclass(frozen=True, slots=True)
class Native:
    """A validator that comes in a package of its own; `reason` is what a hit of it means (its own message repeats the text)."""

    module: str
    reason: str


NATIVE: Mapping[str, Native] = {
    "guardrails/valid_length": Native("guardrails_ai.valid_length", "too short or too long"),
    "guardrails/profanity_free": Native("guardrails_ai.profanity_free", "swear words"),
}


class GuardrailsEngine:
    """Loads every guard of a policy. Raises LlmopsError for a file that is not what was announced."""

    def __init__(self, announcement: Announcement) -> None:
        _import_engine()
        self._guards = {name: _StageGuard(announcement.folder, stage) for name, stage in announcement.stages.items()}

    def run(self, stage: str, request: Request) -> tuple[str, list[Outcome]]:
        """The text, redacted where rules say so, and an outcome for each rule of the stage."""
        return self._guards[stage].run(request)


class _StageGuard:
    def __init__(self, folder: Path, stage: Stage) -> None:
        self._stage = stage
        # A guard keeps its last calls in one list: the results must be read before another thread's call. Where rules wait for a
        # model there are several, so that texts need not wait for each other.
        self._free: SimpleQueue[Guard] = SimpleQueue()
        for _ in range(JUDGING if any(part in ASKING for part in stage.parts) else 1):
            self._free.put(_load_guard(folder / stage.file, stage))

    def run(self, request: Request) -> tuple[str, list[Outcome]]:
        try:
            text, results = self._validate(request)
        except LlmopsError:
            raise
        except Exception as error:  # an engine that breaks is a failure of each of its rules
            return request.text, [Outcome(c.rule, f"the engine failed: {error}", failed=True) for c in self._stage.checks]
        return text, [self._outcome(check, results[int(check.place)]) for check in self._stage.checks]

    def _validate(self, request: Request) -> tuple[str, Sequence[Any]]:
        from llmops.runtime.rails.validators import REQUEST

        guard = self._free.get()
        try:
            guard.validate(request.text, metadata={REQUEST: request})
            logs = guard.history.last.iterations.last.validator_logs
        finally:
            guard.history.clear()  # it holds people's words
            self._free.put(guard)
        ran = tuple(log.registered_name for log in logs)
        if ran != self._stage.parts:
            raise LlmopsError(f"guardrails-ai ran {ran} instead of {self._stage.parts}")
        return str(logs[-1].value_after_validation), [log.validation_result for log in logs]

    def _outcome(self, check: Check, result: Any) -> Outcome:
        from llmops.runtime.rails.validators import OUTCOME

        if result.outcome == "pass":
            return Outcome(check.rule)
        native = NATIVE.get(self._stage.parts[int(check.place)])
        return Outcome(check.rule, native.reason) if native else Outcome(check.rule, **result.metadata[OUTCOME])


def _import_engine() -> None:
    """Slow (seconds), so not before rails are loaded. Settings that guardrails-ai reads from the environment come first."""
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    # In a thread with an event loop it would otherwise replace the loop's policy, and run validators in any order.
    os.environ.setdefault("GUARDRAILS_RUN_SYNC", "true")
    try:
        from guardrails.settings import settings
    except ImportError as error:
        raise RuntimeUnavailable("guardrails-ai is not installed", INSTALL) from error
    # Its spans carry the texts: they would leave with the application's own traces.
    settings.disable_tracing = True


def _load_guard(path: Path, stage: Stage) -> Guard:
    from guardrails import Guard

    content = _read(path)
    _require_known(path, content, stage)
    try:
        guard = Guard.from_dict(content)
    except ImportError as error:
        raise RuntimeUnavailable(f"A detector of {path} needs a package that is not installed: {error}", INSTALL) from error
    except (ValueError, TypeError, KeyError, re.error) as error:
        raise LlmopsError(f"{path}: guardrails-ai cannot make a guard of it: {error!r}", RENDER_AGAIN) from error
    guard.configure(allow_metrics_collection=False)
    held = tuple(validator.rail_alias for validator in guard._validators)  # the public list still names what was dropped
    if held != stage.parts:
        raise LlmopsError(f"{path}: guardrails-ai holds the validators {held} instead of {stage.parts}", RENDER_AGAIN)
    return guard


def _read(path: Path) -> dict[str, Any]:
    try:
        content = orjson.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise LlmopsError(f"{path} is missing, and rules.json announces it", RENDER_AGAIN) from error
    except orjson.JSONDecodeError as error:
        raise LlmopsError(f"{path} is not JSON: {error}", RENDER_AGAIN) from error
    if not isinstance(content, dict) or not all(isinstance(v, dict) for v in content.get("validators", [])):
        raise LlmopsError(f"{path} is no guard", RENDER_AGAIN)
    return content


def _require_known(path: Path, content: Mapping[str, Any], stage: Stage) -> None:
    """Every validator is one we have, is what was announced, and looks at the whole text: with `on: output` it never runs."""
    from llmops.runtime.rails.validators import VALIDATORS

    validators = content.get("validators", [])
    for validator in validators:
        if validator.get("id") in NATIVE:
            _import_native(validator["id"])
        elif validator.get("id") not in VALIDATORS:
            raise LlmopsError(f"{path}: there is no validator {validator.get('id')!r}", RENDER_AGAIN)
    named = tuple(v["id"] for v in validators)
    if named != stage.parts:
        raise LlmopsError(f"{path} has the validators {named} instead of {stage.parts}", RENDER_AGAIN)
    if any(v.get("on") != "$" or v.get("onFail") not in ("noop", "fix") for v in validators):
        raise LlmopsError(f"{path}: a validator is not on '$', or its onFail is neither noop nor fix", RENDER_AGAIN)


def _import_native(id_: str) -> None:
    try:
        importlib.import_module(NATIVE[id_].module)
    except ImportError as error:
        raise RuntimeUnavailable(f"The validator {id_} is not installed", INSTALL) from error
