"""tools/dev/bench-peers without opponents: its arguments, and the table that it writes."""

import copy
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "dev" / "peers"))
import bench_peers  # noqa: E402
import table  # noqa: E402

PIECE = {
    "shape": [6912, 2560], "tokens": 1, "copies": 2, "residency": "dram", "date": "2020-01-02", "others": 0.01,
    "machine": {"model": "CPU", "family": "1", "cores": "2", "levels": ["avx2"], "caches": {"L2 cache": "1 MiB"}, "memory_gb": 4,
                "huge_pages": "madvise", "virtual": "", "system": "6"},
    "versions": {"hgf": "abc"}, "skipped": {"ggml TQ2_0": "cannot take K = 3200: not a multiple of 256"},
    "candidates": [
        {"name": "read", "weights": 4e9, "bytes_per_weight": 0.25, "error": 0, "seconds": {"1": [0.1, 0.1, 0.1]}},
        {"name": "hgf native", "weights": 4e9, "bytes_per_weight": 0.25, "error": 0, "seconds": {"1": [0.125, 0.1, 0.2]}},
        {"name": "ONNX Runtime 32", "weights": 2e9, "bytes_per_weight": 0.375, "error": 0, "seconds": {"1": [0.125, 0.125, 0.125]}},
        {"name": "ONNX Runtime 128", "weights": 2e9, "bytes_per_weight": 0.28, "error": 0, "seconds": {"1": [0.25]}},
        {"name": "ik_llama IQ2_BN", "weights": 4e9, "bytes_per_weight": 0.25, "error": 0, "seconds": {"1": [0.2, 0.2, 0.2]}},
    ],
}


def run(*arguments):
    return subprocess.run([ROOT / "tools" / "dev" / "bench-peers", *arguments], capture_output=True, text=True, timeout=300)


def test_help_lists_every_option():
    shown = run("--help")
    assert shown.returncode == 0
    for option in ("--shape", "--preset", "--tokens", "--threads", "--cpu", "--peers", "--rounds", "--megabytes", "--quiet-with", "--missing", "--table-only"):
        assert option in shown.stdout


@pytest.mark.parametrize("argument, message", [
    ("--shape=6912", "expected shapes such as 6912x2560,640x2560 but got '6912'"),
    ("--shape=0x4", "expected shapes such as"),
    ("--shape=4x6", "expected a multiple of 4 inputs"),
    ("--tokens=1,", "expected positive numbers joined by commas but got '1,'"),
    ("--rounds=1,2", "expected one positive number but got '1,2'"),
    ("--preset=gpt", "expected some of bitnet-2b, "),
    ("--peers=none", "expected some of ggml, "),
    ("--nothing", "unrecognized arguments: --nothing"),
])
def test_wrong_usage_ends_with_status_2_before_anything_is_installed(argument, message):
    shown = run(argument)
    assert shown.returncode == 2
    assert message in shown.stderr


def test_default_shapes_are_those_of_the_presets_once_each():
    chosen = bench_peers.parse([]).shape
    assert (6912, 2560) in chosen and (9216, 3072) in chosen
    assert len(set(chosen)) == len(chosen)
    assert bench_peers.parse(["--preset=bitnet-3b"]).shape == [(3200, 3200), (8640, 3200), (3200, 8640)]


def row_of(text, start):
    return next([cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith(f"| {start} |"))


def test_one_token_is_given_as_rates_and_ratios():
    row = row_of(table.render([PIECE]), "6912×2560")
    assert row[:8] == ["6912×2560", "1", "1", "10.0", "native", "32.0", "0.80", "80%"]
    # TQ2_0 and IQ2_BN_R4 did not run; of the block sizes the best is taken.
    assert row[8:12] == ["–", "20.0", "–", "16.0 (32)"]
    assert row[12:] == ["**2.00**", "1.60"]


def test_many_tokens_count_multiply_adds():
    piece = copy.deepcopy(PIECE)
    piece["tokens"] = 256
    row = row_of(table.render([piece]), "6912×2560")
    assert row[1:5] == ["256", "1", "native", "8192"]
    assert row[-2:] == ["**1.60**", "2.00"]


def test_the_page_says_where_when_and_what_could_not_run():
    text = table.render([PIECE])
    assert "Date: 2020-01-02. Versions: hgf abc." in text
    assert "- ggml TQ2_0 cannot take K = 3200: not a multiple of 256" in text
    assert "1 thread: 2.00 (6912×2560)." in text


def test_pieces_measured_beside_other_programs_are_marked():
    text = table.render([{**PIECE, "others": 0.3}])
    assert row_of(text, "6912×2560 †")
    assert "† Other programs used a quarter of a CPU" in text
    assert "†" not in table.render([PIECE])


def test_only_what_lies_between_the_markers_is_replaced(tmp_path):
    page = tmp_path / "Page.md"
    page.write_text(f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n")
    for _ in range(2):
        table.replace(page, "new")
    assert page.read_text() == f"before\n{table.BEGIN}\n\nnew\n\n{table.END}\nafter\n"
    page.write_text("nothing")
    with pytest.raises(SystemExit, match="expected Page.md to have the lines"):
        table.replace(page, "new")


def test_the_page_of_the_repository_has_the_markers():
    text = bench_peers.PAGE.read_text()
    assert text.count(table.BEGIN) == text.count(table.END) == 1
