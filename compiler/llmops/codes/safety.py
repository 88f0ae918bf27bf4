"""LLM07: safety rules and guardrail engines."""

from __future__ import annotations

from llmops.codes.code import RULE, Code, Part

_ONE_ENGINE = """\
apiVersion: llmops/v1
kind: SafetyPolicy
metadata: {name: public, owner: trust}
spec:
  engines: [guardrails-ai]
  rules:
    - id: injection
      stage: [input]
      detector: {kind: regex, patterns: ['(?i)ignore all instructions']}
      action: refuse
"""

CODES: dict[str, Code] = {
    "LLM0701": Code(
        "Rule cannot be enforced",
        "The engine would let everything pass.",
        "Change the rule, or name the engines that can enforce it.",
        (Part(RULE, "      stage: [input, «tool»]", "      stage: [input]"),),
        given="No engine enforces a regex at the stage tool.",
    ),
    "LLM0702": Code(
        "Engine is not rendered",
        "The safety policy does not list the engine that the rule names.",
        "Add it to spec.engines, or remove it from the rule.",
        (Part(RULE, "      engines: [guardrails-ai, «nemoguardrails»]", "      engines: [guardrails-ai]", ""),),
        given="The safety policy has `engines: [guardrails-ai]`.",
        beside={"specs/safety.yaml": _ONE_ENGINE},
    ),
    "LLM0703": Code(
        "Serving engine leaves a rule out",
        "The first engine serves, so the rule would be a silent gap.",
        "Put an engine first that enforces every rule, or add the first one to the rule.",
        (Part(RULE, "      engines: «[nemoguardrails]»", "      engines: [guardrails-ai, nemoguardrails]", ""),),
        given="The safety policy has `engines: [guardrails-ai, nemoguardrails]`.",
    ),
}
