"""One piece of work: all candidates on one shape and one number of tokens."""

import ctypes
import datetime
import importlib.metadata
import os
import pathlib
import platform
import shutil
import subprocess
import time

import numpy as np

import compiled
import ggml
import onnx_runtime

ROOT = pathlib.Path(__file__).resolve().parents[3]
HOME = ROOT / "build" / "peers"
WORK = HOME / "work"
# Types of ggml, by the number that their public headers give them.
MAINLINE_TYPES = {"TQ2_0": 35}
IK_TYPES = {"IQ2_BN": 135, "IQ2_BN_R4": 335}
BLOCKS = [16, 32, 64, 128, 256]
# A result may differ from the product with float activations by what rounding them to int8 does.
TOLERANCE = 0.03
# Weights with fewer products than this are enough where the products, not the bytes, take the time.
BATCH_PRODUCTS = 8e9
SLOW_SECONDS = 2
# Of one CPU, by others: more and the figures do not hold.
DISTURBED = 0.25
ATTEMPTS = 3
# Compiling takes time: more layers than this are the same library, copied and loaded again, but not too often, as each has threads to wake.
LAYERS = 32
LIBRARIES = 10


class Candidate:
    """Something that multiplies. `handles` maps threads to what has run(); weights counts what one run multiplies."""

    def __init__(self, name, handles, weights, bytes_per_weight, error=0.0):
        self.name, self.handles, self.weights, self.bytes_per_weight, self.error = name, handles, weights, bytes_per_weight, error
        self.seconds = {threads: [] for threads in handles}
        self.slow = False

    def describe(self):
        return dict(name=self.name, weights=self.weights, bytes_per_weight=self.bytes_per_weight, error=self.error,
                    seconds={str(threads): times for threads, times in self.seconds.items()})


class Reader:
    """The plain read limit over as many bytes as ours."""

    def __init__(self, size, threads):
        self.library = ctypes.CDLL(str(HOME / "libread.so"))
        self.library.read_all.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
        self.size, self.threads = size, threads

    buffer = None

    @classmethod
    def allocate(cls, size):
        memory = np.ones(size + 64, np.uint8)
        cls.buffer = memory[-memory.ctypes.data % 64:][:size]

    def run(self):
        self.library.read_all(Reader.buffer.ctypes.data, self.size, self.threads)

    def close(self):
        Reader.buffer = None


class OnThreads:
    """One graph of ggml, told the number of threads before each run."""

    def __init__(self, graph, threads):
        self.graph, self.threads = graph, threads

    def run(self):
        self.graph.threads(self.threads)
        self.graph.run()

    def close(self):
        pass


def busy_seconds():
    """How long the machine's CPUs have worked for programs and for other machines, all together."""
    fields = open("/proc/stat").readline().split()[1:]
    user, nice, system, steal = (int(fields[i]) for i in (0, 1, 2, 7))
    return (user + nice + system + steal) / os.sysconf("SC_CLK_TCK")


def error(output, expected):
    return float(np.abs(output - expected).max() / np.abs(expected).max())


