"""The pages hold together: links lead somewhere, codes exist, generated parts are what they are generated from."""

from __future__ import annotations

import argparse
import re
from importlib import import_module
from pathlib import Path

import pytest

from llmops.cli.main import VERBS
from llmops.codes import CODES, FAMILIES
from llmops.kinds import KINDS, schema
from llmops.report.error_pages import FOLDER, INDEX, error_pages, page_of
from tests.docs.handbook import DOCS, FENCE, ROOT, blocks, pages, prose
from tests.docs.regenerate import with_matrix

LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)(#[^)\s]+)?\)")
LONGEST_PAGE = 60
"""Lines of a page about one code."""
PAGE_OF_KIND = {kind: re.sub(r"(?<!^)(?=[A-Z])", "-", kind).lower() + ".md" for kind in KINDS}


def anchors(page: Path) -> set[str]:
    """GitHub's anchors of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", pages(), ids=lambda p: p.name)
def test_internal_links_lead_to_files(page: Path) -> None:
    links = LINK.findall(prose(page))
    broken = [path for path, _ in links if not (page.parent / path).exists()]
    assert not broken
    for path, anchor in links:
        assert not anchor or anchor[1:] in anchors(page.parent / path), f"{page.name} → {path}{anchor}"


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda p: p.name)
def test_the_index_names_every_page(page: Path) -> None:
    assert page.name == "index.md" or f"({page.name})" in (DOCS / "index.md").read_text("utf-8")


@pytest.mark.parametrize("page", pages(), ids=lambda p: p.name)
def test_codes_exist(page: Path) -> None:
    unknown = set(re.findall(r"LLM\d{4}\b", page.read_text("utf-8"))) - set(CODES)
    assert not unknown


@pytest.mark.parametrize("page", pages(), ids=lambda p: p.name)
def test_each_page_has_one_title_and_no_marker_left(page: Path) -> None:
    assert len(re.findall(r"^# .+$", prose(page), re.MULTILINE)) == 1
    assert "TODO" not in page.read_text("utf-8")


@pytest.mark.parametrize("path", error_pages())
def test_the_pages_of_errors_are_generated(path: str) -> None:
    assert (DOCS / path).read_text("utf-8") == error_pages()[path], "run: python -m tests.docs.regenerate"


def test_no_page_of_another_code_is_left() -> None:
    assert {path.relative_to(DOCS).as_posix() for path in (DOCS / FOLDER).iterdir()} == {page_of(name) for name in CODES}


def test_the_index_of_errors_has_every_code_once_in_its_family() -> None:
    index = error_pages()[INDEX]
    rows = re.findall(r"^\| \[(LLM\d{4})\]\(errors/\1\.md\) \| (.+) \|$", index, re.MULTILINE)
    assert rows == [(name, code.title) for name, code in CODES.items()]
    families = {family: re.findall(r"^\| \[(LLM\d{4})", text, re.MULTILINE) for family, text in sections(index).items()}
    assert families == {f"{prefix}: {family.title}": list(family.codes) for prefix, family in FAMILIES.items()}


def sections(page: str) -> dict[str, str]:
    """Heading → the text below it."""
    return dict(part.split("\n", 1) for part in page.split("\n## ")[1:])


@pytest.mark.parametrize("name", CODES)
def test_every_paragraph_about_a_code_names_it(name: str) -> None:
    """Retrieval finds a paragraph alone; which code it is about must stand in it."""
    paragraphs = FENCE.sub("", error_pages()[page_of(name)]).split("\n\n")
    about = [text for text in paragraphs if text.strip() and not text.startswith("All codes")]
    assert about and all(name in text for text in about)


@pytest.mark.parametrize("name", CODES)
def test_the_page_of_a_code_is_short(name: str) -> None:
    assert len(error_pages()[page_of(name)].splitlines()) <= LONGEST_PAGE


def test_every_family_of_codes_is_explained() -> None:
    described = set(re.findall(r"^- (LLM\d\d): ", (DOCS / "diagnostics.md").read_text("utf-8"), re.MULTILINE))
    assert described == set(FAMILIES)


def test_the_matrix_is_generated() -> None:
    page = (DOCS / "safety-policy.md").read_text("utf-8")
    assert with_matrix(page) == page, "run: python -m tests.docs.regenerate"


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_of_a_kind_names_every_field(kind: str) -> None:
    page = (DOCS / PAGE_OF_KIND[kind]).read_text("utf-8")
    missing = {name for name in field_names(kind) if not re.search(rf"\b{name}\b", page)}
    assert not missing


def field_names(kind: str) -> set[str]:
    """Every field of the kind's `spec`, at any depth."""
    root = schema(kind)
    shared = ("Metadata", kind, "EnvironmentVariable")
    parts = [part for name, part in root["$defs"].items() if name not in shared]
    return {name for part in parts for name in part.get("properties", {})}


@pytest.mark.parametrize("kind", KINDS)
def test_defaults_in_the_pages_are_the_schemas(kind: str) -> None:
    """`The default of `x` is y`, wherever a page of a kind says so."""
    page = prose(DOCS / PAGE_OF_KIND[kind])
    stated = re.findall(r"default(?: value)?\s+of\s+`(\w+)`\s+is\s+`?([\w.]+?)`?[.,;:\s]", page)
    for name, value in stated:
        assert value in defaults(kind, name), f"{kind}: {name} is {value}"


def defaults(kind: str, name: str) -> set[str]:
    parts = schema(kind)["$defs"].values()
    found = [part["properties"][name].get("default") for part in parts if name in part.get("properties", {})]
    return {str(value).lower() if isinstance(value, bool) else str(value) for value in found if value is not None}


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_and_flag_is_on_the_page_of_the_command_line(verb: str) -> None:
    page = (DOCS / "cli.md").read_text("utf-8")
    section = re.search(rf"^## llmops {verb}\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    assert section, f"docs/cli.md has no section for {verb}"
    for option in own_options(verb):
        assert option in section[1], f"docs/cli.md says nothing of {verb} {option}"


def own_options(verb: str) -> set[str]:
    """The long flags of a verb, but for those that nearly every verb shares."""
    parser = argparse.ArgumentParser(add_help=False)
    import_module(f"llmops.cli.{verb}").add_arguments(parser)
    flags = {flag for action in parser._actions for flag in action.option_strings if flag.startswith("--")}
    return flags - {"--workspace", "--env"}


def test_no_address_of_a_machine_is_in_the_pages() -> None:
    machine = re.compile(r"/(?:work|tmp|home|root)/(?!bundle\b)")
    found = [page.name for page in pages() if machine.search(page.read_text("utf-8"))]
    assert not found


def test_readme_counts_the_pages_it_points_to() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert "(docs/index.md)" in readme
    assert "(docs/quickstart.md)" in readme


def test_blocks_say_what_they_hold() -> None:
    """A block without a language is neither checked nor coloured."""
    assert [str(block) for block in blocks() if not block.info] == []
