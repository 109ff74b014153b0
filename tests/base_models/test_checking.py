"""Chat templates that harm: tried in a process of their own, and ended there."""

import shutil

import pytest
import yaml
from transformers import AutoTokenizer

from stages.base_models import checking
from stages.base_models.checking import try_template
from stages.core.errors import InputError
from tests.corpora.test_roots import offline, work  # noqa: F401  a fixture
from tests.import_graph import ROOT

ENDLESS = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
HOSTILE = {
    "endless": (ENDLESS, r"does not end within 2 seconds of work, or needs more than \d+ MB"),
    "huge": ("{{ 'x' * 9999999999 }}", r"MemoryError|needs more than"),
    "long": ("{% for a in range(30000) %}x{% endfor %}" * 2, r"writes more than 20000 characters|changes|leaves out"),
    "curious": ("{{ messages.__class__.__mro__[1].__subclasses__() }}", r"SecurityError"),
    "broken": ("{% for", r"TemplateSyntaxError"),
    "odd": ("{{ 1 / 0 }}", r"ZeroDivisionError"),
}


def folder(tiny, tmp_path, template):
    loaded = AutoTokenizer.from_pretrained(tiny)
    loaded.chat_template = template
    loaded.save_pretrained(tmp_path / "mine")
    return tmp_path / "mine"


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_template_that_harms_ends_in_a_message(tiny, tmp_path, monkeypatch, kind):
    monkeypatch.setattr(checking, "SECONDS", 2)
    template, told = HOSTILE[kind]
    with pytest.raises(InputError, match=rf"models\.mine: its chat template .*({told}).*set `chat_template`"):
        try_template(folder(tiny, tmp_path, template), "models.mine")


def test_a_template_that_can_be_used_passes(tiny, tmp_path):
    try_template(folder(tiny, tmp_path, AutoTokenizer.from_pretrained(tiny).chat_template), "models.mine")


def test_the_stage_refuses_such_a_template_and_leaves_nothing(tiny, work):  # noqa: F811
    shutil.copytree(tiny, work / "work/mine")
    (work / "work/mine/chat_template.jinja").write_text("{{ raise_exception('no chats, please') }}")
    path = work / "work/params.yaml"
    content = yaml.safe_load((ROOT / "params.yaml").read_text())
    words = {"origin": "One of ours.", "license": "MIT", "chat_template": None, "dtype": "float32"}
    content["models"]["mine"] = {"source": "folder", "path": "mine", **words}
    path.write_text(yaml.safe_dump(content))
    done = offline(work, "-m", "stages.base_model", "--model", "mine")
    assert done.returncode == 2, done.stderr
    assert "models.mine: its chat template fails on a conversation of" in done.stderr
    assert "no chats, please" in done.stderr
    assert "Traceback" not in done.stderr
    assert list((work / "work/data/base").iterdir()) == []
