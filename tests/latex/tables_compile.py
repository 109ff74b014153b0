"""The report's LaTeX tables in a document of their own. Not part of the quick tests; it needs a TeX distribution.

Named so that pytest collects it only when asked for it by name.
"""

import re
import subprocess
from pathlib import Path

import pytest

from tests.reporting import example_run
from tests.reporting.conftest import run_stages

DOCUMENT = r"""\documentclass{article}
\usepackage[a4paper,margin=2.5cm]{geometry}
\usepackage{booktabs}
\begin{document}
%s
\end{document}
"""
LONG_NAMES = ("smollm2-135m", "mistral-7b")


@pytest.fixture(scope="module", params=[("small",), LONG_NAMES], ids=["one model", "two models"])
def tables(request, tmp_path_factory) -> list[Path]:
    folder = tmp_path_factory.mktemp("run")
    run_stages(example_run.write(folder, example_run.plan(request.param), sizes=example_run.SMALL))
    return sorted((folder / "plots/tables").glob("*.tex"))


def compiled(tables: list[Path], folder: Path) -> str:
    body = "\n".join(rf"\input{{{table}}}\clearpage" for table in tables)
    (folder / "tables.tex").write_text(DOCUMENT % body)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "tables.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    return (folder / "tables.log").read_text(errors="replace")


def test_every_table_compiles_and_fits_the_page(tables, tmp_path):
    assert len(tables) > 10
    log = compiled(tables, tmp_path)
    assert re.findall(r"Overfull \\hbox.*|Missing character.*|LaTeX Warning: (?!Label|There were).*", log) == []
    assert (tmp_path / "tables.pdf").stat().st_size > 20_000
    assert f"({len(tables)} pages" in log.replace("tables.pdf ", "")


def test_a_table_too_wide_would_be_noticed(tables, tmp_path):
    wide = tmp_path / "wide.tex"
    wide.write_text(tables[0].read_text().replace(r"\footnotesize", r"\Huge"))
    assert "Overfull" in compiled([wide], tmp_path)
