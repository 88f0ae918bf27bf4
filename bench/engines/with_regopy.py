"""Rego by rego-cpp, Microsoft's interpreter in C++: the policy is built once, then one query a document."""

from __future__ import annotations

import sys
from pathlib import Path

from documents import documents
from regopy import Interpreter

interpreter = Interpreter()
interpreter.add_module("bench", Path(sys.argv[1]).read_text("utf-8"))
bundle = interpreter.build("data.bench.violations")
count = 0
for document in documents():
    interpreter.set_input(document)
    output = interpreter.query_bundle(bundle)
    count += len(output.expressions()[0])
print(f"{count} violations")
