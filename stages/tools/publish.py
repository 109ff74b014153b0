"""Put the trained models and the recorded role prompts into a folder laid out like the Hub, and upload it on request.

`python -m stages.tools.publish --out published` needs no network; `--upload OWNER` then makes or updates the
repositories OWNER/<model>-<arm>-<seed> and OWNER/lima-role, private unless `--public` is given.
"""

import logging
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from stages.core import command_line
from stages.core.errors import InputError
from stages.records.systems import System
from stages.tools import role_set

if TYPE_CHECKING:
    from stages.reporting.inputs import Inputs

LOGIN = "log in with `hf auth login`, or set HF_TOKEN to a token that may write"

logger = logging.getLogger("publish")


def main() -> None:
    parser = command_line.parser(__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the folder; what is published there is replaced")
    parser.add_argument("--models", nargs="+", metavar="NAME", help="of data/models (all that `run` asks for)")
    parser.add_argument("--only-roles", action="store_true", help="the recorded role prompts without any model")
    parser.add_argument("--upload", metavar="OWNER", help="upload to this user or organization of the Hub")
    parser.add_argument("--public", action="store_true", help="new repositories are public")
    arguments = parser.parse_args()
    repositories = []
    if not arguments.only_roles:
        from stages.reporting import inputs  # drawing takes seconds to import

        run = inputs.load(Path.cwd())
        trained = {system.name: system for system in run.plan.systems if system.arm and not system.condition}
        chosen = arguments.models or list(trained)
        if unknown := sorted(set(chosen) - set(trained)):
            raise InputError(f"--models: {', '.join(unknown)}: not among {', '.join(trained)}, which `run` asks for")
        repositories = [("model", lay_out_model(arguments.out, trained[name], run)) for name in chosen]
    repositories.append(("dataset", role_set.lay_out(Path.cwd(), arguments.out, arguments.upload)))
    for kind, folder in repositories:
        logger.info("%s: %s", kind, folder)
    if arguments.upload:
        upload(repositories, arguments.upload, private=not arguments.public)


def lay_out_model(out: Path, system: System, run: "Inputs") -> Path:
    """Copy a model to ``out/models/<name>`` and complete its card: metadata that the Hub knows, template, results.

    Raises:
        InputError: The model is not here.
    """
    from huggingface_hub import ModelCard

    from stages.tools import model_card

    text, target = model_card.card(run, system), out / "models" / system.name
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(run.root / "data/models" / system.name, target)
    ModelCard(text).save(target / "README.md")
    return target


def upload(repositories: list[tuple[str, Path]], owner: str, *, private: bool) -> None:
    """Make or update ``owner/<name>`` for each (kind, folder); nothing is made unless there is a login.

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
    except (HfHubHTTPError, HFValidationError) as error:
        raise InputError(f"--upload {owner}: the Hub refused ({error}): check the name, and {LOGIN}") from error
    except (httpx2.TransportError, OSError) as error:
        raise InputError(f"--upload {owner}: the Hub cannot be reached ({error}): the folders are whole") from error


if __name__ == "__main__":
    command_line.run(main)
