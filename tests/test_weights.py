"""Weights and configuration in one file: whole, hashed, versioned, or not read at all."""

import json
import struct

import pytest
import torch
from safetensors.torch import save_file

from skandi.errors import SkandiError, WeightsError
from skandi.weights import FORMAT_VERSION, load_weights, save_weights

CONFIG = {"network": "wadnet", "n_dims": 2, "nested": {"π": [1, 2.5, None, True]}}


def state():
    generator = torch.Generator().manual_seed(0)
    return {
        "layer.weight": torch.randn(4, 3, generator=generator),
        "layer.bias": torch.randn(4, generator=generator),
        "transposed": torch.randn(5, 2, generator=generator).T,
        "counter": torch.tensor(7),
        "mask": torch.tensor([True, False]),
    }


@pytest.fixture
def path(tmp_path):
    return tmp_path / "small.safetensors"


@pytest.fixture
def saved(path):
    save_weights(path, state(), CONFIG)
    return path


def header_and_data(path):
    """Length of a safetensors header, the header, and the numbers after it."""
    content = path.read_bytes()
    (size,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8 : 8 + size]), content[8 + size :]


def rewrite(path, change):
    """Change the metadata of a file and leave its numbers as they are."""
    header, data = header_and_data(path)
    change(header["__metadata__"])
    written = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(written)) + written + data)


def refusal(path):
    with pytest.raises(WeightsError) as caught:
        load_weights(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_weights__round_trip__keeps_every_bit_shape_and_the_configuration(saved):
    config, loaded = load_weights(saved)
    assert config == CONFIG
    assert loaded.keys() == state().keys()
    for name, tensor in state().items():
        assert loaded[name].dtype == tensor.dtype
        assert torch.equal(loaded[name], tensor)


def test_weights__half_precision__halves_the_file_and_rounds_once(path, tmp_path):
    large = {"w": torch.randn(100, 100, generator=torch.Generator().manual_seed(0))}
    save_weights(path, large, CONFIG, dtype=torch.float16)
    full = tmp_path / "full.safetensors"
    save_weights(full, large, CONFIG)
    assert path.stat().st_size < 0.55 * full.stat().st_size
    _, loaded = load_weights(path)
    assert loaded["w"].dtype == torch.float32
    assert torch.equal(loaded["w"], large["w"].half().float())
    assert (loaded["w"] - large["w"]).abs().max() < 2e-3


def test_weights__half_precision__leaves_integers_and_masks(path):
    save_weights(path, state(), CONFIG, dtype=torch.float16)
    _, loaded = load_weights(path)
    assert loaded["counter"].dtype == torch.int64
    assert loaded["mask"].dtype == torch.bool


def test_weights__saving__does_not_change_the_state(path):
    mine = state()
    save_weights(path, mine, CONFIG, dtype=torch.float16)
    assert all(torch.equal(mine[name], tensor) for name, tensor in state().items())
    assert mine["layer.weight"].dtype == torch.float32


def test_weights__same_content__has_the_same_header_and_numbers(saved, tmp_path):
    again = tmp_path / "again.safetensors"
    save_weights(again, dict(reversed(state().items())), dict(reversed(CONFIG.items())))
    assert header_and_data(again) == header_and_data(saved)


# --- files that must not be read ----------------------------------------------------------------


def test_weights__missing__says_so(path):
    assert "no weight file" in refusal(path)


def test_weights__folder__is_no_file(tmp_path):
    assert "no weight file" in refusal(tmp_path)


@pytest.mark.parametrize("part", [0.0, 0.02, 0.5, 0.99])
def test_weights__cut_short__is_damaged(saved, part):
    content = saved.read_bytes()
    saved.write_bytes(content[: int(len(content) * part)])
    message = refusal(saved)
    assert "damaged or cut short" in message
    assert "again" in message


def test_weights__other_file__is_damaged(path):
    path.write_bytes(b"\x80\x05]\x94." * 100)
    assert "cannot be read as safetensors" in refusal(path)


def test_weights__one_flipped_bit_in_the_numbers__is_found(saved):
    content = bytearray(saved.read_bytes())
    content[-3] ^= 1
    saved.write_bytes(content)
    message = refusal(saved)
    assert "hash" in message
    assert "again" in message


def test_weights__changed_configuration__is_found(saved):
    def change(metadata):
        metadata["config"] = metadata["config"].replace('"n_dims": 2', '"n_dims": 3')

    rewrite(saved, change)
    assert "hash" in refusal(saved)


def test_weights__tensor_of_another_shape__is_found(saved):
    header, data = header_and_data(saved)
    header["layer.weight"]["shape"] = [3, 4]
    written = json.dumps(header).encode()
    saved.write_bytes(struct.pack("<Q", len(written)) + written + data)
    assert "hash" in refusal(saved)


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}, {"format": "other-weights"}])
def test_weights__safetensors_of_somebody_else__are_refused(path, metadata):
    save_file({"w": torch.zeros(3)}, path, metadata)
    assert "no skandi weights" in refusal(path)


def test_weights__newer_format__asks_for_an_upgrade(saved):
    rewrite(saved, lambda metadata: metadata.update(format_version=str(FORMAT_VERSION + 1)))
    message = refusal(saved)
    assert f"format {FORMAT_VERSION + 1}" in message
    assert "Upgrade skandi" in message


def test_weights__error__is_a_value_error_of_ours(path):
    assert issubclass(WeightsError, SkandiError)
    assert issubclass(WeightsError, ValueError)


# --- writing ------------------------------------------------------------------------------------


def test_weights__interrupted_write__leaves_the_old_file_and_nothing_else(saved, monkeypatch):
    before = saved.read_bytes()

    def half_written(tensors, path, metadata):
        path.write_bytes(b"half of a fil")
        raise KeyboardInterrupt

    monkeypatch.setattr("skandi.weights.save_file", half_written)
    with pytest.raises(KeyboardInterrupt):
        save_weights(saved, {"w": torch.zeros(3)}, {})
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


def test_weights__configuration_that_json_cannot_hold__leaves_the_old_file(saved):
    before = saved.read_bytes()
    with pytest.raises(TypeError, match="not JSON serializable"):
        save_weights(saved, state(), {"bad": object()})
    assert saved.read_bytes() == before


def test_weights__second_write__replaces_the_first(saved):
    save_weights(saved, {"w": torch.ones(2)}, {"n": 1})
    config, loaded = load_weights(saved)
    assert config == {"n": 1}
    assert list(loaded) == ["w"]
