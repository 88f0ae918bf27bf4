"""Files become documents that know their place; a broken one becomes a finding and a document that proves nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.load.source import UNREAD, Document, Places, Source, load
from llmops.report.text import text_report

SPEC = """\
# a comment
kind: Prompt
spec:
  messages:
    - role: user
      content: |
        Hello
        you
    - {role: system, content: "Hi"}
---
kind: Model
"""


def places_of(text: str) -> tuple[Document, Places]:
    source = Source("a.yaml", text)
    documents, diagnostics = load([source])
    assert not diagnostics
    return documents[0], Places([source])


@pytest.mark.parametrize(
    ("path", "value", "key"),
    [
        ((), (2, 1, 1), (2, 1, 1)),
        (("kind",), (2, 7, 6), (2, 1, 4)),
        (("spec",), (3, 1, 4), (3, 1, 4)),
        (("spec", "messages", 0, "role"), (5, 13, 4), (5, 7, 4)),
        (("spec", "messages", 0, "content"), (6, 7, 7), (6, 7, 7)),
        (("spec", "messages", 1), (9, 7, 29), (9, 7, 29)),
        (("spec", "messages", 1, "content"), (9, 31, 4), (9, 22, 7)),
        (("spec", "messages", 7), (4, 3, 8), (4, 3, 8)),
        (("spec", "nothing", "below"), (3, 1, 4), (3, 1, 4)),
        (("kind", "nothing"), (2, 7, 6), (2, 1, 4)),
    ],
)
def test_places_are_exact(path: tuple[str | int, ...], value: tuple[int, int, int], key: tuple[int, int, int]) -> None:
    document, places = places_of(SPEC)
    here, name = places.value(document, path), places.key(document, path)
    assert (here.line, here.column, here.width) == value
    assert (name.line, name.column, name.width) == key


def test_documents_are_counted_and_empty_ones_left_out() -> None:
    documents, _ = load([Source("a.yaml", "---\n---\nkind: A\n---\n# nothing\n---\nkind: B\n")])
    assert [(d.index, d.line, d.data["kind"]) for d in documents] == [(1, 3, "A"), (3, 7, "B")]
    places = Places([Source("a.yaml", "---\n---\nkind: A\n---\n# nothing\n---\nkind: B\n")])
    assert [places.value(d, ("kind",)).line for d in documents] == [3, 7]


def test_a_quoted_empty_document_is_not_empty() -> None:
    documents, _ = load([Source("a.yaml", "''")])
    assert [d.data for d in documents] == [""]


def test_a_broken_file_is_one_finding_and_unread() -> None:
    documents, diagnostics = load([Source("a.yaml", "a: 1\n---\nb: [\n"), Source("b.yaml", "c: 1")])
    assert [d.data for d in documents] == [UNREAD, {"c": 1}]
    assert [d.code for d in diagnostics] == ["LLM0002"]


def test_a_file_without_text_is_unread_and_has_its_finding_elsewhere() -> None:
    documents, diagnostics = load([Source("a.yaml", None)])
    assert [d.data for d in documents] == [UNREAD] and not diagnostics
    assert Places([Source("a.yaml", None)]).text("a.yaml") is None


@given(st.text(max_size=100) | st.text(st.sampled_from("ab:-[]{}&*!|>'\"#%@,?<~ \n\t\x85\u2028"), max_size=60))
def test_any_text_loads_or_is_a_located_finding(text: str) -> None:
    source = Source("a.yaml", text)
    documents, diagnostics = load([source])
    assert bool(diagnostics) == any(d.data is UNREAD for d in documents)
    assert text_report(diagnostics, Places([source]).text, colour=False) or not diagnostics


@given(st.binary(max_size=60))
def test_lines_of_places_are_those_that_reports_quote(content: bytes) -> None:
    text = content.decode("utf-8", "replace")
    source = Source("a.yaml", text)
    documents, _ = load([source])
    for document in (d for d in documents if isinstance(d.data, dict)):
        for key in document.data:
            place = Places([source]).key(document, (key,))
            assert Places([source]).line(place)[place.column - 1 :]
