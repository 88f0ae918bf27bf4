"""`SafetyPolicy`: what an application may take in and say, enforced at run time by a guardrail engine."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from llmops.kinds.base import Name, Share, Spec, Strict, reference, values

Stage = Annotated[
    Literal["input", "retrieval", "output", "tool"],
    values(
        {
            "input": "The question.",
            "retrieval": "Each retrieved passage.",
            "output": "The answer.",
            "tool": "A tool's arguments. No engine enforces it yet: LLM0701.",
        }
    ),
]
Engine = Annotated[
    Literal["guardrails-ai", "nemoguardrails"],
    values({"guardrails-ai": "Guardrails AI.", "nemoguardrails": "NVIDIA NeMo Guardrails; it cannot enforce `groundedness`."}),
]


class Regex(Strict):
    """A regular expression finds it."""

    kind: Literal["regex"]
    """`regex`: a regular expression finds it."""
    patterns: Annotated[
        list[str],
        Field(min_length=1, examples=[["(?i)\\bignore\\b.{0,30}\\binstructions\\b"]], json_schema_extra={"x-llmops-format": "regex"}),
    ]
    """Python regular expressions; any match is a hit. Write them in single quotes."""


class Keywords(Strict):
    """A whole word or phrase finds it, in any case."""

    kind: Literal["keywords"]
    """`keywords`: a whole word or phrase finds it, in any case."""
    words: Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1, examples=[["project falcon"]])]
    """Words and phrases; case does not matter."""


class Pii(Strict):
    """Personal data with a recognisable form. Names and places are not found: that needs a language model."""

    kind: Literal["pii"]
    """`pii`: personal data with a recognisable form."""
    entities: Annotated[
        list[
            Annotated[
                Literal["CREDIT_CARD", "CRYPTO", "EMAIL_ADDRESS", "IBAN_CODE", "IP_ADDRESS", "PHONE_NUMBER", "US_SSN"],
                values(
                    {
                        "CREDIT_CARD": "Numbers of payment cards, with a right check digit.",
                        "CRYPTO": "Bitcoin addresses.",
                        "EMAIL_ADDRESS": "E-mail addresses.",
                        "IBAN_CODE": "International bank account numbers.",
                        "IP_ADDRESS": "IPv4 and IPv6 addresses.",
                        "PHONE_NUMBER": "Telephone numbers.",
                        "US_SSN": "Social security numbers of the United States.",
                    }
                ),
            ]
        ],
        Field(min_length=1),
    ]
    """What is looked for."""
    threshold: Share = 0.35
    """Lowest score that counts, between 0 and 1."""


class Secrets(Strict):
    """Keys and tokens."""

    kind: Literal["secrets"]
    """`secrets`: keys and tokens."""


class Length(Strict):
    """Too short or too long."""

    kind: Literal["length"]
    """`length`: too short or too long."""
    min: Annotated[int, Field(ge=0, examples=[1])] = 0
    """Fewest characters that pass."""
    max: Annotated[int, Field(ge=1, examples=[600])]
    """Most characters that pass."""


class Json(Strict):
    """Not valid JSON, or not of the form that is asked for."""

    kind: Literal["json"]
    """`json`: not valid JSON, or not of the form that is asked for."""
    json_schema: (
        Annotated[dict[str, Any], Field(json_schema_extra={"x-llmops-format": "json-schema"}, examples=[{"type": "object"}])] | None
    ) = None
    """A JSON Schema (2020-12) that the answer must satisfy; without one, any JSON passes."""


class PromptInjection(Strict):
    """Attempts to give the assistant other orders, by the phrases that they are made of."""

    kind: Literal["prompt_injection"]
    """`prompt_injection`: attempts to give the assistant other orders."""
    families: Annotated[
        list[
            Annotated[
                Literal["override", "role", "extraction", "delimiter", "exfiltration"],
                values(
                    {
                        "override": "Orders to ignore what was said before.",
                        "role": "Orders to be somebody without rules.",
                        "extraction": "Questions for the system prompt.",
                        "delimiter": "Marks that separate messages for the model.",
                        "exfiltration": "Links and orders that carry the conversation away.",
                    }
                ),
            ]
        ],
        Field(min_length=1),
    ] = ["override", "role", "extraction", "delimiter", "exfiltration"]
    """What is looked for; all of it by default."""


class Topic(Strict):
    """About something else than it should be, by likeness to example sentences."""

    kind: Literal["topic"]
    """`topic`: about something else than it should be."""
    denied: Annotated[list[Annotated[str, Field(min_length=3)]], Field(examples=[["Which shares should I buy?"]])] = []
    """Sentences of topics that are a hit."""
    allowed: Annotated[list[Annotated[str, Field(min_length=3)]], Field(examples=[["How do I return a kettle?"]])] = []
    """Sentences of the only topics that pass."""
    threshold: Share = 0.5
    """Likeness from which a text belongs to an example's topic, between 0 and 1."""


class ContentSafety(Strict):
    """A model finds harmful content."""

    kind: Literal["content_safety"]
    """`content_safety`: a model finds harmful content."""
    model: Annotated[str, reference("Model", "The Model that judges, with `task: chat`.")]
    categories: Annotated[
        list[
            Annotated[
                Literal["violence", "hate", "sexual", "self_harm", "crime", "weapons"],
                values(
                    {
                        "violence": "Threats, incitement or instructions to hurt people.",
                        "hate": "Contempt for people for what they are.",
                        "sexual": "Sexual content.",
                        "self_harm": "Encouragement of self-harm.",
                        "crime": "Help with a crime.",
                        "weapons": "Instructions for weapons that harm many.",
                    }
                ),
            ]
        ],
        Field(min_length=1),
    ] = ["violence", "hate", "sexual", "self_harm", "crime", "weapons"]
    """What is looked for; all of it by default."""


