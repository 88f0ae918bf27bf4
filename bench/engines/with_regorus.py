"""Rego by regorus, Microsoft's interpreter in Rust: one query a document."""

from __future__ import annotations

import sys

import regorus
from documents import documents

engine = regorus.Engine()
engine.add_policy_from_file(sys.argv[1])
count = 0
for document in documents():
    engine.set_input(document)
    count += len(engine.eval_rule("data.bench.violations"))
print(f"{count} violations")
