"""Runs the `bash` blocks of README.md and docs/*.md: one shell a page, in a folder that looks like the repository's root.

A block whose line before it is `<!-- not run: REASON -->` is left out, and so is tools/dev/check, which runs this."""

import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / os.environ.get("HGF_PRESET", "dev")
BLOCK = re.compile(r"(?:^<!-- not run: (?P<reason>[^\n]+) -->\n)?^```bash\n(?P<commands>.*?)^```$", re.S | re.M)


def commands(page):
    blocks = [match["commands"] for match in BLOCK.finditer(page.read_text()) if not match["reason"]]
    return re.sub(r"^tools/dev/check( .*)?$", "", "".join(blocks), flags=re.M)


PAGES = [page for page in [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))] if commands(page).strip()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_of(page, tmp_path):
    for entry in ROOT.iterdir():
        (tmp_path / entry.name).symlink_to(entry)
    path = os.pathsep.join([str(BUILD / "bin"), str(ROOT / ".venv" / "bin"), os.environ["PATH"]])
    shell = subprocess.run(
        ["bash", "-euxo", "pipefail", "-c", commands(page)],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=900,
    )
    assert shell.returncode == 0, f"a command of {page.name} failed:\n{shell.stdout[-4000:]}"
