"""A question from the moment it came in until its answer is whole: what is known of it, and how long things took."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from llmops.runtime.assistant.answer import Answer, Reply, Tokens
from llmops.runtime.bundle import Bundle, BundledApplication, BundledVariant

MILLION = 1_000_000
"""Tokens that a price is for."""


@dataclass(slots=True)
class Attempt:
    """One request. `question` is what may be stored once `redacted` says that the rails have seen it."""

    id: str
    began: datetime
    clock: float
    application: BundledApplication
    variant: BundledVariant
    question: str
    user: str
    price: dict[str, float] | None
    redacted: bool = False
    first_ms: float | None = None
    rails_ms: dict[str, float] = field(default_factory=dict)

    @classmethod
    def begin(cls, bundle: Bundle, application: BundledApplication, variant: BundledVariant, question: str, user: str) -> Attempt:
        price = bundle.resource(application.model).spec.get("price")
        return cls(uuid.uuid4().hex, datetime.now(UTC), time.monotonic(), application, variant, question, user, price)

    def elapsed_ms(self) -> float:
        return (time.monotonic() - self.clock) * 1000

    def mark_first(self) -> None:
        """A piece of the answer leaves; only the first counts."""
        self.first_ms = self.first_ms or self.elapsed_ms()

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Adds what happens inside to the time of the rails at `stage`."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.rails_ms[stage] = self.rails_ms.get(stage, 0.0) + (time.perf_counter() - began) * 1000

    def answered(self, reply: Reply) -> Answer:
        return Answer(
            id=self.id,
            text=reply.text,
            sources=reply.sources,
            release=self.application.release,
            prompt=self.variant.prompt,
            label=self.variant.label,
            model=self.application.model,
            verdicts=reply.verdicts,
            blocked=reply.blocked,
            latency_ms=self.elapsed_ms(),
            first_token_ms=self.first_ms,
            rails_ms=self.rails_ms,
            tokens=reply.tokens,
            cost_usd=self._cost(reply.tokens),
            question=reply.question,
        )

    def _cost(self, tokens: Tokens) -> float | None:
        if self.price is None:
            return None
        return (tokens.input * self.price["input"] + tokens.output * self.price["output"]) / MILLION
