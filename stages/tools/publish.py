"""Put the trained models and the recorded role prompts into a folder laid out like the Hub, and upload it on request.

`python -m stages.tools.publish --out published` needs no network; `--upload OWNER` then makes or updates the
repositories OWNER/<model>-<arm>-<seed> and OWNER/lima-role, private unless `--public` is given.
"""

import argparse
import logging
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from stages.core import command_line
from stages.core.errors import InputError
from stages.records.systems import System
from stages.tools import role_set

if TYPE_CHECKING:
    from stages.reporting.inputs import Inputs

LOGIN = "log in with `hf auth login`, or set HF_TOKEN to a token that may write"

logger = logging.getLogger("publish")


class Repository(NamedTuple):
    """A folder and what it becomes on the Hub."""

    kind: Literal["model", "dataset"]
    folder: Path


def main() -> None:
    arguments, root = parse(), Path.cwd()
    repositories = []
    if not arguments.only_roles:
        from stages.reporting import inputs as reporting  # drawing takes seconds to import

        run = reporting.load(root)
        trained = {system.name: system for system in run.plan.systems if system.arm and not system.condition}
        if unknown := sorted(set(arguments.models or []) - set(trained)):
            raise InputError(f"--models: {', '.join(unknown)}: not among {', '.join(trained)}, which `run` asks for")
        chosen = [trained[name] for name in trained if name in (arguments.models or trained)]
        repositories = [Repository("model", lay_out_model(root, arguments.out, system, run)) for system in chosen]
    repositories.append(Repository("dataset", role_set.lay_out(root, arguments.out, arguments.upload)))
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
    from huggingface_hub import ModelCard

    from stages.tools import model_card

    source, target = root / "data/models" / system.name, out / "models" / system.name
    text = model_card.card(root, run, system)
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    ModelCard(text).save(target / "README.md")
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
