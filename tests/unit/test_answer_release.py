"""What leaves of an answer while it is being written: never a character that a rule will still take away."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmops.runtime.assistant.release import STEP, Releaser, Withdrawn
from llmops.runtime.rails import Verdict

CARD = re.compile(r"\d{4}-\d{4}-\d{4}")
"""At most 14 characters, so that many may be the beginning of one."""
HOLDBACK = 14
STOP = "drop table"


class Judge:
    """Rails that redact cards and stop at a phrase."""

    async def check_async(self, stage: str, text: str, *, context: tuple[str, ...], prompt: str) -> Verdict:
        assert (stage, context, prompt) == ("output", ("a passage",), "the system prompt")
        if STOP in text:
            return Verdict(False, text, "No.", ())
        return Verdict(True, CARD.sub("<CARD>", text), "", ())


def releaser(judge: object | None = None, holdback: int = HOLDBACK) -> Releaser:
    return Releaser(judge or Judge(), holdback, ["a passage"], "the system prompt")  # type: ignore[arg-type]


def growing(text: str, cuts: list[int]) -> Iterator[str]:
    for cut in sorted({min(cut, len(text)) for cut in cuts}):
        yield text[:cut]


async def written(text: str, cuts: list[int], using: Releaser) -> tuple[list[str], Verdict | None]:
    """The pieces that left, and the verdict that ended it."""
    pieces: list[str] = []
    for so_far in growing(text, cuts):
        piece, stopped = await using.feed(so_far)
        if stopped:
            return pieces, stopped
        pieces.append(piece)
    piece, verdict = await using.finish(text)
    return [*pieces, piece], verdict


WORDS = st.lists(st.sampled_from(["1234-5678-9012", "1234-5678-901", "9999", " ", "a", "word ", "\n", "-"]), max_size=40)


@given(parts=WORDS, cuts=st.lists(st.integers(0, 400), max_size=60))
def test_the_pieces_are_the_redacted_answer_however_it_is_cut(parts: list[str], cuts: list[int]) -> None:
    text = "".join(parts).strip()
    pieces, verdict = asyncio.run(written(text, cuts, releaser()))

    assert "".join(pieces) == CARD.sub("<CARD>", text)
    assert verdict is not None and verdict.allowed


@given(parts=WORDS, cuts=st.lists(st.integers(0, 400), max_size=60), at=st.integers(0, 40))
def test_nothing_of_a_stopped_phrase_leaves(parts: list[str], cuts: list[int], at: int) -> None:
    """The phrase is shorter than what is held back, so not even its first letter has left when it is found."""
    text = "".join([*parts[:at], STOP, *parts[at:]])
    pieces, verdict = asyncio.run(written(text, cuts, releaser()))

    assert verdict is not None and not verdict.allowed
    left = "".join(pieces)
    assert CARD.sub("<CARD>", text[: text.index(STOP)]).startswith(left)


def test_pieces_leave_before_the_end() -> None:
    text = "word " * 40
    pieces, _ = asyncio.run(written(text.strip(), list(range(0, 200, 5)), releaser()))

    assert sum(map(bool, pieces)) > 5
    assert pieces[-1].strip() and len(pieces[-1]) <= HOLDBACK + STEP


def test_without_rails_every_word_leaves_at_once() -> None:
    bare = Releaser(None, 0, [], "")

    assert asyncio.run(bare.feed("one")) == ("one", None)
    assert asyncio.run(bare.feed("one two ")) == (" two", None)
    assert asyncio.run(bare.finish("one two")) == ("", None)


def test_what_changes_after_it_has_left_ends_the_answer() -> None:
    """A rule that reaches further than it said: a fault of ours, which must not go unnoticed."""

    class Late(Judge):
        async def check_async(self, stage: str, text: str, *, context: tuple[str, ...], prompt: str) -> Verdict:
            return Verdict(True, text.upper() if len(text) > 100 else text, "", ())

    with pytest.raises(Withdrawn, match="had been sent"):
        asyncio.run(written("word " * 40, list(range(0, 200, 5)), releaser(Late())))
