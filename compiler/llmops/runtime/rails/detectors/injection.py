"""Attempts to give the assistant other orders than its own, by the phrases that they are made of.

A text is first brought to plain letters: look-alikes, invisible characters, letters with spaces between them, digits for letters.
What no known phrase is in passes: a judge model sees more (`llm_judge`).
"""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from collections.abc import Iterator, Mapping

from llmops.runtime.rails.detectors.finding import Detect, Finding, Request, Settings

LOOKALIKES = str.maketrans("аеорсухіјѕһԁɡαεορτυνκιіІАЕОРСТУХ", "aeopcyxijshdgaeoptuvkiiiaeopctyx")
DIGITS = tuple(str.maketrans("013457@$!", f"o{one}eastasi") for one in "il")
"""Digits and signs for letters; 1 stands for two."""
SPACED = re.compile(r"\b(?:\w[ .\-_*]){2,}\w\b")
BASE64 = re.compile(r"\b[A-Za-z0-9+/]{24,}={0,2}")
_ORDERS = r"(?:instruction|direction|rule|prompt|guideline|order|command|policy|policie|restriction|constraint|training)s?"
_BEFORE = r"(?:(?:all|any|every|everything|anything|the|of|your|my|these|those|this|that|previous|prior|above|earlier|preceding|former|initial|original|system|safety)\W+){0,5}"

FAMILIES: Mapping[str, re.Pattern[str]] = {
    "override": re.compile(
        rf"\b(?:ignore|disregard|forget|override|bypass|skip|drop|neglect)\W+{_BEFORE}(?:{_ORDERS}|(?:you were|i) told|said before|above|previous)\b"
        rf"|\b(?:do not|don'?t|stop|no longer)\W+(?:follow|obey|following|obeying)\W+{_BEFORE}{_ORDERS}"
        rf"|\b(?:new|real|actual|updated)\W+{_ORDERS}\W*(?::|are|follow)|\bfrom now on\W+(?:you|your)\b",
        re.IGNORECASE,
    ),
    "role": re.compile(
        r"\byou are (?:now (?:an?|the|my|called|named|free|dan|going to)|no longer)\b|\bpretend\W+(?:that )?you (?:have|are|can)\b|\b(?:pretend|act|behave|roleplay|role-play)\W+(?:to be|as if|as though|as|like)\W+(?:you (?:are|have|were)|an?|my|the)\b"
        r".{0,60}\b(?:unrestricted|unfiltered|no (?:rules|limits|restrictions|filter)|evil|jailbr\w+|dan|without (?:rules|limits|restrictions|filters?))"
        r"|\b(?:enable|enter|activate|start|switch to|turn on|(?:are|you're) in) (?:dan|developer|god|debug|sudo|admin|jailbreak) mode\b|\bdo anything now\b|\bjailbroken\b",
        re.IGNORECASE | re.DOTALL,
    ),
    "extraction": re.compile(
        r"\b(?:reveal|show|print|repeat|output|display|tell|give|recite|leak|dump|summari[sz]e|translate|what (?:is|are|was|were))\b.{0,40}"
        rf"\b(?:(?:system|initial|hidden|secret|original|first|full|your) (?:prompt|{_ORDERS}|message|configuration)|(?:words|text|everything) (?:above|before))\b",
        re.IGNORECASE | re.DOTALL,
    ),
    "delimiter": re.compile(
        r"<\|(?:im_start|im_end|system|user|assistant|endoftext|eot_id|start_header_id)[^>]{0,20}\|?>|\[/?INST\]|<<\/?SYS>>|<\/?(?:system|assistant)>"
        r"|^\W{0,6}(?:system|assistant|developer)(?: (?:prompt|message|note|override))?\W{0,3}:",
        re.IGNORECASE | re.MULTILINE,
    ),
    "exfiltration": re.compile(
        r"!\[[^\]]*\]\(\s*https?://[^)\s]*[?&/=](?:[^)\s]*\{|[^)\s]{0,80}(?:data|q|text|secret|history|prompt)=)"
        r"|\b(?:send|post|forward|upload|email|append)\b.{0,60}\b(?:conversation|chat|history|secrets?|credentials?|api keys?|passwords?|answer)\b.{0,40}\b(?:to|at)\W+(?:https?|\S+@)",
        re.IGNORECASE | re.DOTALL,
    ),
}


def build_prompt_injection(settings: Settings) -> Detect:
    """Reasons name the families, never the words."""
    families = {family: FAMILIES[family] for family in settings["families"]}

    def detect(request: Request) -> Finding | None:
        readings = tuple(_readings(request.text))
        found = [family for family, pattern in families.items() if any(pattern.search(reading) for reading in readings)]
        return Finding(", ".join(found)) if found else None

    return detect


def _readings(text: str) -> Iterator[str]:
    """The text as it stands, in plain letters, with digits read as letters, and what is encoded in it."""
    yield text
    plain = _plain(text)
    yield plain
    if any(character.isdigit() or character in "@$!" for character in plain):
        yield from (plain.translate(table) for table in DIGITS)
    yield from map(_plain, _decoded(text))


def _plain(text: str) -> str:
    visible = "".join(c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf")
    bare = "".join(c for c in unicodedata.normalize("NFD", visible.translate(LOOKALIKES)) if not unicodedata.combining(c))
    joined = SPACED.sub(lambda m: re.sub(r"[ .\-_*]", "", m.group()), re.sub(r"  +", "\n", bare))
    return re.sub(r"\s+", " ", joined)


def _decoded(text: str) -> Iterator[str]:
    for found in BASE64.findall(text):
        try:
            decoded = base64.b64decode(found + "=" * (-len(found) % 4), validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            continue
        yield decoded
