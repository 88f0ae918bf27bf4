"""Writes the page of the starter pack: `python -m tests.policies.regenerate`. A test holds the page equal to the pack."""

from __future__ import annotations

from llmops.check.rules import Rule
from llmops.pipeline import open_pack
from tests.docs.handbook import DOCS, ROOT

FRAMEWORKS = ("owasp_llm", "nist_ai_rmf", "eu_ai_act", "iso_42001")
INTRODUCTION = """\
# The starter policies

llmops brings a pack of policies, `llmops.packs.starter`. A workspace takes it with an entry of `spec.policies` in
`llmops.yaml`; see [Policies](policies.md#packs). Most of them block in prod, warn in staging and audit in dev.
`llmops policy explain NAME` says why each is there, and how to mend a violation.

The columns on the right name the entries of public catalogues that a policy helps with. They prove no conformity: Articles
9 to 15, 19 and 26 of the EU AI Act bind high-risk systems only, and much of each catalogue is not about specs. The lists of
hosts, regions, licences and tools in the policies are examples; copy the pack and write your own.

| policy | holds that | severity | OWASP LLM | NIST AI RMF | EU AI Act | ISO/IEC 42001 |
|---|---|---|---|---|---|---|
"""


def page() -> str:
    """The table of all policies of the pack, by name."""
    rules = sorted(open_pack(ROOT / "policies").packs.rules, key=lambda rule: rule.name)
    return INTRODUCTION + "".join(_row(rule) for rule in rules)


def _row(rule: Rule) -> str:
    frameworks = [", ".join(rule.spec["frameworks"].get(name, ())) for name in FRAMEWORKS]
    return f"| `{rule.name}` | {' | '.join([rule.metadata['title'], rule.spec['severity'], *frameworks])} |\n"


if __name__ == "__main__":
    (DOCS / "starter-policies.md").write_text(page(), "utf-8")
