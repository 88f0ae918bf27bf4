"""One line of `llmops.lock` and the entry it stands for.

Input: a line. Output: an entry, or a `Flaw` that says which field is wrong. Every entry has exactly one way to be written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from llmops.diagnostics import Location
from llmops.lock.entries import Calibration, Entry, Evidence, Published, Snapshot

MEND = "Take the line back from git, or remove it and run `llmops lock`."
FORMS: Mapping[str, str] = {
    "calibration": "calibration Model/NAME@DIGEST Evaluation/NAME kappa=0.52 low=0.31 high=0.71 n=80 date=2026-11-24",
    "evidence": "evidence sha256:RELEASE ENVIRONMENT Evaluation/NAME judge=Model/NAME@DIGEST n=60 result=pass date=2026-11-24",
    "published": "published Prompt/NAME@1.0.0 sha256:DIGEST",
    "snapshot": "snapshot RetrievalSource/NAME PATH sha256:DIGEST",
}
NAMED = ("judge", "n", "result", "date")
"""Fields that all evidence has, in the order in which they are written; others follow, sorted."""
AGREEMENT = ("kappa", "low", "high", "n", "date")
"""Fields of a calibration, in the order in which they are written."""
RESULTS = ("pass", "unproven", "fail")
"""What evidence may say of a release, the best first."""

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_NAME = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_ID = re.compile(rf"[A-Z][A-Za-z]*/{_NAME}")
_VERSION = re.compile(rf"[A-Z][A-Za-z]*/{_NAME}@(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*)){{2}}", re.ASCII)
_EVALUATION = re.compile(rf"Evaluation/{_NAME}")
_ENVIRONMENT = re.compile(_NAME)
_PAIR = re.compile(r"([a-z][a-z_]*)=(.+)", re.DOTALL)
_JUDGE = re.compile(rf"-|Model/{_NAME}@[0-9a-z:]+")
_JUDGING = re.compile(rf"Model/{_NAME}@[0-9a-f]+")
_FIGURE = re.compile(r"-?[01](?:\.[0-9]{1,2}[1-9]|\.[0-9]?[1-9])?")
_ENCODED = re.compile(r"(?:%[0-9A-F]{2})+")


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with the field `index` of a line, from 0; with the whole line where it is None."""

    code: str
    index: int | None
    message: str
    hint: str = MEND


class _Refused(Exception):
    """Ends the reading of a line."""

    def __init__(self, flaw: Flaw) -> None:
        super().__init__(flaw.message)
        self.flaw = flaw


def read_line(line: str, place: Location) -> Entry | Flaw:
    """The entry of a line that is neither empty nor a comment; `place` is where the line stands."""
    kind, *raw = line.split(" ")
    reader = _READERS.get(kind)
    if reader is None:
        known = ", ".join(_READERS)
        return Flaw("LLM1003", 0, f"llmops.lock has no entries of the kind {kind!r}", f"The kinds are {known}. {MEND}")
    try:
        return reader(raw if _is_plain(line) else [_decoded(index, text) for index, text in enumerate(raw, 1)], place)
    except _Refused as refused:
        return refused.flaw


def line_of(entry: Entry) -> str:
    """How an entry is written."""
    if isinstance(entry, Published):
        fields = ["published", entry.id, entry.digest]
    elif isinstance(entry, Snapshot):
        fields = ["snapshot", entry.id, entry.path, entry.digest]
    elif isinstance(entry, Calibration):
        figures = (*map(figure, (entry.kappa, entry.low, entry.high)), str(entry.n), entry.date)
        fields = ["calibration", entry.judge, entry.evaluation, *(f"{n}={v}" for n, v in zip(AGREEMENT, figures, strict=True))]
    else:
        named = [f"{name}={value}" for name, value in entry.named]
        fields = ["evidence", entry.release, entry.environment, entry.evaluation, *named]
    return " ".join(encode(text) for text in fields)


def figure(value: float) -> str:
    """A number between -1 and 1 with at most three decimals and no zeros at its end: one way to write each."""
    text = f"{value:.3f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def encode(text: str) -> str:
    """A field without spaces and without what cannot be seen: those characters become `%20` and the like, byte by byte."""
    if text.isascii() and text.isprintable() and " " not in text and "%" not in text:
        return text
    return "".join(c if c.isprintable() and c not in " %" else _escaped(c) for c in text)


