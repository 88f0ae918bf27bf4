"""Every code's example is real: the wrong side gives exactly this code under the carets, the right side gives nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmops.codes import CODES
from tests.codes.workspaces import checked, examples, marked_place, span, told


@pytest.mark.parametrize("name", examples())
def test_the_wrong_side_gives_exactly_this_code_at_the_carets(name: str, tmp_path: Path) -> None:
    found, root = checked(CODES[name], "wrong", tmp_path / "workspace")
    assert [d.code for d in found.diagnostics] == [name], told(found.diagnostics)
    (diagnostic,) = found.diagnostics
    assert span(diagnostic.location) == span(marked_place(CODES[name], root)), told(found.diagnostics)


@pytest.mark.parametrize("name", examples())
def test_the_right_side_gives_no_finding(name: str, tmp_path: Path) -> None:
    found, _ = checked(CODES[name], "right", tmp_path / "workspace")
    assert not found.diagnostics, told(found.diagnostics)
    assert found.graph is not None