class LlmJudge(Strict):
    """A model answers a question about the text with yes."""

    kind: Literal["llm_judge"]
    """`llm_judge`: a model answers a question about the text with yes."""
    model: Annotated[str, reference("Model", "The Model that judges, with `task: chat`.")]
    question: Annotated[str, Field(min_length=8, examples=["Does the text give medical advice?"])]
    """Answered with yes or no; yes is a hit."""


class Web(Strict):
    """Markup that a browser would run."""

    kind: Literal["web"]
    """`web`: markup that a browser would run."""


class Profanity(Strict):
    """Swear words."""

    kind: Literal["profanity"]
    """`profanity`: English swear words."""


class PromptLeakage(Strict):
    """The answer repeats the system prompt."""

    kind: Literal["prompt_leakage"]
    """`prompt_leakage`: the answer repeats the system prompt."""


class Groundedness(Strict):
    """Statements that the retrieved passages do not carry."""

    kind: Literal["groundedness"]
    """`groundedness`: statements that the passages do not carry."""
    threshold: Share = 0.6
    """Lowest share of a sentence's words that the passages must contain, between 0 and 1."""


class CodeInjection(Strict):
    """Output that would act in a database, template or shell."""

    kind: Literal["code_injection"]
    """`code_injection`: output that would act in a database, template or shell."""
    families: Annotated[
        list[
            Annotated[
                Literal["sqli", "template", "code", "xss"],
                values(
                    {
                        "sqli": "SQL that a database would run.",
                        "template": "Template expressions, as Jinja's.",
                        "code": "Program code, as Python that imports or runs a shell.",
                        "xss": "Markup that a browser would run.",
                    }
                ),
            ]
        ],
        Field(min_length=1),
    ]
    """What would act on the answer."""


Detector = Annotated[
    Regex
    | Keywords
    | Pii
    | Secrets
    | Length
    | Json
    | Web
    | Profanity
    | PromptLeakage
    | PromptInjection
    | Groundedness
    | CodeInjection
    | Topic
    | ContentSafety
    | LlmJudge,
    Field(discriminator="kind"),
]


class Cases(Strict):
    """Texts that show what the rule means; the compiler's tests run them on the real engines."""

    hit: Annotated[list[str], Field(examples=[["mail me at a@example.org"]])] = []
    """Texts that the rule must find something in."""
    pass_: Annotated[list[str], Field(alias="pass", examples=[["order 12 of 2024"]])] = []
    """Texts that the rule must let through."""


class Rule(Strict):
    """What is looked for, where, and what happens then."""

    id: Annotated[Name, Field(examples=["pii-out"])]
    """Name of the rule in verdicts and overlays: lower-case letters, digits and dashes."""
    stage: Annotated[list[Stage], Field(min_length=1)]
    """Where the rule looks: the question, each retrieved passage, the answer, a tool's arguments."""
    detector: Detector
    """What finds it; `kind` decides which fields there are."""
    action: Annotated[
        Literal["block", "refuse", "redact", "flag", "log"],
        values(
            {
                "block": "The user reads `message` instead. A passage is left out.",
                "refuse": "As `block`; says that the request itself is refused.",
                "redact": "What was found is removed, the rest passes. Detectors: `regex`, `keywords`, `pii`, `secrets`.",
                "flag": "The text passes, the hit is recorded.",
                "log": "As `flag`.",
            }
        ),
    ]
    """What happens after a hit. `block` and `refuse` answer with `message` instead; `redact` removes what was found; `flag` and
    `log` let it pass."""
    mode: Annotated[
        Literal["enforce", "monitor"],
        values({"enforce": "The action is taken.", "monitor": "The text passes; what the rule would have done is recorded."}),
    ] = "enforce"
    """Whether the action is taken; `monitor` records what it would have done."""
    on_error: Annotated[
        Literal["block", "log"],
        values({"block": "The text is blocked.", "log": "The text passes and the failure is recorded."}),
    ] = "block"
    """What happens when the detector itself fails: a rule never passes silently."""
    budget_ms: Annotated[int, Field(ge=1, le=60_000, examples=[50])] | None = None
    """Longest that the detector may take, in milliseconds; a slower one has failed, and `on_error` decides."""
    severity: Annotated[
        Literal["low", "medium", "high"],
        values({"low": "Untidy.", "medium": "Should be looked at.", "high": "Harms somebody."}),
    ] = "medium"
    """How bad a hit is; recorded in the verdict."""
    category: Annotated[dict[str, str], Field(examples=[{"owasp": "LLM02"}])] = {}
    """Where the rule belongs in public catalogues, as `owasp: LLM02`."""
    message: Annotated[str, Field(examples=["Personal data removed"])] = "I can't help with that."
    """What the user reads instead of a blocked or refused text."""
    engines: list[Engine] | None = None
    """Only these of the policy's engines enforce the rule; every stage must keep one that does."""
    tests: Annotated[Cases, Field(default_factory=Cases)]
    """Texts that show what the rule means; they never change a release."""


class SafetyPolicySpec(Strict):
    engines: Annotated[list[Engine], Field(min_length=1)]
    """Guardrail engines to render for; the first one serves."""
    rules: Annotated[list[Rule], Field(min_length=1)]
    """The safety rules; each `id` once."""


class SafetyPolicy(Spec):
    """What an application may take in and say, enforced at run time by a guardrail engine."""

    kind: Literal["SafetyPolicy"]
    """The kind of resource."""
    spec: SafetyPolicySpec
    """Engines and rules."""
