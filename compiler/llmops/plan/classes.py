"""How grave a change is: breaking, behaviour or metadata, decided field by field.

- breaking: what exists no longer serves: an index must be filled again, whoever supplies or expects something must change too.
- behaviour: answers may differ; the release changes.
- metadata: no answer differs; the release stays.
"""

from __future__ import annotations

from collections.abc import Iterable

from llmops.fingerprint import OUTSIDE_RELEASE, WITHOUT_BEHAVIOUR
from llmops.kinds.fields import Pattern
from llmops.resources import Path, Resource

BREAKING, BEHAVIOUR, METADATA = "breaking", "behaviour", "metadata"
RANK = {METADATA: 0, BEHAVIOUR: 1, BREAKING: 2}

_EMBEDDER: tuple[Pattern, ...] = (("provider",), ("model",), ("revision",), ("weights",), ("dimension",), ("max_input_tokens",))
BREAKING_FIELDS: dict[str, tuple[Pattern, ...]] = {
    "Model": (("task",),),
    "Prompt": (("variables",),),
    "RetrievalSource": (("chunking",), ("embedding",), ("store", "kind"), ("store", "connection"), ("store", "dimension")),
}
"""Fields of a kind's `spec` on which others rely: an index was filled with them, an application supplies them."""


def gravest(classes: Iterable[str]) -> str | None:
    """The gravest of several classes; None where there are none."""
    return max(classes, key=RANK.__getitem__, default=None)


def field_class(resource: Resource, path: Path) -> str:
    """The class of a change at `path` of a resource, a full path such as `("spec", "chunking", "length")`."""
    if path[0] != "spec":
        return METADATA
    inner = path[1:]
    if any(_covers(pattern, inner) for pattern in WITHOUT_BEHAVIOUR.get(resource.kind, ())):
        return METADATA
    return BREAKING if any(_covers(pattern, inner) for pattern in _breaking(resource)) else BEHAVIOUR


def _breaking(resource: Resource) -> tuple[Pattern, ...]:
    """Vectors of two embedding models never mix, so that nearly all of such a model is relied on."""
    fields = BREAKING_FIELDS.get(resource.kind, ())
    return fields + _EMBEDDER if resource.kind == "Model" and resource.spec["task"] == "embedding" else fields


def _covers(pattern: Pattern, path: Path) -> bool:
    return len(pattern) <= len(path) and all(step in ("*", given) for step, given in zip(pattern, path, strict=False))


def indirect_class(cause: Resource, own: str) -> str:
    """What a change of `cause` is to those that use it."""
    return METADATA if cause.kind in OUTSIDE_RELEASE else own


WEAKER_RULE = {
    "mode": ("enforce", "monitor"),
    "on_error": ("block", "log"),
}
ACTIONS = ("block", "refuse", "redact", "flag", "log")
"""What a safety rule does, from the strictest to the laxest; the first two let nothing through, the last two everything."""
_LETS_THROUGH = {"block": 0, "refuse": 0, "redact": 1, "flag": 2, "log": 2}


def weakening(resource: Resource, path: Path, old: object, new: object) -> str:
    """Why a change of a safety policy guards less than before; empty where it does not, or where that cannot be told."""
    if resource.kind != "SafetyPolicy" or path[:2] != ("spec", "rules") or len(path) < 3:
        return ""
    if len(path) == 3:
        return "weaker: the rule is gone" if new is None else ""
    name = path[3]
    if (old, new) == WEAKER_RULE.get(str(name)):
        return f"weaker: {name} is no longer {old}"
    if name == "action" and _LETS_THROUGH.get(str(new), 0) > _LETS_THROUGH.get(str(old), 0):
        return f"weaker: the rule no longer does {old}"
    if name == "stage" and isinstance(old, list) and isinstance(new, list) and set(old) - set(new):
        return f"weaker: no longer at {', '.join(sorted(set(old) - set(new)))}"
    return ""
