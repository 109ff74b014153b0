"""A report in Chromium. Playwright is imported where it is used, since the quick tests do without it."""

import shutil
from pathlib import Path

import pytest

from tests.reporting import example_run
from tests.reporting.conftest import run_stages

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--no-first-run"]  # fmt: skip
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1440, "height": 900}
VIEWS = [(PHONE, "dark"), (DESKTOP, "light")]
ALL_VIEWS = [*VIEWS, (PHONE, "light"), (DESKTOP, "dark")]
# More than a screenful of many hundred items.
SIZES = example_run.SIZES | {"mmlu": 570, "gsm8k": 300}


@pytest.fixture(scope="session")
def report(tmp_path_factory) -> Path:
    folder = example_run.write(tmp_path_factory.mktemp("run"), example_run.plan(), sizes=SIZES)
    run_stages(folder)
    return folder / "plots/report.html"


@pytest.fixture(scope="session")
def plain_report(tmp_path_factory) -> Path:
    """A run of the two arms alone, as the default is."""
    plan = example_run.plan(extras=False)
    folder = example_run.write(tmp_path_factory.mktemp("plain"), plan, sizes=example_run.SMALL)
    run_stages(folder)
    return folder / "plots/report.html"


@pytest.fixture(scope="session")
def chromium():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(params=VIEWS, ids=[f"{size['width']}-{scheme}" for size, scheme in VIEWS])
def page(request, chromium, report):
    size, scheme = request.param
    context = chromium.new_context(viewport=size, color_scheme=scheme)
    opened = context.new_page()
    complaints: list[str] = []
    asked: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text) if message.type != "log" else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("request", lambda sent: asked.append(sent.url))
    opened.goto(report.as_uri())
    yield opened
    assert complaints == []
    assert [url for url in asked if not url.startswith(("data:", report.as_uri()))] == []
    context.close()
