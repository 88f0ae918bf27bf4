"""Rendered Haystack pipelines, loaded from a verified bundle under an allow-list."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from llmops.errors import LlmopsError, RuntimeUnavailable
from llmops.runtime.bundle import Bundle

if TYPE_CHECKING:
    from haystack import Pipeline

ALLOWED_PACKAGES = ("haystack.components.", "haystack_integrations.", "llmops.runtime.")
BUNDLE_VARIABLE = "LLMOPS_BUNDLE"

_environment = threading.RLock()


def load_pipeline(bundle: Bundle, path: str, root: Path, keep: Callable[[str], bool] = lambda name: True) -> Pipeline:
    """The pipeline in the bundle's file `path`, warmed up and ready to run.

    `keep` selects components by name: the rest is left out with its connections. Paths of models are read relative to
    `root`, the workspace. Raises `LlmopsError` for a component outside the allow-list or a foreign release.
    """
    definition = definition_of(bundle, path, root)
    _select(definition, keep)
    os.environ.setdefault("HAYSTACK_TELEMETRY_ENABLED", "False")
    try:
        from haystack import Pipeline
    except ImportError as error:
        raise RuntimeUnavailable("Haystack is not installed.", 'pip install "llmops-compiler[run]"') from error
    with _bundle_variable(bundle):
        pipeline = Pipeline.from_dict(definition, allowed_modules=["llmops.runtime"])
        pipeline.warm_up()
    return pipeline


def definition_of(bundle: Bundle, path: str, root: Path) -> dict[str, Any]:
    """What the bundle's file `path` says, with models where they lie under `root`. Raises as `load_pipeline`."""
    definition: dict[str, Any] = yaml.safe_load(bundle.text(path))
    _check_release(bundle, path, definition)
    _check_types(path, definition["components"])
    _anchor(definition["components"], root)
    return definition


def _check_release(bundle: Bundle, path: str, definition: Mapping[str, Any]) -> None:
    stamped = definition["metadata"]["llmops"]
    release = bundle.application(stamped["application"]).release
    if stamped["release"] != release:
        raise LlmopsError(f"{path} was rendered for release {stamped['release']}, the manifest says {release}.", "llmops compile")


def _check_types(path: str, components: Mapping[str, Any]) -> None:
    for name, component in components.items():
        if not component["type"].startswith(ALLOWED_PACKAGES):
            raise LlmopsError(f"{path}: the component {name} has a type that no pipeline of llmops uses: {component['type']}.")


def _select(definition: dict[str, Any], keep: Callable[[str], bool]) -> None:
    definition["components"] = {name: c for name, c in definition["components"].items() if keep(name)}
    definition["connections"] = [
        c for c in definition["connections"] if keep(c["sender"].partition(".")[0]) and keep(c["receiver"].partition(".")[0])
    ]


def _anchor(components: Mapping[str, Any], root: Path) -> None:
    """Local models lie in the workspace, whatever folder the process runs in."""
    for component in components.values():
        arguments = component["init_parameters"].get("model_kwargs") or {}
        if "specific_model_path" in arguments:
            arguments["specific_model_path"] = str(root / arguments["specific_model_path"])


@contextmanager
def _bundle_variable(bundle: Bundle) -> Iterator[None]:
    """`PassageGuard` reads its rails where this variable points; two bundles may be open in one process."""
    with _environment:
        before = os.environ.get(BUNDLE_VARIABLE)
        os.environ[BUNDLE_VARIABLE] = str(bundle.directory)
        try:
            yield
        finally:
            if before is None:
                del os.environ[BUNDLE_VARIABLE]
            else:
                os.environ[BUNDLE_VARIABLE] = before
