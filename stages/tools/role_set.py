"""LIMA-Role as a data set of the Hub: data, card, licences, citation, Croissant metadata, annotation prompt, reviews.

The card is ``data/annotations/README.md``; what else does not follow from the data is in ``lima_role/``.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stages.annotation.annotating import INSTRUCTION
from stages.core.errors import InputError
from stages.corpora.roots import read_rows
from stages.records.conversation import RecordedRole, annotation_key
from stages.records.files import read_jsonl, write_json

NAME = "lima-role"
TEMPLATES = Path(__file__).with_name("lima_role")
BUNDLED = Path("data/bundled/GAIR/lima/train.jsonl")
COPIED = ("lima.jsonl", "lima.reviews.jsonl", "bundled.reviews.jsonl")
RELATIVE_LINK = re.compile(r"\[([^\]]*)\]\((?!https?://|#)[^)]*\)")
"""A link to another folder of this repository, which leads nowhere on the Hub."""


def lay_out(root: Path, out: Path, owner: str | None = None) -> Path:
    """Write the repository to ``out/datasets/lima-role``; what was there is replaced.

    Reads ``data/annotations`` and ``data/bundled`` below ``root``. Without an ``owner`` of the repository on the Hub,
    the card loads the folder ``lima-role``.

    Raises:
        InputError: A file is missing, or a role prompt is not of the conversation at its place.
    """
    source, target = root / "data/annotations", out / "datasets" / NAME
    copied = [source / name for name in COPIED]
    for path in [*copied, source / "bundled.jsonl", source / "README.md", root / BUNDLED]:
        if not path.is_file():
            raise InputError(f"{path} does not exist: it is in Git, `git checkout -- {path.relative_to(root)}`")
    bundled = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in _with_conversations(root))
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for path in [*copied, TEMPLATES / "LICENSE.md", TEMPLATES / "CITATION.cff"]:
        shutil.copy(path, target)
    shutil.copy(INSTRUCTION, target / "annotation_prompt.md")
    (target / "bundled.jsonl").write_text(bundled, encoding="utf-8")
    repository = f"{owner}/{NAME}" if owner else NAME
    text = RELATIVE_LINK.sub(r"\1", (source / "README.md").read_text(encoding="utf-8"))
    text = text.replace(f'"{NAME}"', f'"{repository}"')
    metadata = (TEMPLATES / "metadata.yaml").read_text(encoding="utf-8")
    (target / "README.md").write_text(f"---\n{metadata}---\n\n{text}", encoding="utf-8")
    # Croissant's metadata have each file's size and SHA-256.
    croissant: dict[str, Any] = json.loads((TEMPLATES / "croissant.json").read_text(encoding="utf-8"))
    croissant["url"] = f"https://huggingface.co/datasets/{repository}"
    for file in croissant["distribution"]:
        content = (target / file["contentUrl"]).read_bytes()
        file |= {"contentSize": f"{len(content)} B", "sha256": hashlib.sha256(content).hexdigest()}
    write_json(target / "croissant.json", croissant)
    return target


def _with_conversations(root: Path) -> Iterator[dict[str, Any]]:
    """The bundled role prompts, each with the conversation at its index."""
    path = root / "data/annotations/bundled.jsonl"
    items, roles = list(read_rows(root / BUNDLED)), read_jsonl(path, RecordedRole)
    if len(roles) != len(items):
        raise InputError(f"{path}: {len(roles)} role prompts, expected {len(items)}, one for each line of {BUNDLED}")
    for number, (role, item) in enumerate(zip(roles, items, strict=True), start=1):
        if role.key != annotation_key(item["conversations"][0]):
            raise InputError(f"{path}, line {number}: key: expected the SHA-256 of the first turn in {BUNDLED}")
        yield role.model_dump() | {"conversations": item["conversations"]}
