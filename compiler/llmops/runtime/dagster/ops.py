"""Ops: what Dagster runs for one asset of the manifest, and for one evaluation of a release.

No `from __future__ import annotations` here: Dagster reads the type of an op's context when the op is defined.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import dagster as dg

from llmops.errors import LlmopsError
from llmops.runtime.dagster.evaluation import check_evaluation
from llmops.runtime.dagster.tasks import TASKS
from llmops.runtime.dagster.translator import Node
from llmops.runtime.dagster.workbench import Workbench

Checks = Sequence[tuple[Node, dg.AssetCheckSpec]]


@dataclass(frozen=True, slots=True)
class Built:
    """One asset of the manifest, translated. `resource` is the key of the bundle's workbench."""

    node: Node
    spec: dg.AssetSpec
    checks: Checks
    resource: str
    op_tags: Mapping[str, str]

    @property
    def op_name(self) -> str:
        return identifier("__".join(self.node["key"]))

    @property
    def evaluations(self) -> dict[str, list[tuple[Node, dg.AssetCheckSpec]]]:
        """The checks by the evaluation that measures them."""
        groups: dict[str, list[tuple[Node, dg.AssetCheckSpec]]] = {}
        for check, spec in self.checks:
            if check["evaluation"]:
                groups.setdefault(check["evaluation"], []).append((check, spec))
        return groups

    def evaluation_op(self, evaluation: str) -> str:
        return f"{identifier(self.node['task']['application'])}__{identifier(evaluation.partition('/')[2])}"


def identifier(name: str) -> str:
    """A name that Dagster takes for ops, jobs and resources."""
    return name.replace("-", "_").replace(".", "_")


def build_asset(asset: Built) -> dg.AssetsDefinition:
    """Signals of a monitor are checked in its own op; evaluations of a release have theirs."""
    run = TASKS[asset.node["task"]["type"]]
    own = [spec for check, spec in asset.checks if not check["evaluation"]]

    @dg.multi_asset(
        name=asset.op_name,
        specs=[asset.spec],
        check_specs=own,
        required_resource_keys={asset.resource},
        op_tags=asset.op_tags,
        description=f"{asset.node['kind']}: {asset.node['resource']}",
    )
    def materialize(context: dg.AssetExecutionContext) -> Any:
        with _explained():
            yield run(_bench(context, asset.resource), asset.node, asset.spec.key)

    return materialize


@contextmanager
def _explained() -> Iterator[None]:
    """Dagster shows a failure's description, not our exceptions' hints. Trying again would not help: nothing has changed."""
    try:
        yield
    except LlmopsError as error:
        hint = f" ({error.hint})" if error.hint else ""
        raise dg.Failure(description=f"{error}{hint}", allow_retries=False) from error


def _bench(context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext, resource: str) -> Workbench:
    """The run's workbench; what it reports from now on belongs to this op."""
    bench: Workbench = getattr(context.resources, resource)
    bench.progress = context.log.info
    return bench


def build_evaluations(asset: Built) -> Iterator[dg.AssetChecksDefinition]:
    """One op an evaluation, so that it can be run and scheduled without building the release again."""
    for evaluation, checks in asset.evaluations.items():
        yield _evaluation(asset, evaluation, checks)


def _evaluation(asset: Built, evaluation: str, checks: Checks) -> dg.AssetChecksDefinition:
    application = asset.node["task"]["application"]

    @dg.multi_asset_check(
        name=asset.evaluation_op(evaluation),
        specs=[spec for _, spec in checks],
        can_subset=True,
        required_resource_keys={asset.resource},
        op_tags=asset.op_tags,
        pool=asset.node["pool"],
        description=f"{evaluation} of {application}",
    )
    def evaluate(context: dg.AssetCheckExecutionContext) -> Any:
        # Of all the checks of an evaluation only the selected ones may be answered.
        selected = {key.name for key in context.selected_asset_check_keys}
        chosen = [(check, spec.key) for check, spec in checks if spec.name in selected]
        with _explained():
            yield from check_evaluation(_bench(context, asset.resource), application, chosen)

    return evaluate
