"""Make `config.schema.json` and the README's tables from the config's schema and the catalogue.

python -m scripts.core.config_docs           write both
python -m scripts.core.config_docs --check   say which of them is out of step (exit status 1)
"""

import argparse
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from scripts.core.capabilities import DEFAULT, Runtime
from scripts.core.catalogue import RUNTIMES
from scripts.core.config_errors import Schema, allowed, forms, resolve
from scripts.core.config_model import Config

HEADER = ("| key | allowed | default | what it is for |", "| --- | --- | --- | --- |")
PRECISIONS_HEADER = ("| runtime | precisions, with their variants where there are several |", "| --- | --- |")


class _Untitled(GenerateJsonSchema):
    """Without titles made up from the keys, which editors would show above the descriptions."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def json_schema() -> Schema:
    """The schema of the config as one writes it, for editors and other tools."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Config.model_json_schema(schema_generator=_Untitled),
        "title": "Assay's config",
    }


def table() -> str:
    """The README's table of keys: a row for each, at any depth."""
    schema = json_schema()
    return "\n".join([*HEADER, *(_row(key, node, schema) for key, node in _keys(schema, schema, ""))])


def precisions() -> str:
    """The README's table of runtimes: what each can be asked for."""
    rows = [
        f"| `{name}`{'' if place is runtime else ' on a GPU'} | {', '.join(_variants(place))} |"
        for name, runtime in RUNTIMES.items()
        for place in runtime.places
    ]
    return "\n".join([*PRECISIONS_HEADER, *rows])


def _variants(runtime: Runtime) -> Iterator[str]:
    for precision, variants in runtime.variants.items():
        extra = [f"{variant}*" for variant in runtime.extra.get(precision, ())]
        others = [*(variant for variant in variants if variant != DEFAULT), *extra]
        yield f"{precision} ({', '.join([DEFAULT, *others])})" if others else precision


TABLES = {"config keys": table, "precisions": precisions}
"""What makes each of the README's tables, by the name in its markers."""


def with_tables(readme: str) -> str:
    """The README with its tables made anew, between their markers. Raises ValueError where one is missing."""
    for name, make in TABLES.items():
        begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        before, opened, rest = readme.partition(begin)
        _, closed, after = rest.partition(end)
        if not opened or not closed:
            raise ValueError(f"README.md: the markers {begin} and {end} are missing; put them around the table")
        readme = f"{before}{begin}\n{make()}\n{end}{after}"
    return readme


def _keys(node: Schema, schema: Schema, prefix: str) -> Iterator[tuple[str, Schema]]:
    """Keys as one writes them (`models[].name`), with what the schema says about each."""
    for name, raw in node.get("properties", {}).items():
        key, below = f"{prefix}{name}", resolve(raw, schema)
        inner = list(_inner(key, below, schema))
        only_a_heading = bool(inner) and below.get("type") == "object"
        if not only_a_heading:
            yield key, below
        yield from inner


def _inner(key: str, node: Schema, schema: Schema) -> Iterator[tuple[str, Schema]]:
    """The keys below a key: of a mapping, of a mapping of mappings, of a list of mappings."""
    for form in forms(node, schema):
        yield from _keys(form, schema, f"{key}.")
        other = form.get("additionalProperties")
        for below in forms(other, schema) if isinstance(other, dict) else []:
            yield from _keys(below, schema, f"{key}.NAME.")
        for below in forms(form["items"], schema) if "items" in form else []:
            yield from _keys(below, schema, f"{key}[].")


def _row(key: str, node: Schema, schema: Schema) -> str:
    words = re.sub(r" with the keys [\w, ]+", "", allowed(node, schema))  # they have rows of their own
    default = node.get("default")
    cells = (f"`{key}`", words, "" if default is None else f"`{_yaml(default)}`", node["description"])
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _yaml(value: Any) -> str:
    """A default as one would write it: text without quotes, 2.0 as 2."""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return f"{value:g}"
    return f"[{', '.join(map(_yaml, value))}]" if isinstance(value, list) else json.dumps(value)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a file is out of step")
    args = parser.parse_args(argv)
    schema_file, readme = Path("config.schema.json"), Path("README.md")
    if args.check:
        written = json.loads(schema_file.read_text()) if schema_file.exists() else None
        steps = {schema_file: written == json_schema(), readme: readme.read_text() == with_tables(readme.read_text())}
        for file, in_step in steps.items():
            if not in_step:
                print(f"{file} is out of step with the config's schema: run `make docs`")
        return 0 if all(steps.values()) else 1
    schema_file.write_text(json.dumps(json_schema(), indent=2) + "\n")
    readme.write_text(with_tables(readme.read_text()))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
