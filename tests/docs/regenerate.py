"""Writes the generated parts of the handbook: `python -m tests.docs.regenerate`. The tests hold the files equal to them."""

from __future__ import annotations

from llmops.enforcement import ACTIONS, ENGINES, KINDS, STAGES, enforce
from llmops.report.error_pages import FOLDER, error_pages
from tests.docs.handbook import DOCS

OPEN, CLOSE = "<!-- matrix -->\n", "<!-- /matrix -->"


def matrix_table() -> str:
    """One row a detector: how each engine enforces it, at which stages, with which actions."""
    head = ["| detector | guardrails-ai | nemoguardrails | stages | can redact |", "|---|---|---|---|---|"]
    return "\n".join([*head, *(_row(kind) for kind in KINDS)]) + "\n"


def _row(kind: str) -> str:
    levels = [_level(engine, kind) for engine in ENGINES]
    return f"| `{kind}` | {' | '.join(levels)} | {', '.join(_stages(kind))} | {'yes' if _possible(kind, 'redact') else 'no'} |"


def _level(engine: str, kind: str) -> str:
    """At the output, where every detector has a sense, for a rule that blocks."""
    level = enforce(engine, {"kind": kind}, "output", "block").level
    return "not possible" if level == "impossible" else level


def _stages(kind: str) -> list[str]:
    return [stage for stage in STAGES if any(enforce(e, {"kind": kind}, stage, "block").possible for e in ENGINES)]


def _possible(kind: str, action: str) -> bool:
    assert action in ACTIONS
    return any(enforce(engine, {"kind": kind}, "output", action).possible for engine in ENGINES)


def with_matrix(page: str) -> str:
    """The page with the table between its marks."""
    before, _, rest = page.partition(OPEN)
    _, mark, after = rest.partition(CLOSE)
    assert mark, "docs/safety-policy.md has lost its marks for the matrix"
    return f"{before}{OPEN}\n{matrix_table()}\n{CLOSE}{after}"


def write_error_pages() -> None:
    """The index and a page for each code; pages of other codes are removed."""
    (DOCS / FOLDER).mkdir(exist_ok=True)
    pages = {DOCS / path: text for path, text in error_pages().items()}
    for stale in {*(DOCS / FOLDER).iterdir()} - pages.keys():
        stale.unlink()
    for path, text in pages.items():
        path.write_text(text, "utf-8")


def main() -> None:
    write_error_pages()
    policy = DOCS / "safety-policy.md"
    policy.write_text(with_matrix(policy.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
