"""Every code's example is real: the wrong side gives exactly this code under the carets, the right side gives nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmops.codes import CODES
from tests.codes.workspaces import checked, counting, examples, marked_place, span, told

ALSO = {key: ["LLM0901"] for key in ("LLM0907", "LLM0908", "LLM0913")}
"""A waiver that does not hold lets the violation through."""


@pytest.mark.parametrize("name", examples())
def test_the_wrong_side_gives_exactly_this_code_at_the_carets(name: str, tmp_path: Path) -> None:
    found, root = checked(CODES[name], "wrong", tmp_path / "workspace")
    counted = counting(found)
    assert sorted(d.code for d in counted) == sorted([name, *ALSO.get(name, [])]), told(counted)
    (diagnostic,) = (d for d in counted if d.code == name)
    assert span(diagnostic.location) == span(marked_place(CODES[name], root)), told(counted)


@pytest.mark.parametrize("name", examples())
def test_the_right_side_gives_no_finding(name: str, tmp_path: Path) -> None:
    found, _ = checked(CODES[name], "right", tmp_path / "workspace")
    assert counting(found) == [], told(found.diagnostics)
    assert found.graph is not None


def test_a_waiver_that_holds_is_why_the_right_side_is_clean(tmp_path: Path) -> None:
    for name in ALSO:
        found, _ = checked(CODES[name], "right", tmp_path / name)
        (waived,) = found.diagnostics
        assert waived.code == "LLM0901" and "approved by risk" in waived.waived