class Piece:
    def __init__(self, shape, tokens, options, say):
        self.shape, self.tokens, self.options, self.say = shape, tokens, options, say
        rows, columns = shape
        self.folder = WORK / f"{rows}x{columns}-{tokens}"
        rng = np.random.default_rng(rows * 65537 + columns)
        self.ternary = rng.integers(-1, 2, (rows, columns)).astype(np.int8)
        self.x = rng.standard_normal((tokens, columns)).astype(np.float32)
        self.scale = 0.5
        self.expected = self.x @ (self.ternary.T.astype(np.float32) * np.float32(self.scale))
        matrix = rows * columns / 4
        if tokens <= 8:
            self.copies = max(1, -(-int(options.megabytes * 1e6) // int(matrix)))
        else:
            self.copies = max(2, round(BATCH_PRODUCTS / (rows * columns * tokens)))
        self.candidates, self.skipped = [], {}
        self.graphs = []

    def weights(self, copies=None):
        return self.shape[0] * self.shape[1] * (copies or self.copies)

    def add(self, name, handles, outputs, bytes_per_weight, copies=None):
        """Runs it once, compares one product, remembers it."""
        candidate = Candidate(name, handles, self.weights(copies), bytes_per_weight)
        for handle in handles.values():
            handle.run()
            # The first matrix is the one that `expected` is made of.
            candidate.error = max(candidate.error, error(outputs(handle), self.expected))
        if candidate.error < TOLERANCE:
            self.candidates.append(candidate)
        else:
            wrong = f"computes something else at K = {self.shape[1]}: it differs from the product by {candidate.error:.3f} of its largest value"
            if name.startswith("hgf"):
                raise RuntimeError(f"{name} {wrong}")
            self.skipped[name] = wrong
        return candidate

    def add_ours(self):
        layers = min(self.copies, max(LAYERS, -(-self.copies // LIBRARIES)))
        libraries_count = -(-self.copies // layers)
        model = compiled.write_model(self.folder / "ours", self.ternary, self.scale, layers)
        for cpu in self.options.cpu:
            self.say(f"  compiling {layers} layers for {cpu}, to be loaded {libraries_count} times")
            libraries = compiled.compile_model(model, cpu, libraries_count)
            handles = {threads: compiled.MatMuls(libraries, threads, self.x) for threads in self.options.threads}
            size = libraries[0].stat().st_size / (layers * self.weights(1))
            candidate = self.add(f"hgf {cpu}", handles, lambda handle: handle.outputs[0][0], size, layers * libraries_count)
            self.say(f"  {candidate.name}: level {handles[self.options.threads[0]].level()}, {8 * candidate.bytes_per_weight:.3f} bits a weight")

    def add_ggml(self, prefix, paths, types):
        library = ggml.Library(paths)
        rows, columns = self.shape
        for name, kind in types.items():
            block = library.blck_size(kind)
            if columns % block:
                self.skipped[f"{prefix} {name}"] = f"cannot take K = {columns}: not a multiple of {block}"
                continue
            self.say(f"  {prefix} {name}")
            packed = library.quantize(kind, self.ternary.astype(np.float32) * self.scale)
            graph = ggml.MatMuls(library, kind, rows, columns, self.tokens, self.copies, 1)
            self.graphs.append(graph)
            for i in range(self.copies):
                # Interleaved types tie groups of rows together: their bytes are repeated, not rotated.
                graph.weights[i][:] = packed
                graph.inputs[i][:] = self.x
            handles = {threads: OnThreads(graph, threads) for threads in self.options.threads}
            self.add(f"{prefix} {name}", handles, lambda handle: handle.graph.outputs[0], packed.nbytes / (rows * columns))

    def add_onnx_runtime(self):
        for block in BLOCKS:
            self.say(f"  ONNX Runtime, blocks of {block}")
            folder = self.folder / f"onnxruntime-{block}"
            packed = onnx_runtime.pack(self.ternary, block)
            # Without an int8 kernel for this block size a product takes a hundred times longer: then fewer weights show it.
            copies = 1
            model = onnx_runtime.write_model(folder, packed, self.scale, self.shape, block, self.tokens, copies)
            trial = onnx_runtime.MatMuls(model, 1, self.x)
            trial.run()
            start = time.perf_counter()
            trial.run()
            slow = (time.perf_counter() - start) * self.copies > SLOW_SECONDS
            if not slow:
                copies = self.copies
                model = onnx_runtime.write_model(folder, packed, self.scale, self.shape, block, self.tokens, copies)
            handles = {threads: onnx_runtime.MatMuls(model, threads, self.x) for threads in self.options.threads}
            size = (packed.nbytes + 4 * packed.shape[0] * packed.shape[1]) / (self.shape[0] * self.shape[1])
            candidate = self.add(f"ONNX Runtime {block}", handles, lambda handle: handle.outputs[0], size, copies)
            candidate.slow = slow
            shutil.rmtree(folder)

    def prepare(self):
        self.add_ours()
        if "ggml" in self.options.peers:
            build = HOME / "ggml" / "build" / "src"
            self.add_ggml("ggml", [build / "libggml-base.so", build / "libggml-cpu.so"], MAINLINE_TYPES)
        if "ik_llama" in self.options.peers:
            package = importlib.metadata.distribution("ik-llama-cpp-python").locate_file("ik_llama_cpp")
            self.add_ggml("ik_llama", [package / "lib" / "libggml.so"], IK_TYPES)
        if "onnxruntime" in self.options.peers:
            self.add_onnx_runtime()
        size = int(self.weights() / 4)
        if self.tokens <= 8:
            Reader.allocate(size)
            self.candidates.insert(0, Candidate("read", {threads: Reader(size, threads) for threads in self.options.threads}, self.weights(), 0.25))

    def rounds(self):
        """Measures; what others did meanwhile is kept, and much of it is reason to try again."""
        for _ in range(ATTEMPTS):
            for candidate in self.candidates:
                candidate.seconds = {threads: [] for threads in candidate.handles}
            start, busy, own = time.perf_counter(), busy_seconds(), sum(os.times()[:2])
            self.turns()
            own, busy = sum(os.times()[:2]) - own, busy_seconds() - busy
            self.others = max(0.0, busy - own) / (time.perf_counter() - start)
            if self.others < DISTURBED:
                return
            self.say(f"  other programs used {self.others:.2f} of a CPU meanwhile")

    def turns(self):
        for threads in self.options.threads:
            for round_number in range(self.options.rounds + 1):
                for candidate in self.candidates:
                    if candidate.slow and round_number > 1:
                        continue
                    # Workers of the one before go to sleep.
                    time.sleep(0.003)
                    start = time.perf_counter()
                    # Ours says itself how long it took, without the pauses between its libraries.
                    seconds = candidate.handles[threads].run()
                    seconds = seconds or time.perf_counter() - start
                    if round_number:
                        candidate.seconds[threads].append(seconds)

    def report(self):
        for candidate in self.candidates:
            rates = [f"{candidate.weights * self.tokens / np.median(times) / 1e9:8.2f}" for times in candidate.seconds.values()]
            self.say(f"  {candidate.name:20} {' '.join(rates)} G multiply-adds/s on {', '.join(map(str, candidate.seconds))} threads")

    def close(self):
        for candidate in self.candidates:
            for handle in candidate.handles.values():
                handle.close()
        for graph in self.graphs:
            graph.close()


def machine():
    """What lscpu and the kernel say."""
    facts = dict(line.split(":", 1) for line in subprocess.run(["lscpu"], capture_output=True, text=True).stdout.splitlines() if ":" in line)
    facts = {name.strip(): value.strip() for name, value in facts.items()}
    flags = set(facts.get("Flags", "").split())
    levels = [name for name in ("ssse3", "avx2", "avx_vnni", "avx512_vnni", "avx512vbmi", "amx_int8") if name in flags]
    memory = next((int(line.split()[1]) for line in open("/proc/meminfo") if line.startswith("MemTotal")), 0)
    pages = pathlib.Path("/sys/kernel/mm/transparent_hugepage/enabled")
    chosen = pages.read_text().split("[")[1].split("]")[0] if pages.exists() else "unknown"
    return dict(model=facts.get("Model name", platform.machine()), family=facts.get("CPU family", "?"), cores=facts.get("CPU(s)", "?"), levels=levels,
                caches={name: facts[name] for name in ("L1d cache", "L2 cache", "L3 cache") if name in facts},
                memory_gb=round(memory / 2 ** 20), huge_pages=chosen, virtual=facts.get("Hypervisor vendor", ""), system=platform.release())


def versions():
    stamps = [path.name for path in (HOME / "ggml").glob("llama-cpp-python==*")]
    commit = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True).stdout.strip()
    return {"hgf": commit, "ggml": stamps[0] if stamps else "?", **{name: importlib.metadata.version(name) for name in ("onnxruntime", "ik-llama-cpp-python")}}


def measure(shape, tokens, options, quiet, say):
    """Prepares, measures, checks and cleans up; returns what is kept as JSON."""
    say(f"{shape[0]}x{shape[1]}, {tokens} tokens")
    piece = Piece(shape, tokens, options, say)
    try:
        piece.prepare()
        say(f"  measuring {len(piece.candidates)} candidates in turns")
        with quiet():
            piece.rounds()
        piece.report()
    finally:
        piece.close()
        shutil.rmtree(WORK, ignore_errors=True)
    return dict(shape=list(shape), tokens=tokens, copies=piece.copies, residency="dram" if piece.weights() / 4 >= 500e6 else "cache",
                date=datetime.date.today().isoformat(), others=piece.others, machine=machine(), versions=versions(), skipped=piece.skipped,
                candidates=[candidate.describe() for candidate in piece.candidates])
