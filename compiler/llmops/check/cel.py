"""The adapter to CEL (cel-expr-python, Google's C++ runtime): typed compilation against the kinds, evaluation on plain data.

Runs only in the process that `budget` forks: its errors are values here, its crashes are nobody's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from llmops.check.evidence import EVIDENCE
from llmops.check.shapes import Shape, follow, shape_of
from llmops.kinds import KINDS
from llmops.resources import Path

if TYPE_CHECKING:
    from cel_expr_python import cel
    from google.protobuf import descriptor_pb2

_PACKAGE = "llmops"
_ERROR = re.compile(r"ERROR: <input>:(-?\d+):(-?\d+): (.*)")
_OVER_BUDGET = ("Iteration budget exceeded", "recursion limit", "recursion depth", "RESOURCE_EXHAUSTED")


@dataclass(frozen=True, slots=True)
class Fault:
    """Why an expression could not be compiled or evaluated. `line` and `column` count from 1 in the expression; 0 is unknown."""

    message: str
    line: int = 0
    column: int = 0
    over_budget: bool = False


class Expressions:
    """Compiles and evaluates the expressions of policies."""

    def __init__(self) -> None:
        from cel_expr_python import cel

        self._cel = cel
        self._types = _Types()
        self._environments: dict[tuple[str, Path], cel.Env] = {}
        free = dict.fromkeys(("r", "refs", "old", "item", "evidence"), cel.Type.DYN)
        self._untyped = cel.NewEnv(variables={**free, "env": cel.Type.STRING, "today": cel.Type.TIMESTAMP})
        # The library loads what it needs to read a datetime only when it first writes one.
        self._untyped.compile("timestamp('2026-01-01T00:00:00Z')").eval().value()

    def compile(self, text: str, kind: str, each: Path) -> Callable[[Any], bool | Fault] | Fault:
        """A function from `values` to true, false or a fault; a fault where the types or the syntax are wrong."""
        try:
            typed = self._environment(kind, each).compile(text)
        except RuntimeError as error:
            return _fault_of(str(error))
        if typed.return_type().name() not in ("BOOL", "DYN"):
            return Fault(f"The expression gives {typed.return_type().name().lower()}, not true or false")
        # Types are checked against the schemas, values are plain maps: the checked tree runs in an environment without records.
        return self._evaluator(self._untyped.deserialize(typed.serialize()))

    def values(self, variables: Mapping[str, Any]) -> Any:
        """The variables of one evaluation, converted once for several expressions."""
        return self._untyped.Activation(variables)

    def _evaluator(self, expression: cel.Expression) -> Callable[[Any], bool | Fault]:
        boolean, error_type = self._cel.Type.BOOL, self._cel.Type.ERROR

        def evaluate(values: Any) -> bool | Fault:
            try:
                value = expression.eval(values)
            except RuntimeError as error:
                return _fault_of(str(error))
            kind = value.type()
            if kind == boolean:
                return bool(value.value())
            # An error is a value of its own type, not an exception.
            return _fault_of(str(value.value())) if kind == error_type else Fault(f"It gave {kind.name().lower()}, not true or false")

        return evaluate

    def _environment(self, kind: str, each: Path) -> cel.Env:
        key = (kind, each)
        if key not in self._environments:
            self._environments[key] = self._new_environment(kind, each)
        return self._environments[key]

    def _new_environment(self, kind: str, each: Path) -> cel.Env:
        cel, types = self._cel, self._types
        variables = {"r": types.of(cel, (kind,)), "old": types.of(cel, (kind,)), "refs": cel.Type(f"{_PACKAGE}.refs")}
        variables["evidence"] = cel.Type.List(cel.Type(f"{_PACKAGE}.evidence"))
        if each:
            variables["item"] = types.of(cel, (kind, *each, 0))
        return cel.NewEnv(types.pool, variables={**variables, "env": cel.Type.STRING, "today": cel.Type.TIMESTAMP})


def _fault_of(text: str) -> Fault:
    found = _ERROR.search(text)
    over = any(sign in text for sign in _OVER_BUDGET)
    if not found:
        return Fault(_in_plain_words(re.sub(r"^[A-Z_]+: |\s*\[[A-Z_]+\]$", "", text).strip()), over_budget=over)
    return Fault(_in_plain_words(found[3].strip()), max(0, int(found[1])), max(0, int(found[2])), over)


_WORDINGS = (
    (re.compile(rf"undefined field ('\w+') not found in (?:struct|type) '{_PACKAGE}\.[^']*'"), r"There is no field \1"),
    (re.compile(r'Key not found in map : "(.*)"'), r"The field '\1' is absent here"),
    (re.compile(r"found no matching overload for '_?(\W+?)_?' applied to '\((.*)\)'"), r"\1 does not take (\2)"),
    (re.compile(r"found no matching overload for '(\w+)' applied to '(.*)'"), r"\1 does not take \2"),
    (re.compile(r"undeclared reference to ('[^']*').*"), r"Nothing is called \1"),
    (re.compile(r" expecting \{.*\}"), ""),
    (re.compile(r"'<EOF>'"), "the end"),
    (re.compile(rf"\b{_PACKAGE}\."), ""),
)
"""The library's wording, with names of types that we made up, → what an author of policies can read."""


