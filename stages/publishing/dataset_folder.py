"""The recorded role prompts as a data set of the Hub, each corpus a configuration of its own."""

import re
import shutil
from pathlib import Path

from huggingface_hub import DatasetCard, DatasetCardData

from stages.core.errors import InputError

NAME = "lima-role"
DEFAULT = "lima"
RELATIVE_LINK = re.compile(r"\[([^\]]*)\]\((?!https?://|#)[^)]*\)")


def lay_out_roles(root: Path, out: Path) -> Path:
    """Copy ``data/annotations`` to ``out/datasets/lima-role`` and give its card the Hub's metadata.

    Raises:
        InputError: There are no recorded role prompts.
    """
    source, target = root / "data/annotations", out / "datasets" / NAME
    files = sorted(path for path in source.glob("*.jsonl") if not path.stem.endswith(".reviews"))
    if not files:
        raise InputError(f"{source} holds no recorded role prompts: `python -m stages.annotate --record` writes them")
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for file in files:
        shutil.copy(file, target)
    text = (source / "README.md").read_text(encoding="utf-8")
    # A link to another folder of this repository leads nowhere on the Hub.
    body = RELATIVE_LINK.sub(r"\1", text)
    DatasetCard(f"---\n{metadata([file.stem for file in files])}\n---\n\n{body}").save(target / "README.md")
    return target


def metadata(corpora: list[str]) -> DatasetCardData:
    """YAML that says how the files are loaded; LIMA's terms hold for what derives from it."""
    return DatasetCardData(
        pretty_name="LIMA-Role",
        language="en",
        license="cc-by-nc-sa-4.0",
        task_categories=["text-generation"],
        tags=["self-prompt-tuning", "role-play", "synthetic"],
        source_datasets=["GAIR/lima"],
        config_names=corpora,
        configs=[
            {"config_name": corpus, "data_files": f"{corpus}.jsonl", **({"default": True} if corpus == DEFAULT else {})}
            for corpus in corpora
        ],
    )
