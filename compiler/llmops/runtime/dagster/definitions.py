"""The one function that turns a Dagster manifest into definitions; the rendered file and the components both call it.

Input: `dagster/manifest.json` of a bundle. Output: assets, checks, schedules and one job an application.
"""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg

from llmops.errors import RuntimeUnavailable
from llmops.runtime.dagster.ops import Built, build_asset, build_evaluations, identifier
from llmops.runtime.dagster.translator import LlmopsTranslator, Node, Place
from llmops.runtime.dagster.workbench import workbench_resource

MANIFEST_VERSION = 1


def build_defs_from_manifest(
    manifest: Path | Mapping[str, Any],
    *,
    root: Path | None = None,
    translator: LlmopsTranslator | None = None,
    op_tags: Mapping[str, str] | None = None,
) -> dg.Definitions:
    """Definitions of one bundle, with the in-process executor (a run takes one import of Dagster, not one for each asset).

    `root` is the workspace; without it `LLMOPS_WORKSPACE`, else the nearest folder above the manifest with `llmops.yaml`,
    else the working directory. A manifest given as a mapping belongs to the bundle `<root>/build/<environment>`.
    """
    if isinstance(manifest, Path):
        content, path = load_manifest(manifest), manifest.resolve()
    else:
        content, base = manifest, root or _workspace(Path.cwd())
        path = base / "build" / manifest["environment"] / "dagster" / "manifest.json"
    built = project_defs(content, locate(path, content, root), translator or LlmopsTranslator(), op_tags)
    return dg.Definitions.merge(built, dg.Definitions(executor=dg.in_process_executor))


def load_manifest(path: Path) -> Mapping[str, Any]:
    """Raises `RuntimeUnavailable` where the file is missing or of another version of llmops."""
    try:
        manifest: Mapping[str, Any] = json.loads(path.read_bytes())
    except OSError as error:
        raise RuntimeUnavailable(f"{path} cannot be read: {error.strerror}", hint="llmops compile") from error
    if manifest.get("manifest_version") != MANIFEST_VERSION:
        found = manifest.get("manifest_version")
        raise RuntimeUnavailable(f"{path} has manifest version {found}, expected {MANIFEST_VERSION}", hint="llmops compile")
    return manifest


def locate(path: Path, manifest: Mapping[str, Any], root: Path | None = None) -> Place:
    """`path` is `<bundle>/dagster/manifest.json`."""
    return Place(path.parent.parent, (root or _workspace(path)).resolve(), manifest["git"])


def project_defs(
    manifest: Mapping[str, Any], place: Place, translator: LlmopsTranslator, op_tags: Mapping[str, str] | None
) -> dg.Definitions:
    """Definitions without an executor, to be merged into a project that chooses its own."""
    resource = f"llmops_{identifier(manifest['workspace'])}_{identifier(manifest['environment'])}"
    with warnings.catch_warnings():
        # Code references are in beta: a warning an asset would bury what matters in a console.
        warnings.simplefilter("ignore", dg.BetaWarning)
        specs = _specs(manifest["assets"], place, translator)
    built = [Built(node, spec, _checks(node, spec, translator), resource, op_tags or {}) for node, spec in specs]
    runnable = [b for b in built if b.node["task"]]
    return dg.Definitions(
        assets=[*map(build_asset, runnable), *(b.spec for b in built if not b.node["task"])],
        asset_checks=[check for b in runnable for check in build_evaluations(b)],
        schedules=list(_schedules(runnable)) if translator.settings.enable_schedules else [],
        jobs=list(_jobs(runnable)),
        resources={resource: workbench_resource(place)},
    )


def _workspace(start: Path) -> Path:
    given = os.environ.get("LLMOPS_WORKSPACE")
    if given:
        return Path(given)
    return next((folder for folder in start.resolve().parents if (folder / "llmops.yaml").is_file()), Path.cwd())


def _specs(nodes: Sequence[Node], place: Place, translator: LlmopsTranslator) -> list[tuple[Node, dg.AssetSpec]]:
    """Two passes, because a translator may change the keys that dependencies name."""
    first = {tuple(node["key"]): translator.get_asset_spec(node, place) for node in nodes}
    return [(node, first[tuple(node["key"])].replace_attributes(deps=[first[tuple(dep)].key for dep in node["deps"]])) for node in nodes]


def _checks(node: Node, spec: dg.AssetSpec, translator: LlmopsTranslator) -> list[tuple[Node, dg.AssetCheckSpec]]:
    if not translator.settings.enable_asset_checks:
        return []
    translated = ((check, translator.get_asset_check_spec(spec, check)) for check in node["checks"])
    return [(check, check_spec) for check, check_spec in translated if check_spec]


def _schedules(built: Sequence[Built]) -> Iterator[dg.ScheduleDefinition]:
    for asset in built:
        if asset.node["schedule"]:
            yield _schedule(asset.op_name, dg.AssetSelection.assets(asset.spec.key), asset.node["schedule"])
        for evaluation, checks in asset.evaluations.items():
            if checks[0][0]["schedule"]:
                selection = dg.AssetSelection.checks(*(spec.key for _, spec in checks))
                yield _schedule(asset.evaluation_op(evaluation), selection, checks[0][0]["schedule"])


def _schedule(name: str, target: dg.AssetSelection, cron: str) -> dg.ScheduleDefinition:
    """Running from the start: the switch is the field in YAML, and a schedule that waits for a click is drift."""
    return dg.ScheduleDefinition(
        name=f"{name}_schedule",
        target=target,
        cron_schedule=cron,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )


def _jobs(built: Sequence[Built]) -> Iterator[Any]:
    """One job an application: its release, everything the release is made of, and the evaluations."""
    by_key = {tuple(b.node["key"]): b for b in built}
    for asset in built:
        if asset.node["kind"] == "Application":
            parts = [by_key[tuple(dep)] for dep in asset.node["deps"] if tuple(dep) in by_key]
            selection = dg.AssetSelection.assets(asset.spec.key, *(part.spec.key for part in parts))
            description = f"Builds what {asset.node['task']['application']} is made of, then evaluates its release."
            yield dg.define_asset_job(f"{identifier(asset.node['task']['application'])}_release", selection, description=description)