def in_order(named: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Named fields as evidence keeps them."""
    names = [*(name for name in NAMED if name in named), *sorted(named.keys() - {*NAMED})]
    return tuple((name, named[name]) for name in names)


def _escaped(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogatepass"))


def _is_plain(line: str) -> bool:
    """Whether no field of a line needs decoding, which is so for nearly all."""
    return line.isascii() and line.isprintable() and "%" not in line and "  " not in line


def _decoded(index: int, text: str) -> str:
    try:
        decoded = _ENCODED.sub(lambda run: bytes.fromhex(run[0].replace("%", "")).decode("utf-8", "surrogatepass"), text)
    except UnicodeDecodeError:
        decoded = ""
    if not decoded or encode(decoded) != text:
        raise _Refused(Flaw("LLM1001", index, "The field is not written as `llmops lock` writes it"))
    return decoded


def _published(fields: Sequence[str], place: Location) -> Published:
    _count("published", fields, 2)
    _match(_VERSION, fields, 0, "an id with a version, such as Prompt/answer@1.0.0")
    return Published(fields[0], _digest(fields, 1), place)


def _snapshot(fields: Sequence[str], place: Location) -> Snapshot:
    _count("snapshot", fields, 3)
    _match(_ID, fields, 0, "the id of a resource, such as RetrievalSource/handbook")
    return Snapshot(fields[0], fields[1], _digest(fields, 2), place)


def _evidence(fields: Sequence[str], place: Location) -> Evidence:
    pairs = [match for match in map(_PAIR.fullmatch, fields[3:]) if match]
    named = {match[1]: match[2] for match in pairs}
    if len(named) < len(fields[3:]) or not named.keys() >= {*NAMED}:
        raise _Refused(_malformed("evidence"))
    release = _digest(fields, 0)
    _match(_ENVIRONMENT, fields, 1, "the name of an environment")
    _match(_EVALUATION, fields, 2, "the id of an evaluation, such as Evaluation/answers")
    if [name for name, _ in in_order(named)] != [field.partition("=")[0] for field in fields[3:]]:
        raise _Refused(Flaw("LLM1001", 4, f"The fields are not in their order: {', '.join(NAMED)}, and others sorted"))
    _check_named(named)
    return Evidence(release, fields[1], fields[2], in_order(named), place)


def _check_named(named: Mapping[str, str]) -> None:
    at = {name: index for index, (name, _) in enumerate(in_order(named), 4)}
    if not _JUDGE.fullmatch(named["judge"]):
        raise _Refused(Flaw("LLM1001", at["judge"], "The judge is a model with its digest, Model/NAME@DIGEST, or `-` where there is none"))
    if not re.fullmatch(r"[1-9][0-9]*", named["n"]):
        raise _Refused(Flaw("LLM1001", at["n"], "The number of cases is a whole number above 0"))
    if named["result"] not in RESULTS:
        raise _Refused(Flaw("LLM1001", at["result"], f"The result is one of {', '.join(RESULTS)}"))
    if not _is_day(named["date"]):
        raise _Refused(Flaw("LLM1001", at["date"], "The date is a day, such as 2026-11-24"))


def _calibration(fields: Sequence[str], place: Location) -> Calibration:
    _count("calibration", fields, 2 + len(AGREEMENT))
    _match(_JUDGING, fields, 0, "a model with the judge's digest, such as Model/judge@9ab1")
    _match(_EVALUATION, fields, 1, "the id of an evaluation, such as Evaluation/answers")
    pairs = [match for match in map(_PAIR.fullmatch, fields[2:]) if match]
    if tuple(match[1] for match in pairs) != AGREEMENT:
        raise _Refused(_malformed("calibration"))
    named = {match[1]: match[2] for match in pairs}
    for index, name in enumerate(AGREEMENT[:3], 3):
        if not _FIGURE.fullmatch(named[name]) or not -1 <= float(named[name]) <= 1 or figure(float(named[name])) != named[name]:
            raise _Refused(Flaw("LLM1001", index, "Agreement is a number from -1 to 1 with at most three decimals"))
    kappa, low, high = (float(named[name]) for name in AGREEMENT[:3])
    if not low <= kappa <= high:
        raise _Refused(Flaw("LLM1001", 3, "kappa lies outside its own interval"))
    _check_count_and_day(named, 6)
    return Calibration(fields[0], fields[1], kappa, low, high, int(named["n"]), named["date"], place)


def _check_count_and_day(named: Mapping[str, str], first: int) -> None:
    """`n` at the field `first` of the line, and `date` at the next."""
    if not re.fullmatch(r"[1-9][0-9]*", named["n"]):
        raise _Refused(Flaw("LLM1001", first, "The number of labels is a whole number above 0"))
    if not _is_day(named["date"]):
        raise _Refused(Flaw("LLM1001", first + 1, "The date is a day, such as 2026-11-24"))


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _count(kind: str, fields: Sequence[str], wanted: int) -> None:
    if len(fields) != wanted:
        raise _Refused(_malformed(kind))


def _malformed(kind: str) -> Flaw:
    return Flaw("LLM1001", None, f"The line is no entry of the kind {kind!r}", f"It reads: {FORMS[kind]}. {MEND}")


def _match(pattern: re.Pattern[str], fields: Sequence[str], index: int, what: str) -> None:
    if not pattern.fullmatch(fields[index]):
        raise _Refused(Flaw("LLM1001", index + 1, f"Expected {what}"))


def _digest(fields: Sequence[str], index: int) -> str:
    if not _DIGEST.fullmatch(fields[index]):
        raise _Refused(Flaw("LLM1004", index + 1, "The digest is not `sha256:` and 64 hexadecimal digits"))
    return fields[index]


_READERS: dict[str, Callable[[Sequence[str], Location], Entry]] = {
    "calibration": _calibration,
    "evidence": _evidence,
    "published": _published,
    "snapshot": _snapshot,
}
