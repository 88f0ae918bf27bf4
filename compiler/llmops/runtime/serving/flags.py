"""A flag file moves traffic between the variants of a prompt while the server runs.

The form is flagd's (OpenFeature): a flag per application, its variants by label, `fractional` targeting. Only versions that the
bundle declares can be chosen: a flag changes who gets which, never what there is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from llmops.errors import LlmopsError
from llmops.runtime.bundle import BundledApplication, BundledVariant

Weights = Mapping[str, Sequence[BundledVariant]]


class FlagError(LlmopsError):
    """The flag file cannot be followed. What was in force stays in force."""


class FlagFile:
    """Looks at the file when its content may have changed. `state` says what is in force, for `/release`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.digest = ""
        self.fault = ""

    def read(self, applications: Mapping[str, BundledApplication]) -> Weights | None:
        """The weights of each application that has a flag; None where the file is as it was. Raises `FlagError`."""
        try:
            content = self.path.read_bytes()
        except OSError as error:
            raise self._refuse(f"cannot be read: {error.strerror}") from error
        digest = hashlib.sha256(content).hexdigest()
        if digest == self.digest:
            return None
        weights = self._weights(content, applications)
        self.digest, self.fault = digest, ""
        return weights

    def forget(self) -> None:
        """The next `read` gives everything again: another bundle answers."""
        self.digest = ""

    @property
    def state(self) -> dict[str, str]:
        return {"file": self.path.name, "sha256": self.digest, "fault": self.fault}

    def _weights(self, content: bytes, applications: Mapping[str, BundledApplication]) -> Weights:
        try:
            flags = orjson.loads(content)["flags"]
            return {name: self._variants(name, flag, applications) for name, flag in flags.items()}
        except orjson.JSONDecodeError as error:
            raise self._refuse(f"is not JSON: {error}") from error
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise self._refuse(f"is no flag file of flagd: {error!r}") from error

    def _variants(self, name: str, flag: Mapping[str, Any], applications: Mapping[str, BundledApplication]) -> Sequence[BundledVariant]:
        if name not in applications:
            raise self._refuse(f"has a flag for {name!r}, which is no application here: {', '.join(applications)}")
        declared = {variant.label: variant for variant in applications[name].variants if variant.label}
        if flag.get("state", "ENABLED") == "DISABLED":
            return applications[name].variants
        shares = self._shares(name, flag)
        for label, weight in shares.items():
            if label not in declared:
                raise self._refuse(f"names the label {label!r}; {name} has {', '.join(declared) or 'no variant with a label'}")
            if not isinstance(weight, int) or isinstance(weight, bool) or weight < 0:
                raise self._refuse(f"gives {label!r} of {name} the weight {weight!r}; a weight is a whole number from 0")
            if flag["variants"].get(label) != declared[label].prompt:
                raise self._refuse(f"says that {label!r} of {name} is {flag['variants'].get(label)!r}; it is {declared[label].prompt!r}")
        if sum(shares.values()) == 0:
            raise self._refuse(f"leaves {name} without any variant")
        return [BundledVariant(declared[label].prompt, weight, label) for label, weight in shares.items()]

    def _shares(self, name: str, flag: Mapping[str, Any]) -> dict[str, Any]:
        targeting = flag.get("targeting") or {}
        if not targeting:
            return {flag["defaultVariant"]: 100}
        if set(targeting) != {"fractional"}:
            raise self._refuse(f"targets {name} by {', '.join(targeting)}; only `fractional` is followed")
        return dict(targeting["fractional"])

    def _refuse(self, fault: str) -> FlagError:
        self.fault = fault
        return FlagError(f"{self.path} {fault}.", "Mend it; until then the weights stay as they are.")
