"""A mistake in the config as one sentence: the key's path, what is wrong, what is allowed.

What is allowed is read from the config's JSON schema, so that mistakes, schema and README say the same.
"""

import difflib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError, core_schema

Schema = dict[str, Any]
Path = tuple[int | str, ...]
Mistake = tuple[Path, str]
"""The path of a key and a sentence that goes on from it: "is missing; give ..."."""

ALLOWED = "x-allowed"
"""The schema's key for what is allowed, in words, where its other keys do not say it well."""


def raise_mistakes(mistakes: Iterable[Mistake], absolute: bool = False) -> None:
    """From inside a validator: fail with these mistakes; return if there are none.

    Paths start at the value that is being validated, or with `absolute` at the config.
    """
    details = []
    for path, sentence in mistakes:
        context = {"sentence": sentence, "path": path if absolute else None}
        kind = PydanticCustomError("mistake", "{sentence}", context)
        details.append(InitErrorDetails(type=kind, loc=path, input=None))
    if details:
        raise ValidationError.from_exception_data("config", details)


@dataclass(frozen=True)
class OneOf:
    """Annotates a text that must be one of these words."""

    words: tuple[str, ...]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.literal_schema(list(self.words))


def sentences(error: ValidationError, schema: Schema) -> list[str]:
    """One sentence for each mistake."""
    found: dict[Path, str] = {}
    for item in error.errors(include_url=False):
        path, union = _path(item, schema)
        if union and any(other[: len(path)] == path for other in found):
            continue  # another form of the same value was meant, and its mistake is told already
        if union:
            found = {other: text for other, text in found.items() if other != path[: len(other)]}
        found.setdefault(path, f"{dotted(path)}: {_sentence(item, path, schema)}")
    return list(found.values())


def dotted(path: Path) -> str:
    """`models[0].name` for ("models", 0, "name")."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.lstrip(".") or "the config"


def closest(word: object, known: Sequence[str]) -> str:
    """` (did you mean X?)`, or nothing where no known word is close."""
    near = difflib.get_close_matches(str(word).lower(), known, n=2, cutoff=0.6)
    return f" (did you mean {either(near)}?)" if near else ""


def shown(value: object) -> str:
    """A value as YAML would have it, shortened."""
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."


def resolve(node: Schema, schema: Schema) -> Schema:
    """`node`, or what it refers to, with `node`'s own keys on top."""
    if "$ref" not in node:
        return node
    target: Schema = schema["$defs"][node["$ref"].rsplit("/", 1)[1]]
    return {**target, **{key: value for key, value in node.items() if key != "$ref"}}


def forms(node: Schema, schema: Schema) -> list[Schema]:
    """The forms a value may take: the members of `anyOf`, to any depth, or the one there is."""
    node = resolve(node, schema)
    return [form for member in node["anyOf"] for form in forms(member, schema)] if "anyOf" in node else [node]


def allowed(node: Schema, schema: Schema) -> str:
    """What a value may be, in words: "a whole number from 1 to 1024". Null is not told: one leaves the key out."""
    node = resolve(node, schema)
    if ALLOWED in node:
        return str(node[ALLOWED])
    if "anyOf" in node:
        return ", or ".join(allowed(form, schema) for form in node["anyOf"] if form.get("type") != "null")
    if "enum" in node or "const" in node:
        return either([str(value) for value in node.get("enum", [node.get("const")])])
    kind = node["type"]
    if kind in ("integer", "number"):
        return _number(node)
    if kind == "array":
        words = node["items"].get("enum", [node["items"].get("const")])
        return (
            f"a list of {', '.join(words)}"
            if words != [None]
            else f"a list, each item {allowed(node['items'], schema)}"
        )
    if "properties" in node:
        return f"a mapping with the keys {', '.join(node['properties'])}"
    if "propertyNames" in node:
        return f"a mapping with keys out of {', '.join(_names(node))}"
    return {"boolean": "true or false", "string": "text"}[kind]


def either(words: Sequence[str]) -> str:
    """`a, b or c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _number(node: Schema) -> str:
    name = "a whole number" if node["type"] == "integer" else "a number"
    most = node.get("maximum")
    if "exclusiveMinimum" in node:
        return f"{name} above {node['exclusiveMinimum']:.12g}" + (f" and up to {most:.12g}" if most else "")
    if "minimum" not in node:
        return name
    low = f"{node['minimum']:.12g}"
    return f"{name} from {low} to {most:.12g}" if most else f"{name}, {low} or more"


def _names(node: Schema) -> list[str]:
    """The keys that a mapping may have."""
    return [*node.get("properties", {}), *node.get("propertyNames", {}).get("enum", [])]


def _path(item: Any, schema: Schema) -> tuple[Path, bool]:
    """The path in the config, and whether pydantic's location names a form of a union.

    pydantic puts the union's member (`list[...]`) and `[key]` into a location; neither is in the config.
    """
    if item.get("ctx", {}).get("path"):
        return item["ctx"]["path"], False
    loc = item["loc"]
    if _is_about_key(item):
        loc = loc[:-1] if loc[-1] == "[key]" else loc
        return _path({"loc": loc[:-1]}, schema)[0] + loc[-1:], False
    path: list[int | str] = []
    node, union = schema, False
    for part in loc:
        below = _below(node, part, schema)
        if below is not None:
            path.append(part)
            node = below
        elif isinstance(part, str) and _FORM.match(part):
            union = True
        else:
            path.append(part)
    return tuple(path), union


def _is_about_key(item: dict[str, Any]) -> bool:
    """Whether a key is the mistake, not its value."""
    return item.get("type") == "extra_forbidden" or "[key]" in item["loc"][-1:]


_FORM = re.compile(r"^(literal|list|dict|constrained-\w+|function-\w+|int|float|str|bool)(\[.*)?$")
"""How pydantic names the members of a union."""


def _below(node: Schema, part: int | str, schema: Schema) -> Schema | None:
    """What the schema says about an item or a key; None if there is no such thing."""
    for form in forms(node, schema):
        other = form.get("additionalProperties")
        if isinstance(part, int) and "items" in form:
            return resolve(form["items"], schema)
        if part in form.get("properties", {}):
            return resolve(form["properties"][part], schema)
        if isinstance(other, dict) and part in _names(form):
            return resolve(other, schema)
    return None


def _at(path: Path, schema: Schema) -> Schema:
    node = schema
    for part in path:
        node = _below(node, part, schema) or {}
    return node


def _sentence(item: Any, path: Path, schema: Schema) -> str:
    value = item["input"]
    if item["type"] == "mistake":
        return str(item["ctx"]["sentence"])
    if _is_about_key(item):
        known = [name for form in forms(_at(path[:-1], schema), schema) for name in _names(form)]
        return f"is not a key here{closest(path[-1], known)}; the keys here are {', '.join(known)}"
    node = _at(path, schema)
    if item["type"] == "missing":
        return f"is missing; give {allowed(node, schema)}"
    if value is None:
        default = f" for the default, {shown(node['default'])}" if node.get("default") is not None else ""
        return f"is empty (null); give {allowed(node, schema)}, or leave it out{default}"
    if value in ([], {}, ""):
        return f"is empty; give {allowed(node, schema)}"
    if isinstance(value, str) and _is_number(value) and "number" in allowed(node, schema):
        return f"{shown(value)} is text; give {allowed(node, schema)}, without quotes"
    words = [str(word) for form in forms(node, schema) for word in form.get("enum", [form.get("const", "")])]
    near = closest(value, words) if isinstance(value, str) else ""
    return f"{shown(value)} is not allowed{near}; give {allowed(node, schema)}"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
