"""The handbook's page of the starter pack says what the pack holds."""

from __future__ import annotations

from tests.docs.handbook import DOCS, ROOT
from tests.policies.pack import rules
from tests.policies.regenerate import page


def test_the_page_is_that_of_the_pack() -> None:
    assert (DOCS / "starter-policies.md").read_text("utf-8") == page(), "run `python -m tests.policies.regenerate`"


def test_the_readme_counts_the_policies() -> None:
    assert f"a starter pack of {len(rules())}, mapped to" in " ".join((ROOT / "README.md").read_text("utf-8").split())
