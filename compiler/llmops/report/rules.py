"""What SARIF says of a code or a policy beside its findings: title, reason, remedy, and how grave it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from llmops.diagnostics import Diagnostic
from llmops.report.findings import Findings, name_of

# GitHub reads 9 and more as critical, 7 as high, 4 as medium, and what is above 0 as low.
_SECURITY = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "2.0"}
_MOST_TAGS = 20
"""As many as GitHub takes for a rule."""


def rule_entries(diagnostics: Sequence[Diagnostic], findings: Findings) -> list[dict[str, Any]]:
    """One `reportingDescriptor` for each code and each violated policy, in the order of the findings."""
    first = {name_of(d): d for d in reversed(diagnostics)}
    names = list(dict.fromkeys(name_of(d) for d in diagnostics))
    policies = findings.policies() if any(name != first[name].code for name in names) else {}
    return [_entry(name, first[name], policies) for name in names]


def _entry(name: str, diagnostic: Diagnostic, policies: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    about = _code(diagnostic.code) if name == diagnostic.code else _policy(policies[name])
    return {"id": name, **about, "defaultConfiguration": {"level": diagnostic.severity}}


def _code(name: str) -> dict[str, Any]:
    from llmops.codes import CODES, FAMILIES

    code = CODES[name]
    explained = f"`llmops explain {name}` shows an example."
    tags = ["llmops", FAMILIES[name[:5]].title.lower()]
    return _descriptor(code.title, code.why, (code.fix, explained), {"tags": tags})


def _policy(policy: Mapping[str, Any]) -> dict[str, Any]:
    metadata, spec = policy["metadata"], policy["spec"]
    tags = ["llmops", "policy", "security", *_catalogues(spec.get("frameworks", {}))]
    properties = {"tags": tags[:_MOST_TAGS], "security-severity": _SECURITY[spec["severity"]]}
    explained = f"`llmops policy explain {metadata['name']}` says more."
    return _descriptor(metadata["title"], spec["why"].strip(), (spec["remediation"]["text"].strip(), explained), properties)


def _descriptor(title: str, why: str, remedy: tuple[str, str], properties: dict[str, Any]) -> dict[str, Any]:
    fix, explained = remedy
    return {
        "shortDescription": {"text": title},
        "fullDescription": {"text": why},
        "help": {"text": f"{why} {fix} {explained}", "markdown": f"**{title}.** {why}\n\n{fix}\n\n{explained}\n"},
        "properties": properties,
    }


def _catalogues(frameworks: Mapping[str, Any]) -> list[str]:
    """`owasp_llm: [LLM01]` → `owasp-llm/LLM01`."""
    return [f"{name.replace('_', '-')}/{entry}" for name, entries in frameworks.items() for entry in entries or ()]
