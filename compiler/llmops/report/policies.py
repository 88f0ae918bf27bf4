"""What the verb `policy` prints: the list, one policy's page, the results of its cases, what it covers."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from llmops.check import Examined
from llmops.check.cases import Result
from llmops.check.rules import Rule
from llmops.kinds import KINDS
from llmops.report.excerpt import plain

WIDTH = 80
FRAMEWORKS = {
    "owasp_llm": "OWASP LLM Top 10 (2025)",
    "nist_ai_rmf": "NIST AI RMF 1.0",
    "eu_ai_act": "EU AI Act",
    "iso_42001": "ISO/IEC 42001",
}


def policy_table(rules: Sequence[Rule], environment: str) -> str:
    """One line a policy: name, severity, what a violation does in `environment`, kinds, title."""
    rows = [("POLICY", "SEVERITY", environment.upper(), "KINDS", "TITLE")]
    rows += [(r.name, r.spec["severity"], r.effect(environment), ", ".join(r.kinds), plain(r.metadata["title"])) for r in rules]
    return _columns(rows)


def _columns(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
    lines = ["  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip() for row in rows]
    return "\n".join(lines) + "\n"


def policy_page(rule: Rule, environments: Iterable[str]) -> str:
    """All that is known about one policy, as people read it."""
    spec = rule.spec
    effects = ", ".join(f"{name} {rule.effect(name)}" for name in environments) or ", ".join(
        f"{k} {v}" for k, v in rule.enforcement.items()
    )
    parts = [
        f"{rule.name}: {plain(rule.metadata['title'])}",
        _wrapped(spec["why"]),
        _listed(
            {
                "severity": spec["severity"],
                "enforcement": effects or "block",
                "looks at": _scope(spec["match"]),
                "owner": rule.metadata["owner"],
            }
        ),
        "\n".join(f"{name}:\n{_indented(text)}" for name, text in (("each", spec.get("each")), *rule.expressions.items()) if text),
        f"to mend it:\n{_indented(_remedy(spec['remediation']))}",
        _listed({FRAMEWORKS[name]: ", ".join(entries) for name, entries in spec["frameworks"].items()}),
        "cases:\n" + "\n".join(f"  {case['expect']:9} {plain(case['name'])}" for case in spec["tests"]),
        f"declared in {rule.document.file}",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _scope(match: Mapping[str, Any]) -> str:
    labels = "".join(f", with the label {key}={value}" for key, value in match["labels"].items())
    environments = f", in {' and '.join(match['environments'])}" if "environments" in match else ""
    changes = f", on {match['on'][0]} only" if len(match["on"]) == 1 else ""
    return f"{', '.join(match['kinds'])}{labels}{environments}{changes}"


def _remedy(remediation: Mapping[str, Any]) -> str:
    written = "".join(f"\n`llmops check --fix` sets {path} to {value!r}." for path, value in remediation.get("set", {}).items())
    return f"{remediation['text']}{written}"


def _listed(entries: Mapping[str, str]) -> str:
    width = max((len(name) for name in entries), default=0)
    return "\n".join(f"{name.ljust(width)}  {text}" for name, text in entries.items())


def _wrapped(text: str) -> str:
    return textwrap.fill(plain(" ".join(text.split())), WIDTH)


def _indented(text: str) -> str:
    return "\n".join(f"  {plain(line)}" for line in text.strip().splitlines())


def results_table(results: Sequence[Result]) -> str:
    """One line a policy, with the cases that fail below it."""
    by_policy: dict[str, list[Result]] = {}
    for result in results:
        by_policy.setdefault(result.rule.name, []).append(result)
    return "\n".join(line for name, found in by_policy.items() for line in _lines_of(name, found)) + "\n"


def _lines_of(name: str, results: Sequence[Result]) -> Iterator[str]:
    failed = [result for result in results if result.problem]
    yield f"{'FAIL' if failed else 'ok  '}  {name}  {len(results) - len(failed)} of {len(results)} cases"
    yield from (f"        {plain(result.case['name'])}: {plain(result.problem)}" for result in failed)


def coverage_table(examined: Sequence[Examined], counts: Mapping[str, int]) -> str:
    """How many policies look at each kind, and at how many of the workspace's resources. `counts` are those by kind."""
    rows = [("KIND", "RESOURCES", "LOOKED AT", "POLICIES")]
    for kind in KINDS:
        looked_at = {resource.id for part in examined for resource in part.resources if resource.kind == kind}
        policies = sum(kind in part.rule.kinds for part in examined)
        rows.append((kind, str(counts.get(kind, 0)), str(len(looked_at)), str(policies)))
    idle = [part.rule.name for part in examined if not part.resources]
    note = f"\n{len(idle)} policies look at nothing here: {', '.join(idle)}\n" if idle else ""
    return _columns(rows) + (textwrap.fill(note, WIDTH) + "\n" if note else "")
