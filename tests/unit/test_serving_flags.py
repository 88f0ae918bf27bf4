"""A flag file moves traffic between declared variants; anything else in it is refused and leaves the weights as they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from llmops.runtime.assistant.rollout import Rollout
from llmops.runtime.bundle import BundledApplication, BundledVariant
from llmops.runtime.serving.flags import FlagError, FlagFile

STABLE = BundledVariant("Prompt/answer@1.0.0", 90, "stable")
CANARY = BundledVariant("Prompt/answer@2.0.0", 10, "canary")
VARIANTS = {"stable": STABLE.prompt, "canary": CANARY.prompt}


def application(*variants: BundledVariant) -> BundledApplication:
    prompts = tuple(v.prompt for v in variants) or (STABLE.prompt,)
    return BundledApplication("shop", "sha256:0", "Model/m", prompts, variants, (), None, (), (), {}, "haystack/shop/query.yaml", "")


APPLICATIONS = {"shop": application(STABLE, CANARY)}


def flag(**changes: Any) -> dict[str, Any]:
    fractional = {"fractional": [["stable", 30], ["canary", 70]]}
    return {"state": "ENABLED", "variants": VARIANTS, "defaultVariant": "stable", "targeting": fractional, **changes}


def written(path: Path, shop: Any) -> FlagFile:
    path.write_text(json.dumps({"flags": {"shop": shop}}), "utf-8")
    return FlagFile(path)


def weights(file: FlagFile) -> dict[str, int]:
    found = file.read(APPLICATIONS)
    assert found is not None
    return {variant.label: variant.weight for variant in found["shop"]}


def test_fractional_targeting_gives_the_weights(tmp_path: Path) -> None:
    assert weights(written(tmp_path / "f.json", flag())) == {"stable": 30, "canary": 70}


def test_without_targeting_the_default_variant_answers_everybody(tmp_path: Path) -> None:
    assert weights(written(tmp_path / "f.json", flag(targeting={}, defaultVariant="canary"))) == {"canary": 100}


def test_a_disabled_flag_gives_the_weights_of_the_bundle(tmp_path: Path) -> None:
    assert weights(written(tmp_path / "f.json", flag(state="DISABLED"))) == {"stable": 90, "canary": 10}


def test_an_unchanged_file_is_not_read_twice_and_a_changed_one_is(tmp_path: Path) -> None:
    file = written(tmp_path / "f.json", flag())
    assert weights(file) == {"stable": 30, "canary": 70}
    assert file.read(APPLICATIONS) is None
    written(tmp_path / "f.json", flag(targeting={"fractional": [["canary", 1]]}))
    assert weights(file) == {"canary": 1}
    file.forget()
    assert weights(file) == {"canary": 1}


FAULTS: dict[str, tuple[Any, str]] = {
    "an unknown label": (flag(targeting={"fractional": [["beta", 10]]}), "'beta'; shop has stable, canary"),
    "a weight that is a text": (flag(targeting={"fractional": [["canary", "10"]]}), "the weight '10'"),
    "a weight below zero": (flag(targeting={"fractional": [["canary", -1]]}), "the weight -1"),
    "a weight that is a truth": (flag(targeting={"fractional": [["canary", True]]}), "the weight True"),
    "nobody answers": (flag(targeting={"fractional": [["canary", 0]]}), "without any variant"),
    "a prompt that is not declared": (flag(variants={**VARIANTS, "canary": "Prompt/other@1.0.0"}), "is 'Prompt/other@1.0.0'; it is"),
    "another targeting": (flag(targeting={"if": []}), "targets shop by if"),
    "no variants": ({"targeting": {"fractional": [["canary", 1]]}}, "no flag file of flagd: KeyError"),
    "pairs that are none": (flag(targeting={"fractional": ["canary"]}), "no flag file of flagd"),
    "not an object": (3, "no flag file of flagd"),
}


@pytest.mark.parametrize(("shop", "fault"), FAULTS.values(), ids=FAULTS)
def test_a_file_that_cannot_be_followed_is_refused(tmp_path: Path, shop: Any, fault: str) -> None:
    file = written(tmp_path / "f.json", flag())
    file.read(APPLICATIONS)
    good = file.digest
    written(tmp_path / "f.json", shop)
    with pytest.raises(FlagError) as refused:
        file.read(APPLICATIONS)
    assert fault in str(refused.value)
    assert file.state["sha256"] == good
    assert fault in file.state["fault"]


@pytest.mark.parametrize(
    ("content", "fault"), [("{", "is not JSON"), ("[]", "no flag file"), ('{"flags": {"shpo": {}}}', "'shpo', which is no application")]
)
def test_a_file_that_is_none_is_refused(tmp_path: Path, content: str, fault: str) -> None:
    (tmp_path / "f.json").write_text(content, "utf-8")
    with pytest.raises(FlagError, match=fault):
        FlagFile(tmp_path / "f.json").read(APPLICATIONS)


def test_a_missing_file_is_refused_and_mended_by_writing_it(tmp_path: Path) -> None:
    file = FlagFile(tmp_path / "f.json")
    with pytest.raises(FlagError, match="cannot be read: No such file"):
        file.read(APPLICATIONS)
    written(tmp_path / "f.json", flag())
    assert weights(file) == {"stable": 30, "canary": 70}
    assert file.state["fault"] == ""


def test_a_user_keeps_the_variant_while_the_weights_stand_and_few_move_with_them() -> None:
    rollout = Rollout(APPLICATIONS["shop"])
    users = [f"user-{n}" for n in range(4000)]
    before = [rollout.choose(user).label for user in users]
    assert before == [rollout.choose(user).label for user in users]
    assert abs(before.count("canary") / len(users) - 0.1) < 0.02
    rollout.variants = [BundledVariant(STABLE.prompt, 80, "stable"), BundledVariant(CANARY.prompt, 20, "canary")]
    after = [rollout.choose(user).label for user in users]
    assert all(new == "canary" for old, new in zip(before, after, strict=True) if old == "canary")
    assert abs(after.count("canary") / len(users) - 0.2) < 0.02


def test_an_application_with_one_prompt_has_one_variant() -> None:
    assert Rollout(application()).choose("anybody") == BundledVariant(STABLE.prompt, 100, "")
