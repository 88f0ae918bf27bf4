"""Components for existing `dg` projects: thin wrappers over `build_defs_from_manifest`, so that both give the same assets.

No `from __future__ import annotations` here: Dagster reads the fields' types when `dg` asks for the component's schema.
"""

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import dagster as dg
from dagster.components import DefsStateConfig, DefsStateConfigArgs, ResolvedDefsStateConfig
from dagster.components.resolved.core_models import OpSpec

from llmops.errors import RuntimeUnavailable
from llmops.runtime.dagster.definitions import load_manifest, locate, project_defs
from llmops.runtime.dagster.translator import LlmopsTranslator, LlmopsTranslatorSettings


@dataclass
class LlmopsBundle(dg.Component, dg.Resolvable):
    """The assets, checks, schedules and jobs of a compiled llmops bundle.

    Subclass it and override `translator` to change keys, groups, owners or anything else of an asset.
    """

    manifest: Annotated[str, dg.Resolver.default(description="The bundle's dagster/manifest.json, relative to this defs.yaml")]
    settings: Annotated[LlmopsTranslatorSettings, dg.Resolver.default(description="What to build besides the assets")] = field(
        default_factory=LlmopsTranslatorSettings
    )
    op: Annotated[OpSpec | None, dg.Resolver.default(description="Tags of every op, as `{tags: {...}}`")] = None

    @property
    def translator(self) -> LlmopsTranslator:
        return LlmopsTranslator(self.settings)

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        path = (context.path / self.manifest).resolve()
        manifest = load_manifest(path)
        return project_defs(manifest, locate(path, manifest), self.translator, self.op.tags if self.op else None)


@dataclass
class LlmopsWorkspace(dg.StateBackedComponent, dg.Resolvable):
    """Compiles a workspace and shows it: `dg dev` recompiles whenever the code location is reloaded. For development."""

    workspace: Annotated[str, dg.Resolver.default(description="The folder of llmops.yaml, as '{{ context.project_root }}/..'")]
    environment: Annotated[str, dg.Resolver.default(description="The environment to compile")] = "dev"
    settings: Annotated[LlmopsTranslatorSettings, dg.Resolver.default(description="What to build besides the assets")] = field(
        default_factory=LlmopsTranslatorSettings
    )
    defs_state: ResolvedDefsStateConfig = field(default_factory=DefsStateConfigArgs.local_filesystem)

    @property
    def translator(self) -> LlmopsTranslator:
        return LlmopsTranslator(self.settings)

    @property
    def defs_state_config(self) -> DefsStateConfig:
        key = f"LlmopsWorkspace[{Path(self.workspace).name}-{self.environment}]"
        return DefsStateConfig.from_args(self.defs_state, default_key=key)

    def write_state_to_path(self, state_path: Path) -> None:
        """Compiles; the state says where the bundle lies and what is in it."""
        root = Path(self.workspace).resolve()
        manifest = compile_workspace(root, self.environment)
        state_path.write_text(json.dumps({"manifest": str(manifest), "root": str(root), "content": load_manifest(manifest)}))

    def build_defs_from_state(self, context: dg.ComponentLoadContext, state_path: Path | None) -> dg.Definitions:
        if state_path is None:
            raise RuntimeUnavailable(f"{self.workspace} was not compiled yet", hint="dg utils refresh-defs-state")
        state = json.loads(state_path.read_text())
        place = locate(Path(state["manifest"]), state["content"], Path(state["root"]))
        return project_defs(state["content"], place, self.translator, None)


def compile_workspace(root: Path, environment: str) -> Path:
    """Runs the compiler as a process of its own: what runs a bundle never imports what compiles it. Returns the Dagster manifest."""
    command = [sys.executable, "-m", "llmops", "compile", "--env", environment]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeUnavailable(f"{root} does not compile:\n{done.stdout}{done.stderr}", hint=f"llmops check --env {environment}")
    return root / "build" / environment / "dagster" / "manifest.json"
