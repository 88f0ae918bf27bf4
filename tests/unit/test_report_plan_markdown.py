"""The pull request's comment: readable, whole, below GitHub's limit, and made of nothing that a stranger wrote."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from llmops.report.excerpt import visible
from llmops.report.plans.cells import FEW, LONGEST_DIFF, NAME
from llmops.report.plans.markdown import LIMIT, MARKER, SECTIONS, report
from llmops.report.plans.markup import code, diff, mention, prose, value
from llmops.report.plans.sections import MOST_ROWS, SHARE, bullets, fitted, table
from llmops.report.plans.values import LONGEST, one_line
from llmops.report.plans.wrap import word_spans
from tests.unit.plan_page import Page, rendered, safe_page
from tests.unit.plan_samples import (
    APPLICATION,
    EVIL,
    PROMPT,
    Plan,
    blocked,
    change,
    everything,
    field,
    finding,
    hostile,
    huge,
    map_texts,
    nothing,
    promotion,
    small,
)

FORGED = [
    "<!-- llmops-plan -->",
    "-->",
    "<!--",
    "</details>",
    "</code></td></tr></table>",
    "<b>",
    "&lt;",
    "&#64;ada",
    "]]>",
    "<?x?>",
    "<!X>",
]
GITHUB = ["@ada", "@acme/docs", "#1", "a/b#1", "GH-12", "https://e.vil", "www.e.vil", "a@e.vil", ":tada:", "475e2bd1f0aa", "deadbeef1"]
MARKUP = ["`", "```", "``` `", "|", "\\|", "*a*", "_a_", "~~a~~", "[a](b)", "![a](b)", "# a", "- a", "1. a", "> a", "\n\n", "    a", "\\"]
HIDDEN = ["\x1b[2J", "\u202e", "\u200b", "\u2066", "\x00", "\r", "\t", "\u2028", "\ufeff", "\U000e0041"]
HARMLESS = [" ", "  ", "\n", "word", "é", "漢字", "👍", "a", "1"]
PIECES = st.sampled_from([*FORGED, *GITHUB, *MARKUP, *HIDDEN, *HARMLESS]) | st.characters(codec="utf-8")
SIGNS = "<&>'\"|`" * 50
TEXTS = st.lists(PIECES, max_size=6).map("".join)


def squeezed(text: str) -> str:
    """As a browser shows spaces outside `pre`."""
    return " ".join(text.split())


@pytest.mark.parametrize("sample", [small, everything, promotion, nothing, blocked])
def test_samples(sample: Callable[[], Plan], snapshot: SnapshotAssertion) -> None:
    text = report(sample())
    safe_page(text)
    assert text == snapshot


def test_the_first_line_is_the_marker_and_then_comes_the_headline() -> None:
    page = safe_page(report(small()))
    assert report(small()).splitlines()[0] == MARKER
    assert page.texts["h3"] == ["llmops plan: behaviour: 1 change reaches 1 application in dev, staging, prod"]


def test_a_plan_without_changes_is_one_line_below_the_marker() -> None:
    line = "nothing changes in dev, staging, prod: the working tree against <code>origin/main</code> (<code>475e2bd1</code>)"
    assert report(nothing()) == f"{MARKER}\n\n<p>llmops plan: {line}</p>\n"


def test_a_section_without_rows_does_not_appear() -> None:
    titles = [*(page := safe_page(report(small()))).texts["h4"], *page.texts["summary"]]
    assert titles == [
        "Changes",
        "Texts and long values",
        "Evaluations to run",
        "Reviewers",
        f"{PROMPT} spec.messages[0].content",
        "Also reached (1)",
        "Releases (1)",
        "llmops.lock (1)",
    ]


def test_the_gravest_change_comes_first() -> None:
    rows = [text for text in safe_page(report(everything())).texts["tr"] if text.endswith("direct") or "direct" in text]
    levels = [match[0] for row in rows if (match := re.match("breaking|behaviour|metadata", row))]
    assert levels[:5] == ["breaking", "breaking", "behaviour", "behaviour", "behaviour"]


def test_new_errors_come_first_and_the_waived_last() -> None:
    page = safe_page(report(everything()))
    assert [text for text in page.texts["td"] if text in ("error", "warning", "waived")] == ["error", "warning", "waived"]


def cells(plan: Plan) -> list[str]:
    return safe_page(report(plan)).texts["td"]


def with_field(**known: Any) -> Plan:
    return {**small(), "changes": [change(fields=[{**field("spec.x", 1, 2), **known}])]}


@pytest.mark.parametrize(
    ("row", "shown"),
    [
        (field("spec.x", 60, 90), "spec.x: 60 → 90"),
        (field("spec.x", None, "b"), "spec.x: added b"),
        (field("spec.x", "a", None), "spec.x: removed a"),
        (field("spec.x", True, "true"), 'spec.x: true → "true"'),
        (field("spec.x", "1", 1), 'spec.x: "1" → 1'),
        (field("spec.x", " a", ""), 'spec.x: " a" → ""'),
        (field("spec.x", [1, "a"], {"k": None}), 'spec.x: [1, "a"] → {"k": null}'),
        (field("spec.x", "a\nb", "c"), "spec.x: a↵b → c"),
        (field("spec.x", 1, 2, **{"class": "metadata"}), "spec.x: 1 → 2 (metadata)"),
        (field("spec.x", 1, 2, note="weaker: it is gone"), "spec.x: 1 → 2, weaker: it is gone"),
        (field("spec.x", 1, "a" * 61), "spec.x: changed, see below"),
        (field("spec.x", None, "a" * 61), "spec.x: added, see below"),
    ],
)
def test_a_field(row: dict[str, Any], shown: str) -> None:
    assert shown in cells({**small(), "changes": [change(fields=[row])]})


def test_long_values_stand_below_the_table() -> None:
    page = safe_page(report(with_field(old="a" * 100, new="b" * 100)))
    assert page.texts["del"] == ["a" * 96, "a" * 4] and page.texts["ins"] == ["b" * 96, "b" * 4]


def test_a_value_is_cut_and_its_length_said() -> None:
    (shown,) = safe_page(report(with_field(operation="add", old=None, new="x" * 10_000))).texts["pre"]
    assert shown.replace("\n", "") == "x" * LONGEST + "… (10,000 characters)"


def test_a_word_diff_is_cut_and_its_length_said() -> None:
    words = [["removed", "old " * 2000], ["added", "new " * 2000]]
    (shown,) = safe_page(report(with_field(old="o", new="n", words=words))).texts["pre"]
    assert len(shown.replace("\n", "")) == LONGEST_DIFF + len("… (16,000 characters)") and shown.endswith("… (16,000 characters)")


def test_a_word_diff_marks_words_and_line_ends() -> None:
    page = safe_page(report(small()))
    assert page.texts["del"] == ["in a few words", "Say nothing else.↵"]
    assert page.texts["ins"][:2] == ["in one whole sentence", "Name the page that you took the answer from.↵"]
    assert page.texts["pre"][0].startswith(
        "Answer the question from the context in a few wordsin one whole sentence.\nSay nothing else.↵\n"
    )
    assert "↵\n\nContext: The kettle" in page.texts["pre"][0]


@pytest.mark.parametrize(("count", "opened"), [(3, True), (4, False)])
def test_few_texts_are_open(count: int, opened: bool) -> None:
    plan = {**small(), "changes": [change(fields=[field(f"spec.x{i}", "a" * 99, "b" * 99) for i in range(count)])]}
    assert report(plan).count("<details open>") == (count if opened else 0)


def test_a_change_with_many_fields_and_files_counts_the_rest() -> None:
    files = [{"path": f"docs/{i}.md", "operation": "add"} for i in range(FEW + 1)]
    plan = {**small(), "changes": [change(fields=[field(f"spec.x{i}", 1, 2) for i in range(FEW + 3)], files=files)]}
    (cell,) = [text for text in cells(plan) if text.startswith("spec.x0")]
    assert f"spec.x{FEW - 1}" in cell and f"spec.x{FEW}" not in cell
    assert cell.endswith(f"added docs/{FEW - 1}.mdand 3 more fieldsand 1 more file")


def test_a_list_is_cut_and_the_rest_counted() -> None:
    plan = {**small(), "changes": [change(f"Prompt/p{i}@1.0.0") for i in range(500)]}
    text = report(plan)
    assert text.count("<strong><code>Prompt/p") == MOST_ROWS and "<p>and 450 more: see the plan as JSON</p>" in text


def test_a_row_says_where_it_is_not_everywhere() -> None:
    plan = {**small(), "changes": [change(environments=["dev", "prod"])]}
    assert any("only in dev, prod" in cell for cell in cells(plan))
    assert "only in" not in report(small())


def test_a_finding_that_a_policy_caused_says_so() -> None:
    plan = {**small(), "findings": {"new": [finding(because="policy")], "gone": []}}
    assert any(cell.endswith("only in prod; the policy changed, not the resource") for cell in cells(plan))


def test_an_environment_that_has_no_value_is_absent() -> None:
    rows = [text for text in safe_page(report(everything())).texts["tr"] if "spec.endpoint.url" in text]
    assert rows == ["Model/gemma-localspec.endpoint.urlabsentabsenthttps://llm.example.org/v1"]


# Mentions


def test_nobody_is_notified() -> None:
    assert safe_page(report(everything())).acted_on == []
    assert "<code>@acme/docs</code>" in report(everything())


def test_handles_notify_where_that_is_asked_for() -> None:
    page = Page(report(everything(), mention=True))
    assert [text.strip(" (") for text in page.acted_on] == ["@acme/docs", "@ada"]


@pytest.mark.parametrize("handle", ["@a b", "@ada @bob", "ada@example.org", "@", "@-x", "@a/b/c", "<@ada>", "@ada\n", "@" + "a" * 80])
def test_only_a_handle_is_a_mention(handle: str) -> None:
    plan = {**small(), "reviewers": [{"owner": EVIL, "handle": handle, "why": [EVIL]}]}
    assert Page(report(plan, mention=True)).acted_on == []
    assert mention(handle) == code(handle)


# Whatever somebody writes


def test_hostile_text_everywhere() -> None:
    text = report(hostile())
    page = safe_page(text)
    assert len(text) < LIMIT
    assert "evil" in "".join(page.texts["code"]) and "\x1b" not in text and "\u202e" not in text


@pytest.mark.parametrize("piece", [*FORGED, *GITHUB, *MARKUP, *HIDDEN])
def test_hostile_pieces_everywhere(piece: str) -> None:
    for text in (piece, f"a {piece} b", f"\n\n{piece}\n\n", f"({piece})", f"{piece}{piece}"):
        safe_page(report(hostile(text)))


@settings(max_examples=60)
@given(TEXTS)
@example("\n\n</pre></details>\n\n<img src=x>\n")
@example("a\n\n    b\n\n# c")
def test_any_text_leaves_the_structure_as_it_is(text: str) -> None:
    """The same tags as with harmless text of the same length, whatever stands in the fields."""
    written, harmless = report(hostile(text or '"')), report(hostile("a" * max(1, len(text))))
    assert safe_page(written).skeleton == safe_page(harmless).skeleton


@settings(max_examples=150)
@given(TEXTS)
@example("  a  ")
@example("`` ` ```")
def test_what_is_shown_is_what_was_written(text: str) -> None:
    assert Page(f"<p>{code(text)}</p>").texts["code"] == [visible(text.replace("\n", "↵"))]
    assert squeezed("".join(Page(f"<p>{prose(text)}</p>").texts["p"])) == squeezed(visible(text.replace("\n", "↵")))


@settings(max_examples=150)
@given(st.lists(st.tuples(st.sampled_from(["same", "removed", "added"]), TEXTS.filter(bool)), min_size=1, max_size=4))
def test_a_word_diff_holds_both_texts(words: list[tuple[str, str]]) -> None:
    page = safe_page(f"{MARKER}\n\n{diff(word_spans(words))}\n")

    def bare(text: str) -> str:
        return visible(text.replace("\n", "").replace("↵", ""))

    shown = "".join(page.texts["pre"]).replace("\n", "").replace("↵", "")
    assert shown == "".join(bare(text) for _, text in words)
    for operation, tag in (("removed", "del"), ("added", "ins")):
        assert "".join(page.texts.get(tag, [])).replace("↵", "") == "".join(bare(text) for kind, text in words if kind == operation)


@pytest.mark.parametrize(
    "sentence", ["about 21 s, $0.0012", "(the same)", "60,900 tokens, +5%", "re-embeds 1 chunk", "until 2027-03-31", "wörter"]
)
def test_plain_words_stay_words(sentence: str) -> None:
    assert "<code>" not in prose(sentence)


@pytest.mark.parametrize("word", [*GITHUB, "spec.x", "a_b", "1234567", "12345678.5", "defaced1", "x" * 41, "abcdef0", "a/b", "$x", "--env"])
def test_what_github_could_act_on_is_code(word: str) -> None:
    assert prose(word) == f"<code>{word}</code>" or prose(word) == f"<code>{word.rstrip(':')}</code>:"
    assert f"see (<code>{word.rstrip(':')}</code>" in prose(f"see ({word}).")


@given(st.integers(1, 400), st.integers(0, 400))
def test_a_cut_text_says_its_length(length: int, most: int) -> None:
    shown = one_line("x" * length, most)
    assert shown == "x" * length if length <= most + 20 else shown == "x" * most + f"… ({length:,} characters)"


def test_secrets_of_a_known_form_are_hidden_even_at_a_cut() -> None:
    secret = "AKIA" + "A" * 16
    for text in (secret, "x" * (LONGEST - 10) + " " + secret, f"key {secret} end"):
        assert "AKIA" not in code(text) + prose(text) + value(text) + value([text]) + report(
            with_field(operation="add", old=None, new=text)
        )


# Size


@pytest.mark.parametrize("make", [huge, lambda: hostile(SIGNS), lambda: map_texts(huge(200, 500), lambda _: SIGNS)])
def test_the_comment_stays_below_the_limit(make: Callable[[], Plan]) -> None:
    text = report(make())
    page = safe_page(text)
    assert LIMIT / 2 < len(text) < LIMIT
    assert page.texts["h3"] and "more: see the plan as JSON" in "".join(page.texts["p"])


def test_of_a_huge_plan_every_section_is_there_with_its_number() -> None:
    page = safe_page(report(huge()))
    titles = {*page.texts["h4"], *(text.partition(" (")[0] for text in page.texts["summary"])}
    assert {"Changes", "New findings", "Reviewers", "Releases", "Evaluation gate", "What differs between the environments"} <= titles
    left = [text for text in page.texts["p"] if "see the plan as JSON" in text]
    assert len(left) >= 12
    assert page.texts["td"].count("error") > 20, "findings are cut last"


def test_the_least_important_section_is_cut_first() -> None:
    kept, cut = (bullets(name, [name * 90] * 40, 40) for name in ("a", "b"))
    first, second = fitted([(0, kept), (1, cut)], len(kept.html(10**6)) + SHARE + 4)
    assert first.count("<li>") == 40 and 0 < second.count("<li>") < 40 and "more: see" in second
    second, first = fitted([(1, cut), (0, kept)], len(kept.html(10**6)) + SHARE + 4)
    assert first.count("<li>") == 40 and 0 < second.count("<li>") < 40


def test_an_important_section_leaves_the_others_their_share() -> None:
    greedy, modest = bullets("a", ["x" * 900] * 50, 50), bullets("b", ["y" * 900] * 50, 50)
    first, second = fitted([(0, greedy), (1, modest)], 10_000)
    assert len(first) + len(second) + 4 <= 10_000
    assert second.count("<li>") == 2 and len(second) <= SHARE


def test_a_row_that_fits_nowhere_is_counted() -> None:
    section = table("Changes", ("a",), [["x" * 5000]], 7)
    assert section.html(SHARE) == "<h4>Changes</h4>\n<p>7: see the plan as JSON</p>"


@given(st.lists(st.integers(0, 4000), min_size=1, max_size=60), st.integers(SHARE, 60_000), st.booleans())
def test_a_section_keeps_to_its_room(sizes: list[int], room: int, folded: bool) -> None:
    section = bullets("a", ["x" * size for size in sizes], len(sizes), folded=folded)
    text = section.html(room)
    assert len(text) <= room
    shown, left = text.count("<li>"), re.search(r"(\d+)(?: more)?: see", text)
    assert shown + int(left[1] if left else 0) == len(sizes)


def test_shares_of_all_sections_fit_the_limit() -> None:
    assert len(SECTIONS) * SHARE < LIMIT - 15_000
    assert sorted(rank for rank, _ in SECTIONS) == list(range(len(SECTIONS)))


def test_what_the_terminal_is_like_does_not_matter() -> None:
    assert report(everything(), colour=True, width=80) == report(everything())


def test_the_renderer_sees_what_the_tests_look_for() -> None:
    """The checks of this file would notice."""
    assert "<h1>" in rendered("# a") and "<a href" in rendered("[a](b)") and "<table>" in rendered("|a|\n|-|\n|b|")
    assert Page("@ada and #1").acted_on == ["@ada and #1"]
    with pytest.raises(AssertionError):
        safe_page(f"{MARKER}\n\n<p>https://evil.example</p>\n")
    with pytest.raises(AssertionError):
        safe_page(f"{MARKER}\n\n<p><img></p>\n")


def test_names_are_cut_shorter_than_values() -> None:
    assert f"{'p' * NAME}… (301 characters)" in report({**small(), "changes": [change(APPLICATION, fields=[field("p" * 301, 1, 2)])]})
