"""Which of the project's files a stage imports, followed through every import, those inside functions too."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent


def imported_files(entry: Path) -> set[Path]:
    """All files below ``stages`` that ``entry`` imports, itself included; empty ``__init__.py`` files left out."""
    found: set[Path] = set()
    waiting = [entry]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _imports(path)
    return {path for path in found if path.read_text(encoding="utf-8").strip()}


@cache
def _imports(path: Path) -> list[Path]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return [file for name in sorted(names) for file in _files(name)]


def _files(module: str) -> list[Path]:
    """The module's own file, and the packages on the way to it, which are executed too."""
    if module.split(".", maxsplit=1)[0] != "stages":
        return []
    parts = module.split(".")
    files = [ROOT.joinpath(*parts[:length], "__init__.py") for length in range(1, len(parts) + 1)]
    files.append(ROOT.joinpath(*parts).with_suffix(".py"))
    return [file for file in files if file.is_file()]
