"""A new file beside a registry is of no use until its line is there: these tests name the forgotten ones."""

from __future__ import annotations

import pytest

from llmops.cli.main import VERBS
from llmops.kinds import KINDS, schema
from llmops.kinds.fields import annotated
from llmops.kinds.generate import SCHEMAS, generate, kind_model
from llmops.render import TARGETS
from tests.architecture.sources import imported_modules, modules_in

KIND_SUPPORT = {"base", "editor", "fields", "generate", "policy", "workspace"}
RENDER_SUPPORT = {"base", "manifest", "promql", "safety_rules"}
VERB_SUPPORT = {"base_workspace", "evaluating", "fixes", "inspection", "main", "measuring", "parts", "terminal", "watch"}
METRIC_SUPPORT = {"calibration", "cases", "gate", "metrics", "observation", "questions", "scoring", "side_by_side"}


def test_every_kind_is_registered() -> None:
    assert set(KINDS.values()) == modules_in("kinds") - KIND_SUPPORT


def test_every_target_is_registered() -> None:
    assert {function.__module__.rpartition(".")[2] for function in TARGETS.values()} == modules_in("render") - RENDER_SUPPORT


def test_every_verb_is_registered() -> None:
    assert {verb.replace("-", "_") for verb in VERBS} == modules_in("cli") - VERB_SUPPORT


@pytest.mark.parametrize(
    ("registry", "folder", "support"),
    [
        ("evaluate.metrics", "evaluate", METRIC_SUPPORT),
        ("runtime.dagster.tasks", "runtime/dagster/tasks", set()),
        ("runtime.rails.detectors", "runtime/rails/detectors", {"finding"}),
    ],
)
def test_the_registry_knows_every_module_beside_it(registry: str, folder: str, support: set[str]) -> None:
    """Read from the source: these registries import engines."""
    assert imported_modules(registry) & modules_in(folder) - support == modules_in(folder) - support


@pytest.mark.parametrize("kind", KINDS)
def test_kind_names_itself_and_says_what_it_is(kind: str) -> None:
    model = kind_model(kind)
    assert model.__name__ == kind
    assert schema(kind)["properties"]["kind"]["const"] == kind
    assert (model.__doc__ or "").strip().endswith(".")


def test_schemas_are_those_of_the_models() -> None:
    generated = generate()
    on_disk = {path.name: path.read_bytes() for path in SCHEMAS.iterdir()}
    assert sorted(on_disk) == sorted(generated)
    differing = [name for name in generated if on_disk[name] != generated[name]]
    assert not differing, "run `python -m llmops.kinds.generate`"


def references_between_kinds() -> dict[str, set[str]]:
    return {kind: {target for _, target in annotated(kind, "x-llmops-ref")} for kind in KINDS}


def test_references_name_kinds() -> None:
    assert set().union(*references_between_kinds().values()) <= set(KINDS)


def test_kinds_refer_to_each_other_without_a_cycle() -> None:
    """This is why linking looks for no cycle among resources: there can be none."""
    left = references_between_kinds()
    assert left["Application"], "the annotations are read"
    while free := {kind for kind, targets in left.items() if not targets & left.keys()}:
        left = {kind: targets for kind, targets in left.items() if kind not in free}
    assert not left, f"these kinds refer to each other in a circle: {sorted(left)}"
