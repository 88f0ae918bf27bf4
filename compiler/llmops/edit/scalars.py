"""Plain values as YAML text: quoted only where our own reader would otherwise read something else.

Every candidate is read back by `llmops.load.yaml_core` before it is taken, so no rule about quoting is written down twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from llmops.load.yaml_core import YamlProblem, build, compose

_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}
# What a reader may refuse or an editor may not show: control characters, line breaks, tabs, the byte order mark.
_UNSEEN = re.compile(r"[^ -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_TO_ESCAPE = re.compile(rf'[\\"]|{_UNSEEN.pattern}')
_SPECIAL_ELSEWHERE = {"=", "<<"}
"""Plain text to us, and an error in PyYAML and ruamel.yaml."""
_FOLD = re.compile(r"(?<=\S) (?=\S)")


def one_line(value: Any, *, in_flow: bool, quote: str | None = None) -> str:
    """A scalar on one line. `quote` is how the text that it replaces was quoted, and is kept where the new value fits it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    return _quoted(value, lambda text: _reads_as(text, value, in_flow=in_flow), quote)


def key_text(key: str, *, in_flow: bool) -> str:
    """A field's name."""
    return _quoted(key, lambda text: _read(f"{{{text}: 1, l: 1}}" if in_flow else f"{text}: 1") in ({key: 1, "l": 1}, {key: 1}), None)


def block_scalar(value: str, sign: str, indent: int, width: int) -> list[str] | None:
    """The header and the lines of a literal (`|`) or folded (`>`) text, indented by `indent` columns more than its parent.

    None where the text cannot be written so. `width` is how long the lines of a folded text may be.
    """
    if not value.strip("\n") or value.endswith("\n\n"):
        return None  # what `+` would keep depends on the lines that follow
    body = value.removesuffix("\n")
    lines = body.split("\n") if sign == "|" else _fold(body, width)
    indicator = str(indent) if value.lstrip("\n").startswith(" ") else ""
    header = f"{sign}{indicator}{'' if value.endswith(chr(10)) else '-'}"
    written = [header, *(f"{' ' * indent}{line}" if line else "" for line in lines)]
    return written if _read("k: " + "\n".join(written) + "\n") == {"k": value} else None


def _fold(body: str, width: int) -> list[str]:
    """One break between words reads as a space, so a line break of the text needs an empty line more."""
    lines: list[str] = []
    seen = False
    for line in body.split("\n"):
        lines += [*([""] if seen and line else []), *(_wrap(line, width) if line else [""])]
        seen = seen or bool(line)
    return lines


def _wrap(line: str, width: int) -> list[str]:
    rows = [""]
    for word in _FOLD.split(line):
        if rows[-1] and len(rows[-1]) + 1 + len(word) > width:
            rows.append(word)
        else:
            rows[-1] = f"{rows[-1]} {word}" if rows[-1] else word
    return rows


def _quoted(value: str, fits: Callable[[str], bool], quote: str | None) -> str:
    single = "'" + value.replace("'", "''") + "'"
    double = '"' + _TO_ESCAPE.sub(_escape, value) + '"'
    if quote == '"' or _UNSEEN.search(value):
        return double
    if quote != "'" and value not in _SPECIAL_ELSEWHERE and fits(value):
        return value
    prefers_single = quote == "'" or "\\" in value or '"' in value
    return single if prefers_single and fits(single) else double


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    number = ord(character)
    if character in _ESCAPES:
        return _ESCAPES[character]
    if number <= 0xFF:
        return f"\\x{number:02X}"
    return f"\\u{number:04X}" if number <= 0xFFFF else f"\\U{number:08X}"


def _reads_as(text: str, value: str, *, in_flow: bool) -> bool:
    return bool(_read(f"{{k: {text}, l: 1}}\n") == {"k": value, "l": 1} if in_flow else _read(f"k: {text}\n") == {"k": value})


def _read(text: str) -> Any:
    """What our reader makes of a probe; the problem itself, which equals nothing, where it refuses."""
    try:
        nodes = compose(text)
        return build(nodes[0]) if len(nodes) == 1 else None
    except YamlProblem as problem:
        return problem
