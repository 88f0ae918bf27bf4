"""Edits of the example workspace and what a plan must say about each: the table that `test_edits.py` holds the planner to.

`says` maps each resource that changes or is reached to its class; a resource that changes itself is marked with `*`.
`fields` are the changed fields, `files` the changed files. What is not named must not be in the plan.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

PROMPT, APP, SOURCE = "Prompt/handbook-answer@1.0.0", "Application/handbook-assistant", "RetrievalSource/handbook"
GEMMA, MINILM, RULES = "Model/gemma-local", "Model/minilm", "SafetyPolicy/public-assistant"
DATASET, RETRIEVAL, ANSWERS, MONITOR = (
    "Dataset/handbook-questions",
    "Evaluation/handbook-retrieval",
    "Evaluation/handbook-answers",
    "Monitor/handbook-quality",
)
HANDBOOK, MODELS, SAFETY, QUALITY = "specs/handbook-assistant.yaml", "specs/models.yaml", "specs/safety.yaml", "specs/quality.yaml"
PROD_APP, PROD_MODEL, PROD_STORE = "environments/prod/application.yaml", "environments/prod/model.yaml", "environments/prod/store.yaml"


@dataclass(frozen=True, slots=True)
class Edit:
    """`old` becomes `new` in `file`; an empty `old` appends, or makes the file. `None` for `new` removes the file."""

    file: str
    old: str
    new: str | None
    says: Mapping[str, str] = field(default_factory=dict)
    fields: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    environment: str = "dev"
    more: tuple[tuple[str, str], ...] = ()
    """Further replacements in the same file."""


def _prompt(level: str) -> dict[str, str]:
    return {PROMPT + "*": level, APP: level}


def _application(level: str) -> dict[str, str]:
    return {APP + "*": level}


def _embedder(level: str) -> dict[str, str]:
    return {MINILM + "*": level, SOURCE: level, APP: level}


def _source(level: str) -> dict[str, str]:
    return {SOURCE + "*": level, APP: level}


def _rules(level: str) -> dict[str, str]:
    return {RULES + "*": level, APP: level}


NOTHING = {
    "a comment": Edit(MODELS, "kind: Model", "# chosen in spring\nkind: Model"),
    "a comment at the end of a line": Edit(MODELS, "dimension: 384", "dimension: 384  # numbers a passage"),
    "the order of keys": Edit(MODELS, "  dimension: 384\n  max_input_tokens: 512", "  max_input_tokens: 512\n  dimension: 384"),
    "quotes": Edit(MODELS, "dimension: 384", '"dimension":   384'),
    "flow instead of block": Edit(QUALITY, "window_hours: 24", "'window_hours': 24"),
    "a default written out": Edit(SAFETY, "action: refuse", "action: refuse\n      mode: enforce\n      on_error: block"),
    "a number in another form": Edit(QUALITY, "max: 0.05", "max: 5.0e-2"),
    "a blank line": Edit(HANDBOOK, "---\n", "---\n\n"),
    "a file of nothing but a comment": Edit("specs/notes.yaml", "", "# nothing yet\n"),
    "a policy's explanation": Edit("policies/model-revision-pinned.yaml", "metadata:", "# why\nmetadata:"),
}
"""Edits of which a plan must say nothing at all."""

EDITS = {
    # prompts
    "prompt text": Edit(HANDBOOK, "in a few words", "in one sentence", _prompt("behaviour"), ("spec.messages[0].content",)),
    "prompt version raised": Edit(
        HANDBOOK,
        "version: 1.0.0",
        "version: 1.1.0",
        {"Prompt/handbook-answer@1.1.0*": "behaviour", APP: "behaviour"},
        ("spec.version",),
    ),
    "prompt changelog": Edit(HANDBOOK, "First version.", "The first version.", _prompt("metadata"), ("spec.changelog",)),
    "prompt variable's description": Edit(
        HANDBOOK, "What the user asks", "The question", _prompt("metadata"), ("spec.variables.question.description",)
    ),
    "prompt variable added": Edit(
        HANDBOOK,
        "    documents: {type: documents, description: Passages of the handbook}",
        "    documents: {type: documents, description: Passages of the handbook}\n    tone: {type: string}",
        {PROMPT + "*": "breaking", APP + "*": "behaviour"},
        ("spec.variables.tone.description", "spec.variables.tone.type", "spec.messages[1].content", "spec.variables.tone"),
        more=(
            ("Question: {{ question }}", "Be {{ tone }}. {{ question }}"),
            ("  risk: limited", "  risk: limited\n  variables: {tone: kind}"),
        ),
    ),
    "prompt message added": Edit(
        HANDBOOK,
        "    - role: user\n",
        "    - {role: assistant, content: Yes.}\n    - role: user\n",
        _prompt("behaviour"),
        ("spec.messages[1].content", "spec.messages[1].role", "spec.messages[2]"),
    ),
    "prompt owner": Edit(
        HANDBOOK, "name: handbook-answer, owner: docs-team", "name: handbook-answer, owner: words", _prompt("metadata"), ("metadata.owner",)
    ),
    # applications
    "traffic": Edit(
        HANDBOOK, "requests_per_day: 5000", "requests_per_day: 6000", _application("metadata"), ("spec.traffic.requests_per_day",)
    ),
    "longest question": Edit(
        HANDBOOK, "question_tokens: 128", "question_tokens: 100", _application("behaviour"), ("spec.limits.question_tokens",)
    ),
    "risk class": Edit(HANDBOOK, "risk: limited", "risk: minimal", _application("metadata"), ("spec.risk",)),
    "retention": Edit(HANDBOOK, "retention_days: 90", "retention_days: 30", _application("metadata"), ("spec.logging.retention_days",)),
    "an evaluation left out": Edit(
        HANDBOOK, "handbook-answers, handbook-red-team]", "handbook-red-team]", _application("behaviour"), ("spec.evaluations",)
    ),
    "the monitor left out": Edit(HANDBOOK, "  monitors: [handbook-quality]\n", "", _application("metadata"), ("spec.monitors",)),
    "no safety policy": Edit(HANDBOOK, "  safety: public-assistant\n", "", _application("behaviour"), ("spec.safety",)),
    "application described": Edit(
        HANDBOOK,
        "Answers questions about llmops from its handbook.",
        "Answers questions.",
        _application("metadata"),
        ("metadata.description",),
    ),
    "a label": Edit(
        HANDBOOK,
        "  description: Answers questions",
        "  labels: {audience: all}\n  description: Answers questions",
        _application("metadata"),
        ("metadata.labels.audience",),
    ),
    # models
    "temperature": Edit(
        MODELS, "temperature: 0,", "temperature: 0.5,", {GEMMA + "*": "behaviour", APP: "behaviour"}, ("spec.parameters.temperature",)
    ),
    "chat model's revision": Edit(
        MODELS, "revision: q4_k_m", "revision: q8_0", {GEMMA + "*": "behaviour", APP: "behaviour"}, ("spec.revision",)
    ),
    "longest answer": Edit(
        MODELS, "max_output_tokens: 64", "max_output_tokens: 96", {GEMMA + "*": "behaviour", APP: "behaviour"}, ("spec.max_output_tokens",)
    ),
    "licence of weights": Edit(
        MODELS, "licence: Gemma Terms of Use", "licence: Gemma", {GEMMA + "*": "metadata", APP: "metadata"}, ("spec.licence",)
    ),
    "price": Edit(
        MODELS,
        "  licence: Gemma Terms of Use",
        "  licence: Gemma Terms of Use\n  price: {input: 1, output: 2}",
        {GEMMA + "*": "metadata", APP: "metadata"},
        ("spec.price.input", "spec.price.output"),
    ),
    "model's label": Edit(MODELS, 'tier: "2"', 'tier: "1"', {GEMMA + "*": "metadata", APP: "metadata"}, ("metadata.labels.tier",)),
    "embedder's revision": Edit(MODELS, "revision: int8", "revision: int4", _embedder("breaking"), ("spec.revision",)),
    "embedder's dimension": Edit(MODELS, "dimension: 384", "dimension: 768", _embedder("breaking"), ("spec.dimension",)),
    "embedder's reach": Edit(MODELS, "max_input_tokens: 512", "max_input_tokens: 256", _embedder("breaking"), ("spec.max_input_tokens",)),
    "embedder's licence": Edit(MODELS, "licence: Apache-2.0", "licence: MIT", _embedder("metadata"), ("spec.licence",)),
    "embedder's owner": Edit(
        MODELS, "name: minilm\n  owner: ml-platform", "name: minilm\n  owner: search", _embedder("metadata"), ("metadata.owner",)
    ),
    # retrieval
    "chunk length": Edit(HANDBOOK, "length: 60", "length: 80", _source("breaking"), ("spec.chunking.length",)),
    "chunk unit": Edit(
        HANDBOOK,
        "by: word, length: 60, overlap: 15",
        "by: passage, length: 1",
        _source("breaking"),
        ("spec.chunking.by", "spec.chunking.length", "spec.chunking.overlap"),
    ),
    "top_k": Edit(HANDBOOK, "top_k: 3", "top_k: 2", _source("behaviour"), ("spec.retrieve.top_k",)),
    "retrieval mode": Edit(HANDBOOK, "mode: hybrid", "mode: keyword", _source("behaviour"), ("spec.retrieve.mode",)),
    "store's dimension": Edit(
        HANDBOOK, "{kind: embedded}", "{kind: embedded, dimension: 384}", _source("breaking"), ("spec.store.dimension",)
    ),
    "refresh": Edit(HANDBOOK, '"0 3 * * *"', '"0 4 * * *"', _source("metadata"), ("spec.refresh.schedule",)),
    "documents' licence": Edit(HANDBOOK, "licence: Apache-2.0}", "licence: MIT}", _source("metadata"), ("spec.documents.licence",)),
    "a document": Edit("docs/index.md", "", "\nOne more line.\n", _source("behaviour"), (), ("docs/index.md",)),
    "a new document": Edit("docs/new-page.md", "", "# New\n\nA page.\n", _source("behaviour"), (), ("docs/new-page.md",)),
    "a document removed": Edit("docs/editors.md", "", None, _source("behaviour"), (), ("docs/editors.md",)),
    "documents excluded": Edit(
        HANDBOOK,
        'paths: ["../docs/**/*.md"],',
        'paths: ["../docs/**/*.md"], exclude: ["../docs/index.md"],',
        _source("behaviour"),
        ("spec.documents.exclude",),
        ("docs/index.md",),
    ),
    # safety
    "rule's threshold": Edit(SAFETY, "threshold: 0.35", "threshold: 0.5", _rules("behaviour"), ("spec.rules[pii-out].detector.threshold",)),
    "rule's action": Edit(SAFETY, "action: redact", "action: flag", _rules("behaviour"), ("spec.rules[pii-out].action",)),
    "rule only watched": Edit(
        SAFETY, "action: redact", "action: redact\n      mode: monitor", _rules("behaviour"), ("spec.rules[pii-out].mode",)
    ),
    "rule's category": Edit(SAFETY, "owasp: LLM01", "owasp: LLM10", _rules("metadata"), ("spec.rules[injection-phrases].category.owasp",)),
    "rule's cases": Edit(
        SAFETY, '"What is a release?"', '"What is a bundle?"', _rules("metadata"), ("spec.rules[question-length].tests.pass",)
    ),
    "engines' order": Edit(
        SAFETY, "[guardrails-ai, nemoguardrails]", "[nemoguardrails, guardrails-ai]", _rules("behaviour"), ("spec.engines",)
    ),
    # evaluations, datasets, monitors
    "evaluation's threshold": Edit(
        QUALITY,
        "threshold: 0.7",
        "threshold: 0.8",
        {RETRIEVAL + "*": "behaviour", APP: "behaviour"},
        ("spec.metrics[retrieval_recall].threshold",),
    ),
    "evaluation's sample": Edit(QUALITY, "sample: 10", "sample: 20", {ANSWERS + "*": "behaviour", APP: "behaviour"}, ("spec.sample",)),
    "a dataset's row": Edit(
        "evals/handbook.jsonl",
        "",
        '{"question": "What is it?", "answer": "A compiler."}\n',
        {DATASET + "*": "behaviour", RETRIEVAL: "behaviour", ANSWERS: "behaviour", APP: "behaviour"},
        (),
        ("evals/handbook.jsonl",),
    ),
    "dataset's licence": Edit(
        QUALITY,
        "licence: Apache-2.0",
        "licence: MIT",
        {DATASET + "*": "metadata", RETRIEVAL: "metadata", ANSWERS: "metadata", APP: "metadata"},
        ("spec.licence",),
    ),
    "monitor's limit": Edit(
        QUALITY, "max: 0.05", "max: 0.1", {MONITOR + "*": "behaviour", APP: "metadata"}, ("spec.signals[error_rate].max",)
    ),
    "monitor's schedule": Edit(QUALITY, '"0 * * * *"', '"5 * * * *"', {MONITOR + "*": "metadata", APP: "metadata"}, ("spec.schedule",)),
    # what comes and goes
    "a deployment": Edit(
        "specs/deployment.yaml",
        "",
        "apiVersion: llmops/v1\nkind: Deployment\nmetadata: {name: live, owner: ml-platform}\nspec: {application: handbook-assistant}\n",
        {"Deployment/live*": "behaviour"},
    ),
    # environments
    "an address in prod": Edit(
        PROD_MODEL,
        "https://llm.example.org/v1",
        "https://llm2.example.org/v1",
        {GEMMA + "*": "behaviour", APP: "behaviour"},
        ("spec.endpoint.url",),
        environment="prod",
    ),
    "an address in prod, seen from dev": Edit(PROD_MODEL, "https://llm.example.org/v1", "https://llm2.example.org/v1"),
    "a store in prod": Edit(
        PROD_STORE, "env: STORE_URL", "env: STORE_2_URL", _source("breaking"), ("spec.store.connection.env",), environment="prod"
    ),
    "a price in prod": Edit(
        PROD_MODEL, "input: 0.1", "input: 0.2", {GEMMA + "*": "metadata", APP: "metadata"}, ("spec.price.input",), environment="prod"
    ),
    "a limit in prod": Edit(
        PROD_APP, "cost_per_day: 5", "cost_per_day: 7", _application("metadata"), ("spec.limits.cost_per_day",), environment="prod"
    ),
}
"""Edits with consequences."""
