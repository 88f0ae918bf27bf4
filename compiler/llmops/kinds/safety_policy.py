"""`SafetyPolicy`: what an application may take in and say, enforced at run time by a guardrail engine."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from llmops.kinds.base import Name, Share, Spec, Strict

Stage = Literal["input", "retrieval", "output", "tool"]
Engine = Literal["guardrails-ai", "nemoguardrails"]


class Regex(Strict):
    """A regular expression finds it."""

    kind: Literal["regex"]
    patterns: Annotated[list[str], Field(min_length=1, json_schema_extra={"x-llmops-format": "regex"})]
    """Python regular expressions; any match is a hit."""


class Keywords(Strict):
    """A whole word or phrase finds it, in any case."""

    kind: Literal["keywords"]
    words: Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1)]


class Pii(Strict):
    """Personal data with a recognisable form. Names and places are not found: that needs a language model."""

    kind: Literal["pii"]
    entities: Annotated[
        list[Literal["CREDIT_CARD", "CRYPTO", "EMAIL_ADDRESS", "IBAN_CODE", "IP_ADDRESS", "PHONE_NUMBER", "US_SSN"]], Field(min_length=1)
    ]
    threshold: Share = 0.35
    """Lowest score that counts."""


class Secrets(Strict):
    """Keys and tokens."""

    kind: Literal["secrets"]


class Length(Strict):
    """Too short or too long."""

    kind: Literal["length"]
    min: Annotated[int, Field(ge=0)] = 0
    """Characters."""
    max: Annotated[int, Field(ge=1)]
    """Characters."""


class Json(Strict):
    """Not valid JSON."""

    kind: Literal["json"]


class Web(Strict):
    """Markup that a browser would run."""

    kind: Literal["web"]


class Profanity(Strict):
    """Swear words."""

    kind: Literal["profanity"]


class PromptLeakage(Strict):
    """The answer repeats the system prompt."""

    kind: Literal["prompt_leakage"]


class Groundedness(Strict):
    """Statements that the retrieved passages do not carry."""

    kind: Literal["groundedness"]
    threshold: Share = 0.6
    """Lowest share of a sentence's words that the passages must contain."""


class CodeInjection(Strict):
    """Output that would act in a database, template or shell."""

    kind: Literal["code_injection"]
    families: Annotated[list[Literal["sqli", "template", "code", "xss"]], Field(min_length=1)]


Detector = Annotated[
    Regex | Keywords | Pii | Secrets | Length | Json | Web | Profanity | PromptLeakage | Groundedness | CodeInjection,
    Field(discriminator="kind"),
]


class Cases(Strict):
    """Texts that show what the rule means; the compiler's tests run them on the real engines."""

    hit: list[str] = []
    pass_: Annotated[list[str], Field(alias="pass")] = []


class Rule(Strict):
    id: Name
    stage: Annotated[list[Stage], Field(min_length=1)]
    """Where the rule looks: the question, each retrieved passage, the answer, a tool's arguments."""
    detector: Detector
    action: Literal["block", "refuse", "redact", "flag", "log"]
    """`block` and `refuse` answer with `message` instead; `redact` removes what was found; `flag` and `log` let it pass."""
    mode: Literal["enforce", "monitor"] = "enforce"
    """`monitor` records what it would have done."""
    on_error: Literal["block", "log"] = "block"
    """What happens when the detector itself fails: a rule never passes silently."""
    severity: Literal["low", "medium", "high"] = "medium"
    category: dict[str, str] = {}
    """Where the rule belongs in public catalogues, as `owasp: LLM02`."""
    message: str = "I can't help with that."
    """What the user reads instead."""
    engines: list[Engine] | None = None
    """Only these of the policy's engines enforce the rule; every stage must keep one that does."""
    tests: Annotated[Cases, Field(default_factory=Cases)]


class SafetyPolicySpec(Strict):
    engines: Annotated[list[Engine], Field(min_length=1)]
    """Guardrail engines to render for; the first one serves."""
    rules: Annotated[list[Rule], Field(min_length=1)]


class SafetyPolicy(Spec):
    """What an application may take in and say, enforced at run time by a guardrail engine."""

    kind: Literal["SafetyPolicy"]
    spec: SafetyPolicySpec
