"""The detectors as validators of guardrails-ai, under the ids `llmops/<kind>`. Importing this registers them.

Input: the text and `REQUEST` in the metadata. A detector that breaks becomes a failed result that says so, never an exception
that would hide the other validators' results.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from guardrails.validator_base import FailResult, PassResult, ValidationResult, Validator, register_validator

from llmops.runtime.rails.detectors import DETECTORS, build_detector
from llmops.runtime.rails.detectors.finding import Finding, Request, redact

REQUEST = "llmops/request"
OUTCOME = "llmops/outcome"


class DetectorValidator(Validator):  # type: ignore[misc]  # guardrails-ai has no usable types
    """Runs one detector. Its keyword arguments are the rule's id, which keeps two rules apart, and the detector's settings."""

    kind = ""

    def __init__(self, on_fail: Callable[..., Any] | str | None = None, *, rule: str, **settings: Any) -> None:
        super().__init__(on_fail=on_fail, rule=rule, **settings)
        self._detect = build_detector(self.kind, settings)

    def _validate(self, value: str, metadata: Mapping[str, Any]) -> ValidationResult:
        request: Request = metadata[REQUEST]
        try:
            finding = self._detect(Request(value, request.context, request.prompt))
        except Exception as error:  # any failure of a detector must reach the verdict
            return _fail(value, metadata, {"reason": f"the detector failed: {error}", "score": None, "failed": True})
        return PassResult() if finding is None else _report(value, metadata, finding)


def _report(value: str, metadata: Mapping[str, Any], finding: Finding) -> ValidationResult:
    return _fail(redact(value, finding.spans), metadata, {"reason": finding.reason, "score": finding.score, "failed": False})


def _fail(fixed: str, metadata: Mapping[str, Any], outcome: Mapping[str, Any]) -> ValidationResult:
    """The request's metadata goes along: guardrails-ai hands a result's metadata, where it has any, to the next validator."""
    return FailResult(error_message=outcome["reason"], fix_value=fixed, metadata={**metadata, OUTCOME: outcome})


VALIDATORS: Mapping[str, type[DetectorValidator]] = {
    f"llmops/{kind}": register_validator(name=f"llmops/{kind}", data_type="string")(
        type(f"Llmops_{kind}", (DetectorValidator,), {"kind": kind})
    )
    for kind in DETECTORS
}
"""Id -> class."""
