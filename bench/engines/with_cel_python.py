"""CEL in Python alone: the rules of a document's kind, compiled once."""

from __future__ import annotations

import sys
from pathlib import Path

import celpy
import yaml
from celpy.adapter import json_to_cel
from documents import documents

environment = celpy.Environment()
programs: dict[str, list[celpy.Runner]] = {}
for rule in yaml.safe_load(Path(sys.argv[1]).read_text("utf-8")):
    programs.setdefault(rule["kind"], []).append(environment.program(environment.compile(rule["holds"])))
count = 0
for document in documents():
    known = {"r": json_to_cel(document)}
    count += sum(not program.evaluate(known) for program in programs[document["kind"]])
print(f"{count} violations")
