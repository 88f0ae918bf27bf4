"""libyaml's complaints in the words of somebody who writes specs. Input: a problem. Output: message and hint."""

from __future__ import annotations

_LOOK = "Check the indentation and the quotes on this line and the one above."
_CLOSE = "Close it, or put a comma between the items."
_QUOTE = "Quote the text, or check the indentation."

_WORDS = {
    "mapping values are not allowed in this context": (
        'no field can begin at this ":"',
        'Quote a text that contains ": ", or check the indentation.',
    ),
    "did not find expected key": ("this belongs to no field above", _LOOK),
    "did not find expected '-' indicator": (
        "a list is followed by something that is no item",
        "Begin each item with `- `, and indent fields apart from items.",
    ),
    "could not find expected ':'": ('":" is missing after the field\'s name', "Write `name: value`, or check the indentation."),
    "did not find expected ',' or ']'": ("the list that begins here is not closed", _CLOSE),
    "did not find expected ',' or '}'": ("the map that begins here is not closed", _CLOSE),
    "did not find expected node content": ("a value is missing here", _CLOSE),
    "found unexpected end of stream": ("the quoted text that begins here is not closed", "Close the quote."),
    "block sequence entries are not allowed in this context": (
        "a list cannot begin on its field's line",
        "Put each `- item` on a line of its own, or write [item, item].",
    ),
    "did not find expected <document start>": ("a new document must begin with ---", "Put `---` above it."),
    "found unknown escape character": ("unknown escape in double quotes", "Double the backslash, or use single quotes."),
    "found invalid Unicode character escape code": ("an escape that is no character", "Double the backslash, or use single quotes."),
}


def syntax_in_words(problem: str, context: str, character: str) -> tuple[str, str]:
    """Message and hint; `character` is what stands at the place. libyaml's own words where there are no better ones."""
    if problem == "found character that cannot start any token":
        return f"no value can begin with {character!r}", _QUOTE
    return _WORDS.get(problem, (f"{problem} {context}".strip(), _LOOK))
