"""The page's content policy: what a reader's browser may run and show of it."""

import base64
import hashlib
import re

import pytest


@pytest.fixture(scope="module")
def text(finished) -> str:
    return (finished / "plots/report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def policy(text) -> str:
    (found,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', text)
    return found


def hashes(contents):
    return [f"'sha256-{base64.b64encode(hashlib.sha256(each.encode()).digest()).decode()}'" for each in contents]


@pytest.mark.parametrize(
    ("kind", "element"), [("script-src", r"<script>(.*?)</script>"), ("style-src", r"<style>(.*?)</style>")]
)
def test_the_policy_allows_what_the_page_holds_by_its_hash_and_nothing_else(text, policy, kind, element):
    allowed = next(part.split()[1:] for part in policy.split(";") if part.split()[0] == kind)
    assert allowed == hashes(re.findall(element, text, re.DOTALL))
    assert len(allowed) == 1


def test_the_policy_refuses_all_other_sources(policy):
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "unsafe" not in policy


def test_no_element_asks_for_what_the_policy_blocks(text):
    """Inline styles and handlers have no hash in the policy: a browser would leave them out."""
    page = re.sub(r"<(script|style)\b.*?</\1>", "", text, flags=re.DOTALL)
    assert not re.findall(r"<[^>]*\s(?:style|on\w+)=", page)
