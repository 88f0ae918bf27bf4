"""Which version of a prompt answers whom: by weight, always the same for the same user, and changeable while running."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from llmops.runtime.bundle import BundledApplication, BundledVariant


class Rollout:
    """The variants of one application. `variants` may be replaced at any moment; a request reads it once."""

    __slots__ = ("_name", "variants")

    def __init__(self, application: BundledApplication) -> None:
        self._name = application.name
        self.variants: Sequence[BundledVariant] = application.variants or (BundledVariant(application.prompts[0], 100, ""),)

    def choose(self, key: str) -> BundledVariant:
        """The variant of this user or question: a point decided by a digest, so that it is the same on every host."""
        variants = self.variants
        digest = hashlib.sha256(f"{self._name}\0{key}".encode("utf-8", "surrogatepass")).hexdigest()
        point = int(digest, 16) % sum(v.weight for v in variants)
        for variant in variants:
            point -= variant.weight
            if point < 0:
                return variant
        raise AssertionError("a point below the sum of the weights lies in one of them")
