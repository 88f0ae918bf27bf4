"""LLM03: patches and environments."""

from __future__ import annotations

from llmops.codes.code import SETTINGS, Code, Part, Place

CODES: dict[str, Code] = {
    "LLM0301": Code(
        "Patch matches nothing",
        "A patch that matches no resource changes nothing: production would run with the base value.",
        "Correct the target.",
        (
            Part(
                Place("environments/dev/answers.yaml"),
                "target: «{kind: Model, name: chater}»\npatch:\n  spec: {max_output_tokens: 64}",
                "target: {kind: Model, name: chatter}\npatch:\n  spec: {max_output_tokens: 64}",
            ),
        ),
    ),
    "LLM0302": Code(
        "Unknown default environment",
        "Commands that name no environment take the default one.",
        "Name one of spec.environments.",
        (
            Part(
                SETTINGS,
                "  environments: {dev: , prod: }\n  default_environment: «production»",
                "  environments: {dev: , prod: }\n  default_environment: prod",
                "  environments: {dev: , prod: }",
            ),
        ),
    ),
}
