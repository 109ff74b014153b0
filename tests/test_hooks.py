"""The hooks that `make hooks` installs, in a shell that knows nothing of the environment."""

import os
import shutil
import sys
from pathlib import Path

from tests.temporary_clone import attempt, copy_repository, git, run


def test_a_faulty_commit_is_refused_and_a_mended_one_is_taken(tmp_path):
    clone = copy_repository(tmp_path / "repository")
    (clone / ".venv").symlink_to(sys.prefix)
    run(clone, sys.executable, "-m", "pre_commit", "install")
    assert "F401" in committed(clone, "import os\n", code=1)
    committed(clone, '"""Nothing."""\n', code=0)


def committed(clone: Path, text: str, code: int) -> str:
    (clone / "tests/added.py").write_text(text)
    git(clone, "add", "tests/added.py")
    plain = os.pathsep.join([str(Path(shutil.which("git")).parent), os.defpath])
    done = attempt(clone, "git", "commit", "-m", "a file more", PATH=plain)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr
