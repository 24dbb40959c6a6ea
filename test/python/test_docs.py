"""Runs the Python blocks of docs/Python.md, top to bottom in one namespace."""

import pathlib
import re
import shutil

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_python_page(tmp_path, monkeypatch):
    shutil.copy(ROOT / "examples" / "shakespeare" / "model.onnx", tmp_path / "shakespeare.onnx")
    monkeypatch.chdir(tmp_path)
    page = ROOT / "docs" / "Python.md"
    text = page.read_text()
    names = {}
    for match in re.finditer(r"```python\n(.*?)```", text, re.S):
        # So that a traceback has the page's lines.
        line = text.count("\n", 0, match.start(1))
        exec(compile("\n" * line + match.group(1), str(page), "exec"), names)
