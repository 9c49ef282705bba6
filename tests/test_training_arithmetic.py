"""bfloat16 is the default only where a processor is quick in it; tiny numbers cost no time."""

import json
import warnings

import numpy as np
import pytest
import torch
from small_estimators import small
from spread_estimators import tiny_alpha, tracks

from skandi.errors import SlowArithmeticWarning
from skandi.networks.autoencoder import SmallAutoencoder
from skandi.simulate import TrajectoryStream
from skandi.training import arithmetic, loop, reconstruction
from skandi.training.stream import StreamTrainer, StreamTraining

CPUINFO = "processor\t: 0\nvendor_id\t: X\n{key}\t\t: fpu avx2 {flag} rdpid\n\nprocessor\t: 1\n"
NETWORK = {"channels": (16,) * 5, "recurrent_size": 4, "hidden_size": 16}


@pytest.fixture
def processor(monkeypatch):
    """Let this processor be one with or without instructions for matrices of bfloat16."""

    def become(quick):
        monkeypatch.setattr(arithmetic, "quick_in_bfloat16", lambda: quick)

    return become


@pytest.mark.parametrize(
    "key, flag, expected",
    [
        ("flags", "avx512_bf16", False),
        ("flags", "amx_bf16", True),
        ("Features", "bf16", True),
        ("flags", "avx512f", False),
        ("Features", "fphp", False),
    ],
)
def test_quick_in_bfloat16__flags_of_the_kernel__decide(key, flag, expected, tmp_path, monkeypatch):
    path = tmp_path / "cpuinfo"
    path.write_text(CPUINFO.format(key=key, flag=flag))
    monkeypatch.setattr(arithmetic, "_CPUINFO", path)
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert arithmetic.quick_in_bfloat16.__wrapped__() is expected


@pytest.mark.parametrize(
    "told, expected",
    [
        ({"avx512_bf16": True, "amx_bf16": True}, True),
        ({"avx512_bf16": True, "amx_bf16": False}, False),
        ({"bf16": True}, True),
        ({"avx2": True, "cpu_name": "bf16"}, False),
    ],
)
def test_quick_in_bfloat16__torch_that_tells__is_believed(told, expected, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: told, raising=False)
    assert arithmetic.quick_in_bfloat16.__wrapped__() is expected


def test_quick_in_bfloat16__torch_without_onednn__is_false(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"bf16": True}, raising=False)
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert arithmetic.quick_in_bfloat16.__wrapped__() is False


def test_quick_in_bfloat16__nobody_tells__is_false(tmp_path, monkeypatch):
    monkeypatch.setattr(arithmetic, "_CPUINFO", tmp_path / "none")
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert arithmetic.quick_in_bfloat16.__wrapped__() is False


@pytest.mark.parametrize("quick, expected", [(True, "bfloat16"), (False, "float32")])
def test_stream__precision_left_out__is_what_the_processor_is_quick_in(
    quick, expected, processor, tmp_path
):
    processor(quick)
    trainer = StreamTrainer(StreamTraining(network=NETWORK), tmp_path, validation_size=1)
    assert trainer.config.precision == expected
    trainer.save(trainer.checkpoint_path)
    saved = torch.load(trainer.checkpoint_path, weights_only=True)["config"]
    assert json.loads(saved)["precision"] == expected


@pytest.mark.parametrize("first, second", [(True, False), (False, True)])
def test_stream__resumed_on_another_processor__keeps_its_precision(
    first, second, processor, tmp_path
):
    processor(first)
    began = StreamTrainer(StreamTraining(network=NETWORK), tmp_path, validation_size=1)
    began.step = 7
    began.save(began.checkpoint_path)
    processor(second)
    resumed = StreamTrainer(StreamTraining(network=NETWORK), tmp_path, validation_size=1)
    assert (resumed.step, resumed.config) == (7, began.config)


