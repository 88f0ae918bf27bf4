"""Every example in the handbook works: YAML is valid, commands exist with their flags, datasets' rows can be read."""

from __future__ import annotations

import argparse
import json
import re
import shlex
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from llmops.check.cases import run_cases
from llmops.cli.main import VERBS
from llmops.evaluate.cases import read_cases
from llmops.kinds import KINDS, POLICY_KINDS
from llmops.link.templates import TemplateProblem, read_template
from llmops.load.source import Source, load
from llmops.pipeline import open_pack
from llmops.validate import mistakes_of, schema_mistakes
from tests.docs.handbook import Block, blocks

SETTINGS = ("Workspace", "Patch", *POLICY_KINDS)
"""Documents that are no resources; `mistakes_of` knows only resources."""


def documents(block: Block) -> list[dict[str, object]]:
    loaded, problems = load([Source(str(block), block.text)])
    assert not problems, problems
    return [document.data for document in loaded]


@pytest.mark.parametrize("block", list(blocks("yaml")), ids=str)
def test_yaml_is_valid(block: Block) -> None:
    found = documents(block)
    assert found
    for document in found:
        kind = document.get("kind")
        mistakes = schema_mistakes(document, str(kind)) if kind in SETTINGS else mistakes_of(document)
        assert not mistakes, f"{block}: {mistakes}"


@pytest.mark.parametrize("block", list(blocks("yaml")), ids=str)
def test_templates_parse(block: Block) -> None:
    for prompt in (d for d in documents(block) if d["kind"] == "Prompt"):
        for message in prompt["spec"]["messages"]:  # type: ignore[index]
            assert not isinstance(read_template(message["content"]), TemplateProblem)


def test_every_kind_has_an_example() -> None:
    shown = {document.get("kind") for block in blocks("yaml") for document in documents(block)}
    assert shown >= {*KINDS, *SETTINGS}


@pytest.mark.parametrize("block", [b for b in blocks("yaml") if "\nkind: Policy\n" in b.text], ids=str)
def test_policies_pass_their_own_cases(block: Block, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(block.text)
    results, judgements = run_cases(open_pack(tmp_path).packs.rules)
    assert results
    assert not [result.problem for result in results if result.problem]
    assert not [flaw for judgement in judgements for flaw in judgement.flaws]


@pytest.mark.parametrize("block", list(blocks("yaml fragment")), ids=str)
def test_a_fragment_is_no_whole_document(block: Block) -> None:
    """What could be checked is not marked as a fragment."""
    assert "apiVersion: llmops/v1\nkind:" not in block.text


def commands() -> Iterator[tuple[str, list[str]]]:
    """Every `llmops …` of the bash blocks."""
    for block in blocks("bash"):
        for line in block.text.splitlines():
            arguments = shlex.split(line, comments=True)
            if arguments[:1] == ["llmops"]:
                yield str(block), arguments[1:]


@pytest.mark.parametrize(("place", "arguments"), list(commands()))
def test_commands_exist(place: str, arguments: list[str]) -> None:
    assert arguments[0] in VERBS, place
    parser = argparse.ArgumentParser(exit_on_error=False)
    import_module(f"llmops.cli.{arguments[0]}").add_arguments(parser)
    parser.parse_args(arguments[1:])


def test_every_verb_is_shown() -> None:
    assert {arguments[0] for _, arguments in commands()} == set(VERBS)


def test_verbs_named_in_a_sentence_exist() -> None:
    named = {verb for page in _sentences() for verb in re.findall(r"`llmops (\w+)", page)}
    assert named - {"VERB"} == set(VERBS)


def _sentences() -> Iterator[str]:
    from tests.docs.handbook import pages, prose

    return (prose(page) for page in pages())


@pytest.mark.parametrize("block", [b for b in blocks("json") if b.page == "docs/dataset.md"], ids=str)
def test_rows_of_the_dataset_page_are_cases(block: Block, tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text("".join(json.dumps(json.loads(line)) + "\n" for line in block.text.splitlines()))
    fields = {name: name for name in ("question", "answer", "sources", "answerable")}
    assert len(read_cases(file, fields, "jsonl")) == len(block.text.splitlines())
