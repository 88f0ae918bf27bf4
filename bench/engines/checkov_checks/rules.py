"""The rules as checkov's own checks of Kubernetes resources, which specs look like: `checkov --external-checks-dir FOLDER`.

The table of rules stands in the environment's `BENCH_RULES`: checkov leaves its checks no arguments.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml
from checkov.common.models.enums import CheckCategories, CheckResult
from checkov.kubernetes.checks.resource.base_spec_check import BaseK8Check


class Rule(BaseK8Check):
    """One rule; registers itself when it is made."""

    def __init__(self, number: int, rule: dict[str, Any]) -> None:
        self._holds = eval(f"lambda r: {rule['python']}")
        super().__init__(rule["name"], f"BENCH_{number}", [CheckCategories.GENERAL_SECURITY], [rule["kind"]])

    def scan_spec_conf(self, conf: dict[str, Any]) -> CheckResult:
        return CheckResult.PASSED if self._holds(conf) else CheckResult.FAILED


RULES = [Rule(number, rule) for number, rule in enumerate(yaml.safe_load(Path(os.environ["BENCH_RULES"]).read_text("utf-8")))]