def test_stream__bfloat16_asked_of_a_processor_without__is_done_with_a_warning(processor, tmp_path):
    processor(False)
    config = StreamTraining(network=NETWORK, precision="bfloat16")
    with pytest.warns(SlowArithmeticWarning, match="Set precision='float32'"):
        assert StreamTrainer(config, tmp_path, validation_size=1).config == config


@pytest.mark.parametrize("quick", [True, False])
def test_estimators__bfloat16__is_warned_of_where_it_is_slower(quick, processor):
    processor(quick)
    X, y = tracks(12, high=40)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fitted = tiny_alpha(random_state=0).set_params(precision="bfloat16").fit(X, y)
        fitted.set_params(predict_precision="bfloat16").predict(X)
        told = [str(w.message) for w in caught if w.category is SlowArithmeticWarning]
        caught.clear()
        fitted.set_params(precision="float32", predict_precision="float32").fit(X, y).predict(X)
        assert not [w for w in caught if w.category is SlowArithmeticWarning]
    if quick:
        assert told == []
    else:
        assert [text.partition("=")[0] for text in told] == ["precision", "predict_precision"]
        assert all("float32" in text for text in told)


def test_estimators__prediction_in_bfloat16__of_a_classifier_is_warned_of_too(processor):
    processor(False)
    X, _ = tracks(12, high=40)
    labels = np.resize(["a", "b"], 12)
    fitted = small("model wadnet", max_epochs=1).fit(X, labels)
    with pytest.warns(SlowArithmeticWarning, match="predict_precision"):
        fitted.set_params(predict_precision="bfloat16").predict_proba(X)


def flushes():
    return bool(torch.tensor(1e-40) * torch.tensor(1.0) == 0)


@pytest.fixture
def usual():
    """Denormal numbers as processors have them, whatever went before."""
    if not torch.set_flush_denormal(True):
        pytest.skip("torch cannot flush denormal numbers on this processor")
    torch.set_flush_denormal(False)
    yield
    torch.set_flush_denormal(False)


@pytest.mark.parametrize("before", [False, True])
def test_flushed_denormals__inside__are_zero_and_afterwards_as_before(before, usual):
    torch.set_flush_denormal(before)
    with pytest.raises(ZeroDivisionError), arithmetic.flushed_denormals():
        assert flushes()
        raise ZeroDivisionError
    assert flushes() is before
    torch.set_default_dtype(torch.float64)
    try:
        with arithmetic.flushed_denormals():
            pass
    finally:
        torch.set_default_dtype(torch.float32)
    assert flushes() is before


def test_fit__denormal_numbers__are_zero_while_it_learns(usual, monkeypatch):
    seen = []
    loss = loop._Criterion.forward

    def watched(self, outputs, targets):
        seen.append(flushes())
        return loss(self, outputs, targets)

    monkeypatch.setattr(loop._Criterion, "forward", watched)
    X, y = tracks(12, high=40)
    tiny_alpha(random_state=0).fit(X, y)
    assert seen
    assert all(seen)
    assert not flushes()


def test_stream__denormal_numbers__are_zero_in_a_step(usual, tmp_path):
    trainer = StreamTrainer(StreamTraining(network=NETWORK), tmp_path, validation_size=1)
    seen = []
    trainer.network.register_forward_hook(lambda *_: seen.append(flushes()))
    with TrajectoryStream(1, random_state=0, workers=0, length=(20, 20)) as stream:
        trainer.train_step(next(stream))
    assert seen == [True]
    assert not flushes()


def test_detector__denormal_numbers__are_zero_in_a_step(usual):
    network = SmallAutoencoder()
    seen = []
    network.register_forward_hook(lambda *_: seen.append(flushes()))
    optimizer = torch.optim.Adam(network.parameters())
    reconstruction.train_step(network, optimizer, torch.randn(4, 1, 20), torch.ones(4, 1, 20))
    assert seen == [True]
    assert not flushes()