def _in_plain_words(text: str) -> str:
    for pattern, words in _WORDINGS:
        text = pattern.sub(words, text)
    return text


class _Types:
    """The shapes of all kinds as protobuf messages, which is how CEL knows records."""

    def __init__(self) -> None:
        from google.protobuf import descriptor_pb2

        self._pb = descriptor_pb2
        self._file = descriptor_pb2.FileDescriptorProto(
            name="llmops.proto", package=_PACKAGE, syntax="proto3", dependency=["google/protobuf/struct.proto"]
        )
        self._scalars = {
            "text": descriptor_pb2.FieldDescriptorProto.TYPE_STRING,
            "whole": descriptor_pb2.FieldDescriptorProto.TYPE_INT64,
            "number": descriptor_pb2.FieldDescriptorProto.TYPE_DOUBLE,
            "flag": descriptor_pb2.FieldDescriptorProto.TYPE_BOOL,
        }

    @cached_property
    def pool(self) -> Any:
        from google.protobuf import descriptor_pool, struct_pb2

        for kind in KINDS:
            self._message(kind, shape_of(kind))
        self._message("evidence", EVIDENCE.one())
        self._message("refs", Shape("record", {kind: Shape("record", many=True) for kind in KINDS}))
        pool = descriptor_pool.DescriptorPool()
        pool.AddSerializedFile(struct_pb2.DESCRIPTOR.serialized_pb)
        pool.AddSerializedFile(self._file.SerializeToString())
        return pool

    def of(self, cel: Any, path: Path) -> cel.Type:
        """The CEL type of what stands at `path`, which begins with a kind."""
        shape = follow(shape_of(str(path[0])), path[1:])
        assert isinstance(shape, Shape)  # `each` was followed before
        if shape.base == "record":
            return cel.Type(f"{_PACKAGE}.{_name(path)}")
        scalars = {"text": cel.Type.STRING, "whole": cel.Type.INT, "number": cel.Type.DOUBLE, "flag": cel.Type.BOOL}
        return scalars.get(shape.base, cel.Type.DYN)

    def _message(self, name: str, shape: Shape) -> None:
        message = self._file.message_type.add(name=name)
        for number, (field, inner) in enumerate(shape.fields.items(), start=1):
            self._field(message, number, field, inner)

    def _field(self, message: descriptor_pb2.DescriptorProto, number: int, field: str, shape: Shape) -> None:
        labels = self._pb.FieldDescriptorProto
        added = message.field.add(name=field, number=number, label=labels.LABEL_REPEATED if shape.many else labels.LABEL_OPTIONAL)
        if shape.base == "map" and not shape.many:
            added.label = labels.LABEL_REPEATED
            added.type, added.type_name = labels.TYPE_MESSAGE, self._map(message, field, shape)
        else:
            self._set_type(added, f"{message.name}_{field}", shape, own=message.name != "refs")

    def _set_type(self, added: descriptor_pb2.FieldDescriptorProto, name: str, shape: Shape, *, own: bool = True) -> None:
        if shape.base in self._scalars:
            added.type = self._scalars[shape.base]
            return
        added.type = self._pb.FieldDescriptorProto.TYPE_MESSAGE
        if shape.base != "record":
            added.type_name = ".google.protobuf.Value"  # the type checker takes it for anything
            return
        added.type_name = f".{_PACKAGE}.{name if own else added.name}"
        if own:
            self._message(name, shape)

    def _map(self, message: descriptor_pb2.DescriptorProto, field: str, shape: Shape) -> str:
        entry = message.nested_type.add(name=f"{field.title().replace('_', '')}Entry")
        entry.options.map_entry = True
        entry.field.add(name="key", number=1, label=1, type=self._pb.FieldDescriptorProto.TYPE_STRING)
        self._set_type(entry.field.add(name="value", number=2, label=1), f"{message.name}_{field}", shape.each or Shape("any"))
        return f".{_PACKAGE}.{message.name}.{entry.name}"


def _name(path: Path) -> str:
    return "_".join(step for step in path if isinstance(step, str))
