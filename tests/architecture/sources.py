"""What the architecture tests look at: the syntax trees of the package, read once."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).parents[2]
PACKAGE = PROJECT / "compiler" / "llmops"

STAGES = (
    "check",
    "fingerprint",
    "kinds",
    "link",
    "load",
    "lock",
    "overlay",
    "project",
    "pipeline",
    "prices",
    "render",
    "validate",
    "write",
)
"""What stands between YAML and a bundle."""

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Source:
    """One file of the package; `module` is its dotted name below `llmops`, such as `load.files`."""

    path: Path
    module: str
    text: str
    tree: ast.Module

    @property
    def part(self) -> str:
        """The first step of the module's name."""
        return self.module.partition(".")[0]

    def functions(self) -> Iterator[FunctionNode]:
        return (node for node in ast.walk(self.tree) if isinstance(node, FunctionNode))

    def calls(self) -> Iterator[tuple[str, int]]:
        """Each called name, such as `print` or `sys.exit` or `.read_text`, with its line."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                yield called_name(node.func), node.lineno


@cache
def sources() -> tuple[Source, ...]:
    return tuple(read_source(path, PACKAGE) for path in sorted(PACKAGE.rglob("*.py")))


def read_source(path: Path, package: Path) -> Source:
    text = path.read_text("utf-8")
    steps = path.relative_to(package).with_suffix("").parts
    module = ".".join(steps[:-1] if steps[-1] == "__init__" else steps)
    return Source(path, module, text, ast.parse(text))


def called_name(function: ast.expr) -> str:
    """`f` → `f`, `module.f` → `module.f`, and `(anything).method` → `.method`."""
    if isinstance(function, ast.Name):
        return function.id
    if isinstance(function, ast.Attribute):
        owner = function.value
        return f"{owner.id}.{function.attr}" if isinstance(owner, ast.Name) else f".{function.attr}"
    return ""


def modules_in(folder: str) -> set[str]:
    """Names of the modules directly in a folder of the package, without `__init__`."""
    return {path.stem for path in (PACKAGE / folder).glob("*.py")} - {"__init__"}


def imported_modules(module: str) -> set[str]:
    """Last steps of the `llmops` modules that a module imports: `from llmops.a import b` gives `a` and `b`."""
    (source,) = (s for s in sources() if s.module == module)
    froms = [node for node in ast.walk(source.tree) if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("llmops.")]
    return {str(node.module).rpartition(".")[2] for node in froms} | {alias.name for node in froms for alias in node.names}
