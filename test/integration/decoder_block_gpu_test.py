"""Whole models on GPUs: the decoder block of decoder_block_test.py and decoders that exporters wrote, against ONNX
Runtime. What has no kernel of its own (masks, positions, embeddings, views of heads) runs there, too."""

import numpy as np
import onnx
import onnxruntime
import pytest

import harness
from decoder_block_test import SIZES, VOCABULARY, make_feeds, make_model
from machines import GPUS

FIXTURES = harness.ROOT / "test" / "import" / "fixtures"
# Three exporters, and each form of the ternary weights.
DECODERS = ["bitnet_packed_dynamo_opset23", "bitnet_offline_dynamo_dynamic", "bitnet_online_torchscript_dynamic"]


@pytest.fixture(scope="module", params=GPUS)
def block(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("block") / "block.onnx"
    model = make_model()
    onnx.save(model, path)
    return onnxruntime.InferenceSession(model.SerializeToString()), request.param.load(request.param.compile(path))


def test_one_session_serves_every_size(block):
    session, model = block
    # Smaller after larger ones, too: buffers are kept.
    for size in [*SIZES, *reversed(SIZES), (1, 33, 0), (2, 17, 40)]:
        feeds = make_feeds(*size)
        for ours, theirs in zip(model(feeds).values(), session.run(None, feeds)):
            assert ours.shape == theirs.shape
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5, err_msg=str(size))


def test_refuses_a_mask_of_another_length_and_goes_on(block):
    session, model = block
    feeds = make_feeds(1, 2, 3)
    with pytest.raises(RuntimeError):
        model({**feeds, "attention_mask": np.ones((1, 4), np.int64)})
    np.testing.assert_allclose(list(model(feeds).values())[0], session.run(None, feeds)[0], rtol=1e-4, atol=1e-5)


def test_survives_a_token_outside_the_vocabulary(block):
    feeds = make_feeds(1, 2, 0)
    feeds["tokens"] = np.array([[VOCABULARY + 1000, -VOCABULARY - 1000]])
    assert np.isfinite(list(block[1](feeds).values())[0]).all()


@pytest.mark.parametrize("gpu", GPUS)
@pytest.mark.parametrize("name", DECODERS)
def test_decoders_of_exporters(gpu, tmp_path, name):
    # A copy, because libraries are written beside their source.
    source = tmp_path / f"{name}.onnx"
    source.write_bytes((FIXTURES / f"{name}.onnx").read_bytes())
    model = gpu.load(gpu.compile(source))
    with np.load(FIXTURES / f"{name}.npz") as loaded:
        arrays = dict(loaded)
    expected, mask = arrays["logits"], arrays.get("attention_mask", np.ones_like(arrays["input_ids"]))
    feeds = {input: arrays[input] for input in model.names(0)}
    for _ in range(2):
        got = model(feeds)["logits"]
        assert got.shape == expected.shape
        np.testing.assert_allclose(got[mask != 0], expected[mask != 0], rtol=0, atol=2e-5)
    model.close()
