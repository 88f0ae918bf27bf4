"""The handbook's page of error codes, generated from `codes.py`. `python -m tests.docs.regenerate` writes it to `docs/errors.md`."""

from __future__ import annotations

from llmops.codes import CODES, Code

FAMILIES = {
    "LLM00": "The YAML itself",
    "LLM01": "The workspace",
    "LLM02": "Fields and values",
    "LLM03": "Patches and environments",
    "LLM04": "References",
    "LLM05": "Prompts and variables",
    "LLM06": "Sizes",
    "LLM07": "Safety rules",
    "LLM08": "Files",
    "LLM09": "Policies",
}
"""First characters of a code → the heading of its family."""

_INTRODUCTION = """\
# Error codes

`llmops check` prints a code with every finding, and `llmops explain CODE` prints the same text as this page."""


def errors_page() -> str:
    """Markdown with every code under its family, in the order of `CODES`. A code without a family is a KeyError."""
    parts = [_INTRODUCTION]
    family = ""
    for name, code in CODES.items():
        if name[:5] != family:
            family = name[:5]
            parts.append(f"## {FAMILIES[family]}")
        parts.append(_section(name, code))
    return "\n\n".join(parts) + "\n"


def _section(name: str, code: Code) -> str:
    meaning = f"The code {name} means: {_lower(code.title)}. {code.why} To mend {name}: {_lower(code.fix)}"
    lines = [f"### {name}: {code.title}", "", meaning]
    for label, example in (("Wrong", code.wrong), ("Right", code.right)):
        if example:
            lines += ["", f"{label}:", "", "```yaml fragment", example, "```"]
    return "\n".join(lines)


def _lower(text: str) -> str:
    """The first letter small, but for names such as UTF-8 and apiVersion."""
    return text if text[:4].isupper() else text[:1].lower() + text[1:]
