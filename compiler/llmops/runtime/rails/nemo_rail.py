"""The rail that llmops adds to NeMo Guardrails: `llmops check input` and `llmops check output`, each with `$rule="<id>"`.

A configuration that names it is refused by an engine without it. Its settings are in `custom_data.llmops.rules`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import orjson
from nemoguardrails.actions.rail_outcome import RailOutcome, TransformTarget
from nemoguardrails.manifests import (
    ActionRef,
    Binding,
    RailActions,
    RailCatalog,
    RailDirection,
    RailFlows,
    RailManifest,
    RailManifestRecord,
    RailMetadata,
    RailPrivacy,
    RailSpec,
    RailSurface,
    default_rail_catalog,
    registry,
)

from llmops.errors import LlmopsError
from llmops.runtime.rails.detectors import ASKS_A_MODEL, JUDGING, build_detector
from llmops.runtime.rails.detectors.finding import Detect, Finding, Request, redact

NAME = "llmops"
OUTCOME = "llmops"
TEXTS = {RailDirection.INPUT: TransformTarget.USER_MESSAGE, RailDirection.OUTPUT: TransformTarget.BOT_MESSAGE}
_JUDGES = ThreadPoolExecutor(JUDGING, thread_name_prefix="llmops-judges")
ACTION = ActionRef(name="llmops_check", target=f"{__name__}:check_text")


async def check_text(rule: str, target: str, text: str, config: Any, events: Sequence[Mapping[str, Any]] = ()) -> RailOutcome:
    """Runs the detector of `rule` on `text`. A detector that breaks blocks, unless the rule says `on_error: log`."""
    settings = config.custom_data[NAME]["rules"][rule]
    prompts = [event["content"] for event in events if event["type"] == "SystemMessage"]
    try:
        finding = await _detected(settings["detector"], Request(text, prompt="\n".join(prompts)))
    except Exception as error:  # any failure of a detector must reach the verdict
        return _failure(settings, f"the detector failed: {error}")
    return RailOutcome.allow() if finding is None else _consequence(settings, TransformTarget(target), text, finding)


async def _detected(settings: Mapping[str, Any], request: Request) -> Finding | None:
    detect = detector_of(settings)
    if settings["kind"] not in ASKS_A_MODEL:
        return detect(request)
    return await asyncio.get_running_loop().run_in_executor(_JUDGES, detect, request)


def detector_of(settings: Mapping[str, Any]) -> Detect:
    """The detector of a rule, built once for equal settings: patterns are compiled and models loaded in here."""
    return _build(orjson.dumps(settings))


def install() -> None:
    """Adds the rail to NeMo's catalogue, once a process. NeMo has no call for it: its catalogue is only ever its own library."""
    catalog = default_rail_catalog()
    if NAME not in catalog.records:
        ours = RailManifestRecord(manifest=_manifest(), source=__name__)
        registry._catalog = RailCatalog([*catalog.records.values(), ours])
    if NAME not in default_rail_catalog().records:
        raise LlmopsError("NeMo Guardrails did not take the rail of llmops into its catalogue")


def _consequence(settings: Mapping[str, Any], target: TransformTarget, text: str, finding: Finding) -> RailOutcome:
    metadata = {OUTCOME: {"reason": finding.reason, "score": finding.score, "failed": False}}
    if settings["action"] in ("flag", "log"):
        return RailOutcome.allow(metadata=metadata)
    if settings["action"] == "redact":
        return RailOutcome.transform([(target, redact(text, finding.spans))], metadata=metadata)
    return RailOutcome.block(metadata=metadata)


def _failure(settings: Mapping[str, Any], reason: str) -> RailOutcome:
    metadata = {OUTCOME: {"reason": reason, "score": None, "failed": True}}
    if settings["on_error"] == "log":
        return RailOutcome.allow(metadata=metadata)
    return RailOutcome.failure(reason=reason, metadata=metadata)


@lru_cache(maxsize=256)
def _build(settings: bytes) -> Detect:
    detector = orjson.loads(settings)
    return build_detector(detector.pop("kind"), detector)


def _manifest() -> RailManifest:
    surfaces = tuple(_surface(direction) for direction in TEXTS)
    return RailManifest(
        name=NAME,
        metadata=RailMetadata(
            display_name="llmops",
            description="Runs a detector of llmops on the user's or the bot's message.",
            categories=("input", "output"),
            capabilities=("allow", "block", "transform"),
        ),
        spec=RailSpec(
            flows=RailFlows(flow_names=tuple(surface.name for surface in surfaces)),
            actions=RailActions(refs=(ACTION,)),
            surfaces=surfaces,
            privacy=RailPrivacy(),
        ),
    )


def _surface(direction: RailDirection) -> RailSurface:
    """No transform target: a surface with one runs before all others, and judges must read what was written."""
    target = TEXTS[direction].value
    bindings = (Binding.surface_param("rule", "rule"), Binding.literal("target", target), Binding.context("text", target))
    return RailSurface(name=f"llmops check {direction.value}", direction=direction, action=ACTION, bindings=bindings)
