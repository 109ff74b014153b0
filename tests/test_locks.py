"""requirements*.lock: every package of an installation, by version and by the hashes of its files."""

import re

import pytest

from tests.import_graph import ROOT

LOCKS = ["requirements-build.lock", "requirements.lock", "requirements-cuda.lock", "requirements-dev.lock"]


def locked(name: str) -> dict[str, str]:
    """The entry of each package, by its normalised name."""
    entries = re.split(r"\n(?=\S)", (ROOT / name).read_text(encoding="utf-8").strip())
    return {normal(entry.partition("==")[0]): entry for entry in entries}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.partition("[")[0].strip()).lower()


def asked(name: str) -> dict[str, str]:
    lines = [line.partition("#")[0].strip() for line in (ROOT / name).read_text(encoding="utf-8").splitlines()]
    pairs = [line.split("==") for line in lines if "==" in line]
    return {normal(package): version for package, version in pairs}


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_is_locked_by_version_and_hash(name):
    for entry in locked(name).values():
        first, *hashes = entry.splitlines()
        assert re.match(r"[a-z0-9][a-z0-9._-]*==[\w.!+-]+( ; [^\\]+)? \\$", first), first
        assert hashes, first
        assert all(re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", line) for line in hashes), first


@pytest.mark.parametrize(
    ("text", "lock"),
    [
        ("requirements-build.txt", LOCKS[:1]),
        ("requirements.txt", ["requirements.lock"]),
        ("requirements-dev.txt", ["requirements.lock", "requirements-dev.lock"]),
    ],
)
def test_the_locks_hold_what_the_requirements_ask_for(text, lock):
    entries = {package: entry for name in lock for package, entry in locked(name).items()}
    for package, version in asked(text).items():
        assert re.match(rf"[\w.-]+=={re.escape(version)} ", entries[package]), f"{package}: run `make lock`"


def test_no_package_stands_in_two_locks():
    run, cuda, dev = (locked(name).keys() for name in LOCKS[1:])
    assert not (run & cuda) | (run & dev) | (cuda & dev)


def test_the_build_tools_are_the_same_in_both_locks():
    assert locked("requirements-build.lock")["setuptools"] == locked("requirements.lock")["setuptools"]


def test_torch_may_be_the_build_for_machines_without_a_gpu_or_the_index_s():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (cpu,) = re.findall(r"^TORCH_CPU := ([0-9a-f]{64})$", makefile, re.MULTILINE)
    entry = locked("requirements.lock")["torch"]
    assert f"sha256:{cpu} " in entry
    assert entry.count("--hash") > 1


def test_make_installs_from_the_locks_alone():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "LOCKED := install --quiet --require-hashes --no-deps --no-build-isolation\n" in makefile
    rules = re.findall(r"^\$\(VENV\)/installed\S*:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    assert len(rules) == 2
    installing = [
        line for rule in rules for line in rule.splitlines() if "pip" in line and "pip check\n" not in line + "\n"
    ]
    assert len(installing) == 4
    assert all("$(LOCKED) -r requirements" in line for line in installing)
