"""How one entry of the Dagster manifest becomes an `AssetSpec` or an `AssetCheckSpec`. Subclass it to follow your own conventions.

No `from __future__ import annotations` here: Dagster reads the types of the settings' fields.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg

Node = Mapping[str, Any]
"""One entry of `assets` in the manifest."""


@dataclass(frozen=True)
class LlmopsTranslatorSettings(dg.Resolvable):
    """What to build besides the assets."""

    enable_code_references: bool = True
    """Links from an asset to its line of YAML, on this machine and in git."""
    enable_asset_checks: bool = True
    """Evaluations and monitors' limits as asset checks."""
    enable_schedules: bool = True
    """A schedule for each cron expression in the specs; they run as soon as the code location is loaded."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a manifest belongs: the bundle it describes, the workspace it was compiled from, the repository people read."""

    bundle: Path
    root: Path
    git: Mapping[str, str] | None


class LlmopsTranslator:
    """Override a per-field hook, or the two `get_*_spec` methods for everything else."""

    def __init__(self, settings: LlmopsTranslatorSettings | None = None) -> None:
        self.settings = settings or LlmopsTranslatorSettings()

    def get_asset_spec(self, node: Node, place: Place) -> dg.AssetSpec:
        """The spec without dependencies: those are added when every key is known."""
        return dg.AssetSpec(
            key=self.get_asset_key(node),
            description=self.get_description(node),
            metadata={**self.get_metadata(node), **self.get_code_references(node, place)},
            group_name=self.get_group_name(node),
            code_version=node["code_version"],
            automation_condition=self.get_automation_condition(node),
            owners=self.get_owners(node),
            tags=self.get_tags(node),
            kinds=self.get_kinds(node),
        )

    def get_asset_check_spec(self, asset: dg.AssetSpec, check: Node) -> dg.AssetCheckSpec | None:
        """None leaves the check out."""
        limits = {name: check[name] for name in ("min", "max") if check[name] is not None}
        return dg.AssetCheckSpec(
            name=check["name"],
            asset=asset.key,
            description=_check_description(check),
            blocking=check["blocking"],
            metadata={f"llmops/{name}": value for name, value in limits.items()},
        )

    def get_asset_key(self, node: Node) -> dg.AssetKey:
        return dg.AssetKey(node["key"])

    def get_description(self, node: Node) -> str:
        return node["description"] or f"{node['kind']} `{node['resource'].partition('/')[2]}`"

    def get_metadata(self, node: Node) -> Mapping[str, Any]:
        return {"llmops/resource": node["resource"], **node["metadata"]}

    def get_group_name(self, node: Node) -> str:
        return str(node["group"])

    def get_owners(self, node: Node) -> Sequence[str]:
        return list(node["owners"])

    def get_tags(self, node: Node) -> Mapping[str, str]:
        return dict(node["tags"])

    def get_kinds(self, node: Node) -> set[str]:
        return set(node["kinds"])

    def get_automation_condition(self, node: Node) -> dg.AutomationCondition[Any] | None:
        """None: assets run by schedule and by hand. `AutomationCondition.code_version_changed()` rebuilds what a commit changed."""
        return None

    def get_code_references(self, node: Node, place: Place) -> Mapping[str, dg.CodeReferencesMetadataValue]:
        if not self.settings.enable_code_references:
            return {}
        source = node["source"]
        local = dg.LocalFileCodeReference(file_path=str(place.root / source["file"]), line_number=source["line"], label=source["file"])
        remote = [dg.UrlCodeReference(url=git_url(place.git, source), label="git")] if place.git else []
        return {"dagster/code_references": dg.CodeReferencesMetadataValue(code_references=[local, *remote])}


def git_url(git: Mapping[str, str], source: Mapping[str, Any]) -> str:
    """The address of a line as GitHub, or GitLab where the host says so, shows it."""
    blob = "-/blob" if "gitlab" in git["url"].split("/")[2] else "blob"
    path = "/".join(part for part in (git["directory"].strip("/"), source["file"]) if part)
    return f"{git['url']}/{blob}/{git['branch']}/{path}#L{source['line']}"


def _check_description(check: Node) -> str:
    limits = [f"{sign} {check[side]:g}" for side, sign in (("min", "≥"), ("max", "≤")) if check[side] is not None]
    origin = f" ({check['evaluation']})" if check["evaluation"] else ""
    return f"{check['metric']} {' and '.join(limits)}{origin}"
