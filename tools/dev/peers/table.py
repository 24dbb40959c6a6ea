"""Writes kept results as Markdown into a page, between two markers."""

import statistics

BEGIN = "<!-- bench-peers: written by tools/dev/bench-peers, do not edit -->"
END = "<!-- bench-peers: end -->"


class Rates:
    """Medians of one piece, by candidate."""

    def __init__(self, piece, threads):
        self.piece, self.threads = piece, threads
        self.candidates = {c["name"]: c for c in piece["candidates"] if c["seconds"].get(str(threads))}

    def rate(self, name):
        """10^9 multiply-adds a second: Gweights/s times tokens; None if it did not run."""
        candidate = self.candidates.get(name)
        if not candidate:
            return None
        return candidate["weights"] * self.piece["tokens"] / statistics.median(candidate["seconds"][str(self.threads)]) / 1e9

    def bytes_rate(self, name):
        """GB of weights a second."""
        return self.rate(name) / self.piece["tokens"] * self.candidates[name]["bytes_per_weight"]

    def best(self, prefix):
        """(rate, name) of the fastest whose name begins with `prefix`; None if none ran."""
        return max(((self.rate(name), name) for name in self.candidates if name.startswith(prefix)), default=None)

    def ours(self):
        return [name for name in self.candidates if name.startswith("hgf ")]

    def spread(self, name):
        """Half of the rounds lie in a range this wide, as a fraction of the median."""
        times = self.candidates[name]["seconds"][str(self.threads)]
        if len(times) < 2:
            return 0.0
        low, middle, high = statistics.quantiles(times, n=4)
        return (high - low) / middle


def number(value):
    """Three digits that mean something; a dash for what did not run."""
    if value is None:
        return "–"
    return f"{value:.0f}" if value >= 99.5 else f"{value:.1f}" if value >= 9.95 else f"{value:.2f}"


def shape_name(piece):
    return "×".join(map(str, piece["shape"])) + (" †" if piece["others"] >= 0.25 else "")


def lines_of(header, rows):
    return ["| " + " | ".join(header) + " |", "|" + "---|" * len(header), *("| " + " | ".join(row) + " |" for row in rows)]


def opponents(rates):
    """Cells: TQ2_0, IQ2_BN, IQ2_BN_R4, ONNX Runtime's best with its block size."""
    runtime = rates.best("ONNX Runtime")
    cells = [number(rates.rate(name)) for name in ("ggml TQ2_0", "ik_llama IQ2_BN", "ik_llama IQ2_BN_R4")]
    cells.append(f"{number(runtime[0])} ({runtime[1].split()[-1]})" if runtime else "–")
    return cells


def ratio(rates, name, prefixes):
    """Our rate over that of the fastest whose name begins with one of `prefixes`."""
    found = [best[0] for best in map(rates.best, prefixes) if best]
    return rates.rate(name) / max(found) if found else None


def each(pieces, batch):
    for piece in pieces:
        if (piece["tokens"] > 8) != batch:
            continue
        threads = sorted({int(count) for candidate in piece["candidates"] for count in candidate["seconds"]})
        for count in threads:
            rates = Rates(piece, count)
            for name in rates.ours():
                yield piece, count, rates, name


OPPONENT_NAMES = ["ggml TQ2_0", "ik_llama IQ2_BN", "IQ2_BN_R4", "ONNX Runtime (block)"]


def few_tokens(pieces):
    rows, smallest = [], {}
    for piece, threads, rates, name in each(pieces, batch=False):
        read = rates.bytes_rate("read") if rates.rate("read") else None
        share = rates.bytes_rate(name) / read if read else None
        over = ratio(rates, name, ["ggml TQ2_0", "ONNX Runtime"])
        if piece["residency"] == "dram" and over and piece["tokens"] == 1:
            smallest.setdefault((name, threads), []).append((over, shape_name(piece)))
        rows.append([shape_name(piece) + ("" if piece["residency"] == "dram" else " (cache)"), str(piece["tokens"]), str(threads), number(read),
                     name[4:], number(rates.rate(name)), number(share), f"{rates.spread(name):.0%}", *opponents(rates),
                     f"**{number(over)}**", number(ratio(rates, name, ["ik_llama"]))])
    header = ["N×K", "tokens", "threads", "plain read GB/s", "ours: `--cpu`", "G/s", "bytes ÷ read", "spread", *OPPONENT_NAMES,
              "ours ÷ best of TQ2_0, ONNX Runtime", "÷ best of ik_llama"]
    text = ["### One token", "", "10⁹ weights a second. \"Bytes ÷ read\" is our weights' bytes a second over a plain read's in the same rounds.", "",
            *lines_of(header, rows), ""]
    for (name, threads), found in sorted(smallest.items()):
        least, where = min(found)
        text += [f"Smallest ratio to the best of TQ2_0 and ONNX Runtime from memory, `--cpu={name[4:]}`, {threads} thread{'s' * (threads > 1)}: "
                 f"{number(least)} ({where}).", ""]
    return text if rows else []


