"""Roles written by hand, for the conditions ``oracle`` and ``manual``."""

from pathlib import Path

from pydantic import TypeAdapter

from stages import files

PATH = Path("data/bundled/manual_roles.json")


def manual_roles() -> dict[str, str]:
    """Role prompts by ``<benchmark>/<group>`` or ``<benchmark>``."""
    return TypeAdapter(dict[str, str]).validate_python(files.read_json(PATH))
