"""How much of a growing answer must stay behind so that no rule finds later what has left already.

Input: the rules of a stage. Output: characters. A server that streams releases only what lies before them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from re import _constants, _parser  # type: ignore[attr-defined]
from typing import Any

from llmops.enforcement import STOPPING, Rule, effective_action

LONGEST = 400
"""Characters beyond which an answer is better judged as a whole."""
ENTITIES: Mapping[str, int] = {
    "CREDIT_CARD": 40,
    "CRYPTO": 64,
    "EMAIL_ADDRESS": 320,
    "IBAN_CODE": 50,
    "IP_ADDRESS": 60,
    "PHONE_NUMBER": 60,
    "US_SSN": 20,
}
"""Most characters of an entity as Presidio's recognizers take it, with room for separators and what stands around it."""


def holdback(rules: Iterable[Rule]) -> int | None:
    """The longest reach of the rules that stop or redact; 0 without any, None where only the whole answer can be judged."""
    reaches = [_reach(rule["detector"]) for rule in rules if effective_action(rule) in {*STOPPING, "redact"}]
    if None in reaches:
        return None
    longest = max((reach for reach in reaches if reach is not None), default=0)
    return longest if longest <= LONGEST else None


def _reach(detector: Mapping[str, Any]) -> int | None:
    """Most characters from the first to the last one that a finding depends on."""
    if detector["kind"] == "regex":
        return _longest(map(_width, detector["patterns"]))
    if detector["kind"] == "keywords":
        # Between the words of a phrase any white space may stand. One character more: a letter behind it makes it another word.
        return _longest(None if len(words.split()) > 1 else 2 * len(words) + 1 for words in detector["words"])
    if detector["kind"] == "pii":
        return _longest(ENTITIES.get(entity) for entity in detector["entities"])
    return None


def _longest(reaches: Iterable[int | None]) -> int | None:
    known = list(reaches)
    return None if None in known else max((reach for reach in known if reach is not None), default=0)


def _width(pattern: str) -> int | None:
    """None for a pattern without a longest match, or one that looks around or refers to what it found before."""
    parsed = _parser.parse(pattern)
    most = parsed.getwidth()[1]
    if most > LONGEST or _looks_around(parsed):
        return None
    return int(most) + 1  # a border of a word needs the character behind it


def _looks_around(parsed: Any) -> bool:
    apart = (_constants.ASSERT, _constants.ASSERT_NOT, _constants.GROUPREF, _constants.GROUPREF_EXISTS)
    borders = (_constants.AT_BOUNDARY, _constants.AT_NON_BOUNDARY)
    for operation, argument in parsed:
        if operation in apart or (operation is _constants.AT and argument not in borders):
            return True
        if any(_looks_around(part) for part in _parts(argument)):
            return True
    return False


def _parts(argument: Any) -> Iterable[Any]:
    """The patterns inside an operation's argument, however deep it nests them."""
    if isinstance(argument, _parser.SubPattern):
        yield argument
    elif isinstance(argument, tuple | list):
        for item in argument:
            yield from _parts(item)