def many_tokens(pieces):
    rows = []
    for piece, threads, rates, name in each(pieces, batch=True):
        rows.append([shape_name(piece), str(piece["tokens"]), str(threads), name[4:], number(rates.rate(name)), f"{rates.spread(name):.0%}",
                     *opponents(rates), f"**{number(ratio(rates, name, ['ik_llama IQ2_BN']))}**", number(ratio(rates, name, ["ggml", "ONNX"]))])
    header = ["N×K", "tokens", "threads", "ours: `--cpu`", "G/s", "spread", *OPPONENT_NAMES, "ours ÷ best of ik_llama", "÷ best of the others"]
    text = ["### Many tokens", "", "10⁹ multiply-adds a second, everybody's quantization of activations included.", "", *lines_of(header, rows), ""]
    return text if rows else []


def blocks(pieces):
    """ONNX Runtime at every block size."""
    sizes = [16, 32, 64, 128, 256]
    rows = []
    for piece in pieces:
        counts = sorted({int(count) for candidate in piece["candidates"] for count in candidate["seconds"]})
        for threads in counts:
            rates = Rates(piece, threads)
            cells = [number(rates.rate(f"ONNX Runtime {size}")) for size in sizes]
            if set(cells) != {"–"}:
                rows.append([shape_name(piece), str(piece["tokens"]), str(threads), *cells])
    text = ["### ONNX Runtime by block size", "", "`MatMulNBits`, 2 bits, accuracy level 4, 10⁹ multiply-adds a second.", "",
            *lines_of(["N×K", "tokens", "threads", *map(str, sizes)], rows), ""]
    return text if rows else []


def setting(pieces):
    """Where and when, and what could not run."""
    latest = max(pieces, key=lambda piece: piece["date"])
    machine, versions = latest["machine"], latest["versions"]
    caches = ", ".join(f"{name.removesuffix(' cache')} {size}" for name, size in machine["caches"].items())
    virtual = f", under {machine['virtual']}" if machine["virtual"] else ""
    lines = [f"Machine: {machine['model']} (family {machine['family']}), {machine['cores']} cores{virtual}; {', '.join(machine['levels'])}; {caches}; "
             f"{machine['memory_gb']} GB; huge pages `{machine['huge_pages']}`; Linux {machine['system']}.",
             f"Date: {latest['date']}. Versions: " + ", ".join(f"{name} {version}" for name, version in versions.items()) + ".", ""]
    if any(piece["others"] >= 0.25 for piece in pieces):
        lines += ["† Other programs used a quarter of a CPU or more meanwhile: these figures do not hold.", ""]
    skipped = sorted({(name, why) for piece in pieces for name, why in piece["skipped"].items()})
    if skipped:
        lines += ["Could not run:", "", *(f"- {name} {why}" for name, why in skipped), ""]
    return lines


def render(pieces):
    pieces = sorted(pieces, key=lambda piece: (piece["tokens"], piece["shape"]))
    return "\n".join([*setting(pieces), *few_tokens(pieces), *many_tokens(pieces), *blocks(pieces)]).strip()


def replace(page, text):
    """Puts `text` between the markers of the file `page`."""
    old = page.read_text()
    if old.count(BEGIN) != 1 or old.count(END) != 1 or old.index(BEGIN) > old.index(END):
        raise SystemExit(f"bench-peers: expected {page.name} to have the lines '{BEGIN}' and '{END}' once each")
    head, rest = old.split(BEGIN)
    page.write_text(f"{head}{BEGIN}\n\n{text}\n\n{END}{rest.split(END)[1]}")
