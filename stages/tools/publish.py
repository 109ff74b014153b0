"""Put the trained models and the recorded role prompts into a folder laid out like the Hub, and upload it on request.

`python -m stages.tools.publish --out published` needs no network; `--upload OWNER` then makes or updates the
repositories OWNER/<model>-<arm>-<seed> and OWNER/lima-role, private unless `--public` is given.
"""

import argparse
import logging
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from stages.core import command_line
from stages.core.errors import InputError
from stages.records.systems import System
from stages.tools.model_card import model_card

if TYPE_CHECKING:
    from stages.reporting.inputs import Inputs

ROLES, DEFAULT_CORPUS = "lima-role", "lima"
RELATIVE_LINK = re.compile(r"\[([^\]]*)\]\((?!https?://|#)[^)]*\)")
LOGIN = "log in with `hf auth login`, or set HF_TOKEN to a token that may write"

logger = logging.getLogger("publish")


class Repository(NamedTuple):
    """A folder and what it becomes on the Hub."""

    kind: Literal["model", "dataset"]
    folder: Path


def main() -> None:
    arguments, root = parse(), Path.cwd()
    from stages.reporting import inputs as reporting  # drawing and the Hub's client take seconds to import

    repositories = []
    if not arguments.only_roles:
        run = reporting.load(root)
        trained = {system.name: system for system in run.plan.systems if system.arm and not system.condition}
        if unknown := sorted(set(arguments.models or []) - set(trained)):
            raise InputError(f"--models: {', '.join(unknown)}: not among {', '.join(trained)}, which `run` asks for")
        chosen = [trained[name] for name in trained if name in (arguments.models or trained)]
        repositories = [Repository("model", lay_out_model(root, arguments.out, system, run)) for system in chosen]
    repositories.append(Repository("dataset", lay_out_roles(root, arguments.out)))
    for repository in repositories:
        logger.info("%s: %s", repository.kind, repository.folder)
    if arguments.upload:
        upload(repositories, arguments.upload, private=not arguments.public)


def parse() -> argparse.Namespace:
    parser = command_line.parser(__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the folder; what is published there is replaced")
    parser.add_argument("--models", nargs="+", metavar="NAME", help="of data/models (all that `run` asks for)")
    parser.add_argument("--only-roles", action="store_true", help="the recorded role prompts without any model")
    parser.add_argument("--upload", metavar="OWNER", help="upload to this user or organization of the Hub")
    parser.add_argument("--public", action="store_true", help="new repositories are public")
    return parser.parse_args()


def lay_out_model(root: Path, out: Path, system: System, run: "Inputs") -> Path:
    """Copy a model to ``out/models/<name>`` and complete its card: metadata that the Hub knows, template, results.

    Raises:
        InputError: The model is not here.
    """
    from huggingface_hub import ModelCard, ModelCardData

    from stages.tools import published_card

    source, target = root / "data/models" / system.name, out / "models" / system.name
    if not (source / "config.json").is_file():
        raise InputError(f"{source} holds no trained model: run `dvc repro`, which trains it, or `dvc pull`")
    card = ModelCard(model_card(root, system.name, run.plan.scale, run.plan.corpus))
    metadata = ModelCardData(**(card.data.to_dict() | published_card.metadata(run, system)))
    parts = [card.text.strip(), published_card.chat_template(source), published_card.results(run, system)]
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    ModelCard(f"---\n{metadata}\n---\n\n" + "\n\n".join(parts)).save(target / "README.md")
    return target


def lay_out_roles(root: Path, out: Path) -> Path:
    """Copy ``data/annotations`` to ``out/datasets/lima-role``, each corpus a configuration, with the Hub's metadata.

    Raises:
        InputError: There are no recorded role prompts.
    """
    from huggingface_hub import DatasetCard, DatasetCardData

    source, target = root / "data/annotations", out / "datasets" / ROLES
    reviews = sorted(source.glob("*.reviews.jsonl"))  # how each role came about: beside the data, no configuration
    files = sorted(set(source.glob("*.jsonl")) - set(reviews))
    if not files:
        raise InputError(f"{source} holds no recorded role prompts: `python -m stages.annotate --record` writes them")
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for file in [*files, *reviews]:
        shutil.copy(file, target)
    metadata = DatasetCardData(
        pretty_name="LIMA-Role",
        language="en",
        license="cc-by-nc-sa-4.0",  # LIMA's terms hold for what derives from it
        task_categories=["text-generation"],
        tags=["self-prompt-tuning", "role-play", "synthetic"],
        source_datasets=["GAIR/lima"],
        config_names=[file.stem for file in files],
        configs=[
            {
                "config_name": file.stem,
                "data_files": file.name,
                **({"default": True} if file.stem == DEFAULT_CORPUS else {}),
            }
            for file in files
        ],
    )
    # A link to another folder of this repository leads nowhere on the Hub.
    text = RELATIVE_LINK.sub(r"\1", (source / "README.md").read_text(encoding="utf-8"))
    DatasetCard(f"---\n{metadata}\n---\n\n{text}").save(target / "README.md")
    return target


def upload(repositories: list[Repository], owner: str, *, private: bool) -> None:
    """Make or update ``owner/<name>`` for each; nothing is made unless there is a login.

    Raises:
        InputError: No login, no network, or the Hub refuses; what was uploaded before that stays.
    """
    import httpx2
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalTokenNotFoundError

    api = HfApi()
    try:
        logger.info("logged in as %s", api.whoami()["name"])
        for kind, folder in repositories:
            name = f"{owner}/{folder.name}"
            api.create_repo(name, repo_type=kind, private=private, exist_ok=True)
            logger.info("%s", api.upload_folder(repo_id=name, repo_type=kind, folder_path=folder).commit_url)
    except LocalTokenNotFoundError as error:
        raise InputError(f"--upload {owner}: no login to the Hub is known here: {LOGIN}") from error
    except HFValidationError as error:
        raise InputError(f"--upload {owner}: not a name on the Hub: {error}") from error
    except HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else None
        remedy = f": {LOGIN}" if status in {401, 403} else ""
        raise InputError(f"--upload {owner}: the Hub refused ({error}){remedy}") from error
    except (httpx2.TransportError, OSError) as error:
        raise InputError(f"--upload {owner}: the Hub cannot be reached ({error}): the folders are whole") from error


if __name__ == "__main__":
    command_line.run(main)
