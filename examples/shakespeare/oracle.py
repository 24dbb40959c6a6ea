#!/usr/bin/env python3
"""Drives model.onnx in ONNX Runtime: what the compiled executable is compared with. Needs only NumPy and onnxruntime.

  python3 oracle.py --prompt TEXT --tokens N            greedy text, one byte a step, on standard output
  python3 oracle.py --prompt-file FILE --tokens N       the same with the bytes of a file
  python3 oracle.py --teacher-forced FILE --inputs F.npz --outputs G.npz
                                                        writes one call over the bytes of FILE as arrays
  python3 oracle.py --compare A.npz B.npz               compares logits by the rule of `compare`; exit status 1 if they differ

As a module: `Oracle(path).generate(prompt, count)`, `.teacher_forced(text)`, `.calls(text)`, `.first_inputs(text)` and
`compare(expected, actual)`.
"""
import argparse
import pathlib
import sys

import numpy
import onnxruntime

MODEL = pathlib.Path(__file__).resolve().parent / "model.onnx"


class Oracle:
    """A text-generation model by the metadata of docs/ModelFormat.md; `state` holds what the next step is fed."""

    def __init__(self, path=MODEL, threads=1):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.metadata = self.session.get_modelmeta().custom_metadata_map
        self.prompt_input = self.metadata["hgf.prompt_input"]
        self.logits_output = self.metadata["hgf.logits_output"]
        self.pairs = [pair.split("=") for pair in self.metadata["hgf.state"].split(",")]
        self.outputs = [value.name for value in self.session.get_outputs()]
        self.reset()

    def reset(self):
        """State before the first byte: zeros, symbolic dimensions of length 0."""
        types = {"tensor(float)": numpy.float32, "tensor(int64)": numpy.int64, "tensor(float16)": numpy.float16}
        inputs = {value.name: value for value in self.session.get_inputs()}
        shape = lambda value: [n if isinstance(n, int) else 0 for n in value.shape]
        self.state = {name: numpy.zeros(shape(inputs[name]), types[inputs[name].type]) for name, _ in self.pairs}

    def feeds(self, text):
        """text: bytes or uint8/int64 array -> all inputs of one call in the present state."""
        ids = numpy.frombuffer(text, numpy.uint8) if isinstance(text, bytes) else numpy.asarray(text)
        return {self.prompt_input: ids.astype(numpy.int64).reshape(1, -1), **self.state}

    def run(self, feeds):
        return dict(zip(self.outputs, self.session.run(self.outputs, feeds)))

    def step(self, text):
        """Feeds bytes, keeps the new state, returns logits float32 [len(text), 256]."""
        results = self.run(self.feeds(text))
        self.state = {name: results[source] for name, source in self.pairs}
        return results[self.logits_output][0]

    def first_inputs(self, text):
        """Inputs of one call over all of text from the empty state."""
        self.reset()
        return self.feeds(text)

    def teacher_forced(self, text, stepwise=False):
        """Logits float32 [len(text), 256] for given bytes, in one call or byte by byte through the caches."""
        self.reset()
        if not stepwise:
            return self.step(text)
        return numpy.concatenate([self.step(text[i : i + 1]) for i in range(len(text))])

    def calls(self, text, window=4):
        """Yields (inputs, outputs) of one call for each `window` bytes of text, every call from the oracle's own state. Fed the
        same inputs, another program starts each call from equal caches, so that an int8 step taken the other way is seen in its
        window and not in all that follows."""
        self.reset()
        for begin in range(0, len(text), window):
            feeds = self.feeds(text[begin : begin + window])
            results = self.run(feeds)
            yield feeds, results
            self.state = {name: results[source] for name, source in self.pairs}

    def generate(self, prompt, count, margins=None):
        """Greedy continuation: yields `count` bytes as integers. The prompt goes in one call, then one byte a step. A list given as
        `margins` gets the distance of the two best logits at each step."""
        self.reset()
        logits = self.step(prompt)[-1]
        for _ in range(count):
            if margins is not None:
                margins.append(float(numpy.diff(numpy.sort(logits)[-2:])[0]))
            chosen = int(numpy.argmax(logits))
            yield chosen
            logits = self.step(bytes([chosen]))[-1]


def compare(expected, actual, close=1e-4, clear=0.05, nearly_all=0.9, stray=0.5):
    """Compares teacher-forced logits [..., 256] of two right programs. They may differ in a last bit before a rounding (about one
    token in forty has such a value) and then in an int8 step, which moves the logits of this token, and of all later ones that
    attend to it, by 1e-3 to 2e-1. Returns (agrees, facts): the arg-max is the same wherever the two best logits of `expected`
    are more than `clear` apart, `nearly_all` tokens agree to `close` and every one to `stray`. Use it on the windows of
    `Oracle.calls`; for one long sequence only the arg-max and `stray` mean anything: pass nearly_all=0."""
    expected, actual = (numpy.asarray(a, numpy.float32).reshape(-1, numpy.shape(a)[-1]) for a in (expected, actual))
    if expected.shape != actual.shape:
        return False, {"expected_shape": expected.shape, "actual_shape": actual.shape}
    best = numpy.sort(expected, axis=-1)
    is_clear = best[:, -1] - best[:, -2] > clear
    wrong = (expected.argmax(-1) != actual.argmax(-1)) & is_clear
    difference = numpy.abs(expected - actual).max(-1)
    difference = numpy.where(numpy.isfinite(difference), difference, numpy.inf)
    facts = {
        "tokens": len(expected),
        "largest_difference": float(difference.max()),
        "median_difference": float(numpy.median(difference)),
        "close_fraction": float((difference <= close).mean()),
        "wrong_tokens": int(wrong.sum()),
    }
    return facts["wrong_tokens"] == 0 and facts["close_fraction"] >= nearly_all and facts["largest_difference"] <= stray, facts


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=MODEL)
    parser.add_argument("--prompt")
    parser.add_argument("--prompt-file", type=pathlib.Path)
    parser.add_argument("--tokens", type=int, default=100)
    parser.add_argument("--teacher-forced", metavar="FILE", help="file whose bytes are fed")
    parser.add_argument("--inputs", metavar="F.npz", help="where to write the inputs of --teacher-forced")
    parser.add_argument("--outputs", metavar="G.npz", help="where to write the outputs of --teacher-forced")
    parser.add_argument("--compare", nargs=2, metavar=("EXPECTED.npz", "ACTUAL.npz"))
    parser.add_argument("--nearly-all", type=float, default=0.0, help="fraction of tokens that --compare wants equal to 1e-4")
    options = parser.parse_args()
    if options.compare:
        agrees, facts = compare(*(numpy.load(path)["logits"] for path in options.compare), nearly_all=options.nearly_all)
        print("agrees" if agrees else "differs", *(f"{key}={value}" for key, value in facts.items()))
        return 0 if agrees else 1
    oracle = Oracle(options.model)
    if options.teacher_forced:
        feeds = oracle.first_inputs(pathlib.Path(options.teacher_forced).read_bytes())
        results = oracle.run(feeds)
        if options.inputs:
            numpy.savez(options.inputs, **feeds)
        if options.outputs:
            numpy.savez(options.outputs, **results)
    elif options.prompt or options.prompt_file:
        prompt = options.prompt_file.read_bytes() if options.prompt_file else options.prompt.encode()
        for byte in oracle.generate(prompt, options.tokens):
            sys.stdout.buffer.write(bytes([byte]))
            sys.stdout.buffer.flush()
        print()
    else:
        parser.error("expected --prompt, --prompt-file, --teacher-forced or --compare")
    return 0


if __name__ == "__main__":
    sys.exit(main())
