"""The handbook's pages of error codes, generated from `llmops.codes`: an index, and one page a code.

`python -m tests.docs.regenerate` writes them. Retrieval cuts pages into short pieces, so the sentences repeat code and title.
"""

from __future__ import annotations

from collections.abc import Iterator

from llmops.codes import CODES, FAMILIES, Code, Family, Part, Side

INDEX = "errors.md"
FOLDER = "errors"

_INTRODUCTION = """\
# Error codes

`llmops check` prints a code with every finding. Each code has a page here, with a wrong and a right example.
`llmops explain CODE` prints the same text as the code's page.

An example shows the lines that matter. The tests of llmops compile every example inside a whole workspace: the wrong side
gives the code of its page, under the carets, and the right side gives no finding."""


def error_pages() -> dict[str, str]:
    """Path below `docs` → the page's Markdown."""
    return {INDEX: _index(), **{page_of(name): _page(name, code) for name, code in CODES.items()}}


def page_of(name: str) -> str:
    """The page of a code, below `docs`."""
    return f"{FOLDER}/{name}.md"


def _index() -> str:
    return "\n\n".join([_INTRODUCTION, *(_family(prefix, family) for prefix, family in FAMILIES.items())]) + "\n"


def _family(prefix: str, family: Family) -> str:
    rows = [f"| [{name}]({page_of(name)}) | {code.title} |" for name, code in family.codes.items()]
    return "\n".join([f"## {prefix}: {family.title}", "", "| code | title |", "|---|---|", *rows])


def _page(name: str, code: Code) -> str:
    meaning = f"The code {name} means: {_lower(code.title)}. {code.why} To mend {name}: {_lower(code.fix)}"
    paragraphs = [f"# {name}: {code.title}", meaning, *_example(name, code), f"All codes: [error codes](../{INDEX})."]
    return "\n\n".join(paragraphs) + "\n"


def _example(name: str, code: Code) -> Iterator[str]:
    if code.words:
        yield f"An example of {name}: {_lower(code.words)}"
    if code.given:
        yield f"In the example of {name}: {_lower(code.given)}"
    for part in code.parts("wrong"):
        yield f"Wrong, with {name} ({_lower(code.title)}), in `{part.place.file}`:\n\n{_block(part, 'wrong')}"
    for part in code.parts("right"):
        yield f"Right, without {name}, in `{part.place.file}`:\n\n{_block(part, 'right')}"


def _block(part: Part, side: Side) -> str:
    language = "yaml example" if part.place.file.endswith(".yaml") else "text"
    return "\n".join([f"```{language}", *part.shown(side), "```"])


def _lower(text: str) -> str:
    """The first letter small, but for names such as UTF-8 and apiVersion."""
    return text if text[:3].isupper() else text[:1].lower() + text[1:]
