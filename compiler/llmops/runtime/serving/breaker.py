"""A circuit towards a model: after repeated failures nobody is sent there for a while, and then one request finds out.

Trying again after a single failure is the model client's: it does so with growing pauses (`max_retries` of the rendered pipeline).
"""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from llmops.errors import LlmopsError


class CircuitOpen(LlmopsError):
    """The model failed repeatedly. `retry_after` is in seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__("The model does not answer; it is tried again later.", f"Ask again in {max(1, round(retry_after))} seconds.")
        self.retry_after = retry_after


class Breaker:
    """For one event loop. Opens after `failures` within `window` seconds, for `pause`, which doubles up to `longest` while it fails."""

    def __init__(
        self,
        failures: int = 5,
        window: float = 30.0,
        pause: float = 2.0,
        longest: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit, self._window, self._first, self._longest, self._clock = failures, window, pause, longest, clock
        self._failed: deque[float] = deque(maxlen=failures)
        self._pause = pause
        self._until: float | None = None
        self._probing = False

    @property
    def is_open(self) -> bool:
        """Whether requests are turned away, or one is finding out."""
        return self._until is not None

    @contextmanager
    def attempt(self, *failures: type[BaseException]) -> Iterator[None]:
        """Around one request. Raises `CircuitOpen` instead of trying; the named exceptions count as failures."""
        probe = self._admit()
        try:
            yield
        except failures:
            self._fail()
            raise
        except BaseException:
            self._probing = self._probing and not probe  # it says nothing of the model: the next one finds out
            raise
        else:
            self._succeed()

    def _admit(self) -> bool:
        if self._until is None:
            return False
        left = self._until - self._clock()
        if left > 0 or self._probing:
            raise CircuitOpen(max(left, 1.0))
        self._probing = True
        return True

    def _fail(self) -> None:
        now = self._clock()
        if self._until is not None:
            self._pause = min(self._pause * 2, self._longest)
            self._open(now)
            return
        self._failed.append(now)
        if len(self._failed) == self._limit and now - self._failed[0] <= self._window:
            self._open(now)

    def _open(self, now: float) -> None:
        self._probing = False
        # Servers that share a model must not all come back at the same moment.
        self._until = now + self._pause * random.uniform(0.5, 1.0)  # noqa: S311 - no secret

    def _succeed(self) -> None:
        self._failed.clear()
        self._pause, self._until, self._probing = self._first, None, False
