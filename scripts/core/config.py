"""Read a config: check it, give every default, and say every mistake in a sentence, before any job starts.

    python -m scripts.core.config --check CONFIG.yaml ...   say "ok", or the mistakes (exit status 2)
    python -m scripts.core.config --json CONFIG.yaml ...    print the complete config as JSON

Later files overrule earlier ones key by key, as Snakemake has it; `-` is standard input.
The keys and what they may be are in `config_model.py`.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from scripts.core.config_errors import sentences, shown
from scripts.core.config_model import Config

EXIT_MISTAKES = 2


class ConfigError(Exception):
    """The config has mistakes; the message says each of them in one sentence.

    mistakes: those sentences, each beginning with the key's path, such as `models[0].name: ...`
    """

    def __init__(self, mistakes: Sequence[str]) -> None:
        self.mistakes = list(mistakes)
        count = "a mistake" if len(self.mistakes) == 1 else f"{len(self.mistakes)} mistakes"
        super().__init__("\n  ".join([f"The config has {count}:", *self.mistakes]))


def load(raw: Any, base: Path) -> Config:
    """The complete config for the keys in `raw`, a mapping as YAML or Snakemake gives it.

    base: the folder that relative paths in the config start from. Paths stay as they are written.
    Raises ConfigError.
    """
    if not isinstance(raw, Mapping):
        raise ConfigError(
            [f"the config: {shown(raw)} is not a mapping; write keys and values, such as `batches: [1, 8]`"]
        )
    try:
        return Config.model_validate(_plain(raw), context={"base": base, "files": {}})
    except ValidationError as error:
        raise ConfigError(sentences(error, Config.model_json_schema())) from None


def _plain(value: Any) -> Any:
    """`value` with plain dicts, lists and text keys all the way down: YAML also knows keys such as 8 and true."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def _read(file: str) -> Any:
    """The content of a YAML or JSON file. Raises ConfigError."""
    from scripts.core import config_files  # not needed by Snakemake, which reads the files itself

    try:
        return config_files.parsed(sys.stdin.read(), "-") if file == "-" else config_files.read(Path(file))
    except config_files.Unreadable as error:
        raise ConfigError([str(error)]) from None


def _merged(below: Any, above: Any) -> Any:
    """What Snakemake makes of two config files: mappings are merged, all else is replaced."""
    if not isinstance(above, Mapping):
        return above
    kept = below if isinstance(below, Mapping) else {}
    return {**kept, **{key: _merged(kept.get(key), value) for key, value in above.items()}}


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--check", action="store_true", help="say ok, or the mistakes")
    what.add_argument("--json", action="store_true", help="print the complete config as JSON")
    parser.add_argument("files", nargs="+", metavar="CONFIG.yaml")
    args = parser.parse_args(argv)
    try:
        raw: Any = {}
        for file in args.files:
            raw = _merged(raw, _read(file))
        config = load(raw, Path.cwd())
    except ConfigError as error:
        print(error, file=sys.stderr)
        return EXIT_MISTAKES
    print(json.dumps(config.model_dump(mode="json"), indent=1) if args.json else "ok")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
