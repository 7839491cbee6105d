"""A hash of what a verb's code means: the tokens of its import closure inside `scripts`.

Comments, docstrings, blank lines and file times do not count, so a comment or a `git checkout`
reruns nothing; an edit to a helper changes the hash of exactly its importers.
"""

import ast
import hashlib
import io
import json
import os
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from scripts.core.paths import ROOT

_IGNORED = {tokenize.COMMENT, tokenize.NL, tokenize.ENCODING, tokenize.ENDMARKER}


@cache
def _file(module: str, package: str) -> Path | None:
    """The file of a module of `package`; None for anything else (a class, a toolchain's module)."""
    if module.split(".")[0] != package:
        return None
    # A user's own package lies in the working folder, where `python -m` looks first.
    for folder in (ROOT,) if package == "scripts" else (Path.cwd(), ROOT):
        base = folder.joinpath(*module.split("."))
        for candidate in (base.with_suffix(".py"), base / "__init__.py"):
            if candidate.is_file():
                return candidate
    return None


def _imports(tree: ast.AST) -> Iterator[str]:
    """Names that a module may import, in any function or branch."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError("relative imports are not followed: write `from scripts...`")
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _docstring_lines(tree: ast.AST) -> set[int]:
    """First lines of all docstrings."""
    holders = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    return {
        node.body[0].lineno
        for node in ast.walk(tree)
        if isinstance(node, holders)
        and node.body
        and isinstance(node.body[0], ast.Expr)
        and isinstance(node.body[0].value, ast.Constant)
        and isinstance(node.body[0].value.value, str)
    }


def _tokens(source: str, tree: ast.AST) -> str:
    """Hash of the tokens that carry meaning. Indentation counts, its width does not."""
    docstrings = _docstring_lines(tree)
    digest = hashlib.sha256()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        is_docstring = token.type == tokenize.STRING and token.start[0] in docstrings
        if token.type in _IGNORED or is_docstring:
            continue
        text = "" if token.type in (tokenize.INDENT, tokenize.NEWLINE) else token.string
        digest.update(f"{token.type}:{text}\n".encode())
    return digest.hexdigest()


class _Remembered:
    """Answers by file content, kept between Snakemake's starts: tokenising is the slow part of a no-op."""

    def __init__(self, path: Path) -> None:
        self.path, self.changed = path, False
        try:
            self.known: dict[str, tuple[str, list[str]]] = json.loads(path.read_text())
        except (OSError, ValueError):
            self.known = {}

    def __call__(self, file: Path) -> tuple[str, list[str]]:
        source = file.read_bytes()
        key = hashlib.sha256(source).hexdigest()
        if key not in self.known:
            tree = ast.parse(source)
            self.known[key] = (_tokens(source.decode(), tree), sorted(set(_imports(tree))))
            self.changed = True
        digest, names = self.known[key]
        return digest, names

    def save(self) -> None:
        """Keep the answers; losing them (a read-only folder, a race) only costs time."""
        if not self.changed:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            temporary = self.path.with_name(f"{self.path.name}.{os.getpid()}")
            temporary.write_text(json.dumps(self.known))
            temporary.replace(self.path)
        except OSError:
            pass
        self.changed = False


_remembered = _Remembered(ROOT / ".snakemake" / "assay-code.json")


@cache
def _meaning(file: Path) -> tuple[str, list[str]]:
    """Hash of a file's tokens and the names that it imports. Read once: many modules import the same file."""
    return _remembered(file)


@cache
def closure(module: str) -> tuple[str, ...]:
    """The modules of its own package that `module` may import, itself included, sorted."""
    seen: set[str] = set()
    todo, package = [module], module.split(".")[0]
    while todo:
        name = todo.pop()
        file = _file(name, package)
        if file is None or name in seen:
            continue
        seen.add(name)
        todo += _meaning(file)[1]
    if not seen:
        raise ModuleNotFoundError(f"there is no module {module} in {Path.cwd()} or {ROOT}")
    return tuple(sorted(seen))


@cache
def code_hash(*modules: str) -> str:
    """16 hex digits for the code of `modules` and everything of their own package that they import."""
    digest = hashlib.sha256()
    for name in sorted({name for module in modules for name in closure(module)}):
        file = _file(name, name.split(".")[0])
        assert file is not None
        digest.update(f"{name} {_meaning(file)[0]}\n".encode())
    _remembered.save()
    return digest.hexdigest()[:16]
