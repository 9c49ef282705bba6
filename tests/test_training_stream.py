"""Training on a stream: the same weights with and without a break, bad batches survived."""

import json
import subprocess
import sys
from dataclasses import asdict, replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from skandi.diffusion import MODELS
from skandi.errors import TrainingError
from skandi.pretrained import load_pretrained
from skandi.simulate import StreamBatch, TrajectoryStream
from skandi.simulate.recipes import TASKS, composition, draw_labels
from skandi.training import stream as module
from skandi.training.fixed_set import validation_set
from skandi.training.joint import N_OUTPUTS, joint_loss, task_weights
from skandi.training.stream import StreamTrainer, StreamTraining, export
from skandi.weights import load_weights

TINY = {"channels": (8, 16, 16, 16), "recurrent_block": 3, "recurrent_size": 8, "hidden_size": 16}
CONFIG = StreamTraining(
    n_dims=1,
    steps=30,
    cooldown=10,
    warmup=5,
    average=20,
    batch_points=2_000,
    seed=3,
    network=TINY,
)
VALIDATION = 20


def trainer_in(folder, config=CONFIG, **kwargs):
    return StreamTrainer(config, folder, validation_size=VALIDATION, **kwargs)


def finished(folder, config=CONFIG, **kwargs):
    trainer = trainer_in(folder, config)
    trainer.run(log_every=10, validate_every=1000, checkpoint_every=1000, **kwargs)
    return trainer


def broken_off(folder, at, config=CONFIG, checkpoint_every=15):
    """A training that is interrupted in step `at`; what was done since the checkpoint is lost."""

    with pytest.raises(KeyboardInterrupt):
        trainer_in(folder, config).run(
            log_every=1, checkpoint_every=checkpoint_every, report=interrupting(at)
        )


def interrupting(at):
    def interrupt(entry):
        if entry["step"] == at:
            raise KeyboardInterrupt

    return interrupt


def log_of(folder):
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def assert_same_training(one, other):
    assert (one.step, one.seen, one.skipped) == (other.step, other.seen, other.skipped)
    for states in (
        (one.network.state_dict(), other.network.state_dict()),
        (one.average, other.average),
    ):
        for name, tensor in states[0].items():
            assert torch.equal(tensor, states[1][name]), name


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """30 steps in one go."""
    return finished(tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="module")
def batch():
    with TrajectoryStream(1, random_state=0, batch_points=2_000, workers=0) as stream:
        return next(stream)


def copy_of(trainer, folder):
    """A second folder in the state of the first."""
    for path in (trainer.checkpoint_path, trainer.plateau_path):
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


# --- the same weights with and without a break --------------------------------------------------


def test_stream__broken_off_and_resumed__has_the_weights_of_one_go(whole, tmp_path):
    broken_off(tmp_path, at=17)
    resumed = trainer_in(tmp_path)
    assert resumed.step == 15
    resumed.run(checkpoint_every=15)
    assert_same_training(resumed, whole)


def test_stream__resumed_in_another_process__has_the_weights_of_one_go(whole, tmp_path):
    broken_off(tmp_path, at=24, checkpoint_every=12)
    code = f"""
import torch
torch.set_num_threads({torch.get_num_threads()})
from skandi.training.stream import StreamTrainer, StreamTraining
config = StreamTraining(n_dims=1, steps=30, cooldown=10, warmup=5, average=20, batch_points=2000,
                        seed=3, network={TINY})
trainer = StreamTrainer(config, {str(tmp_path)!r}, validation_size={VALIDATION})
assert trainer.step == 12, trainer.step
trainer.run()
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    assert_same_training(trainer_in(tmp_path), whole)


KILLER = """
import json, os, random, signal, sys, time
import torch
from skandi.training.stream import StreamTrainer, StreamTraining

torch.set_num_threads(1)
folder, seed = sys.argv[1], int(sys.argv[2])
config = StreamTraining(**json.loads(sys.argv[3]))
dice = random.Random(seed)
steps = []
while True:
    read, write = os.pipe()
    child = os.fork()  # nothing has been computed yet, so no thread of torch is lost
    if child == 0:
        trainer = StreamTrainer(config, folder, validation_size=20)
        os.write(write, trainer.step.to_bytes(1, "big"))
        trainer.run(log_every=1, checkpoint_every=2, report=lambda entry: os.write(write, b"."))
        os._exit(0)
    steps.append(os.read(read, 1)[0])
    if len(steps) <= 5:
        for _ in range(dice.randint(0, 5)):
            os.read(read, 1)
        time.sleep(dice.uniform(0.0, 0.02))
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status):
        assert os.WEXITSTATUS(status) == 0
        break
print(json.dumps(steps))
"""


def test_stream__killed_at_random_moments__has_the_weights_of_one_go(tmp_path):
    config = replace(CONFIG, steps=24)
    arguments = [str(tmp_path / "killed"), "5", json.dumps(asdict(config))]
    done = subprocess.run(
        [sys.executable, "-c", KILLER, *arguments], check=True, capture_output=True, text=True
    )
    steps = json.loads(done.stdout.splitlines()[-1])
    assert len(steps) == 6, f"it came to its end before five kills: {steps}"
    assert len(set(steps)) > 2, f"it hardly went on between kills: {steps}"
    assert steps == sorted(steps), "work before a checkpoint was lost"
    assert_same_training(
        trainer_in(tmp_path / "killed", config), finished(tmp_path / "whole", config)
    )
    assert not list((tmp_path / "killed").glob(".*")), "what kills left behind stays"


def test_stream__same_configuration__gives_the_same_weights_whatever_the_global_seed(
    whole, tmp_path
):
    with torch.random.fork_rng():
        torch.manual_seed(99)
        before = torch.random.get_rng_state(), np.random.get_state()[1].copy()
        again = finished(tmp_path)
        assert torch.equal(torch.random.get_rng_state(), before[0])
        assert np.array_equal(np.random.get_state()[1], before[1])
    assert_same_training(again, whole)


def test_stream__another_seed__gives_other_weights(whole, tmp_path):
    other = trainer_in(tmp_path, replace(CONFIG, seed=4))
    assert not torch.equal(other.network.stem.weight, whole.network.stem.weight)


def test_stream__finished_training__is_not_trained_further(whole, tmp_path):
    again = trainer_in(copy_of(whole, tmp_path))
    again.run()
    assert_same_training(again, whole)


# --- prolonging ---------------------------------------------------------------------------------

LONGER = replace(CONFIG, steps=40, cooldown=12)


@pytest.fixture(scope="module")
def longer(tmp_path_factory):
    return finished(tmp_path_factory.mktemp("longer"), LONGER)


def test_stream__prolonged_after_its_end__goes_back_to_the_plateau(whole, longer, tmp_path):
    prolonged = trainer_in(copy_of(whole, tmp_path), LONGER)
    assert prolonged.step == 20
    prolonged.run()
    assert_same_training(prolonged, longer)


def test_stream__prolonged_on_the_plateau__goes_on_from_where_it_is(longer, tmp_path):
    broken_off(tmp_path, at=17)
    prolonged = trainer_in(tmp_path, LONGER)
    assert prolonged.step == 15
    prolonged.run()
    assert_same_training(prolonged, longer)


def test_stream__prolonged_and_broken_off__resumes(whole, longer, tmp_path):
    copy_of(whole, tmp_path)
    broken_off(tmp_path, at=36, config=LONGER, checkpoint_every=11)
    resumed = trainer_in(tmp_path, LONGER)
    assert resumed.step == 33
    resumed.run()
    assert_same_training(resumed, longer)


def test_stream__shortened_past_its_plateau__is_refused(longer, tmp_path):
    with pytest.raises(TrainingError, match="rate.*another folder, or more steps"):
        trainer_in(copy_of(longer, tmp_path), replace(CONFIG, steps=30, cooldown=10))


def test_stream__no_plateau_to_go_back_to__is_refused(tmp_path):
    falling = replace(CONFIG, steps=3, cooldown=3)
    finished(tmp_path, falling)
    trainer_in(tmp_path, replace(falling, steps=9)).run()  # from its beginning
    finished(tmp_path / "lost", falling).plateau_path.unlink()
    with pytest.raises(TrainingError, match="another folder"):
        trainer_in(tmp_path / "lost", replace(falling, steps=9))


@pytest.mark.parametrize("left", [0, 100])
def test_stream__damaged_checkpoint__is_named_with_a_remedy(whole, tmp_path, left):
    path = copy_of(whole, tmp_path) / "checkpoint.pt"
    path.write_bytes(path.read_bytes()[:left])
    with pytest.raises(TrainingError, match=r"checkpoint\.pt cannot be read.*start anew"):
        trainer_in(tmp_path, CONFIG)


# --- another configuration ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"lr": 1e-3},
        {"seed": 4},
        {"n_dims": 2},
        {"recipe": "andi-2020-fixed"},
        {"network": {**TINY, "hidden_size": 8}, "batch_points": 3_000},
    ],
)
def test_stream__other_configuration__is_refused_and_named(whole, tmp_path, changes):
    copy_of(whole, tmp_path)
    with pytest.raises(TrainingError) as caught:
        trainer_in(tmp_path, replace(CONFIG, **changes))
    assert all(name in str(caught.value) for name in changes)
    assert "another folder" in str(caught.value).lower()


def test_stream__learning_rate__rises_stays_and_falls():
    config = StreamTraining(steps=100, cooldown=20, warmup=10, lr=1.0)
    rates = np.array([config.learning_rate(step) for step in range(100)])
    assert rates[:10] == pytest.approx(np.arange(1, 11) / 10)
    assert (rates[10:80] == 1).all()
    assert rates[80:] == pytest.approx(np.arange(20, 0, -1) / 20)


# --- a step -------------------------------------------------------------------------------------


def test_stream__loss__falls(longer):
    losses = [entry["loss"] for entry in log_of(longer.directory) if "loss" in entry]
    assert losses[-1] < losses[0] - 0.05


def test_stream__averaged_weights__are_the_exponential_average(tmp_path, batch):
    trainer = trainer_in(tmp_path, replace(CONFIG, average=5))
    average = trainer.network.stem.weight.detach().double()
    for step in range(1, 51):
        trainer.train_step(batch)
        # The horizon grows to `average`: early on the random start is forgotten faster.
        weight = max(1 / 5, 1 / (1 + 0.1 * step))
        average = average + weight * (trainer.network.stem.weight.detach().double() - average)
    assert (trainer.average["stem.weight"] - average).abs().max() < 1e-6
    assert not torch.equal(trainer.average["stem.weight"], trainer.network.stem.weight)
    averaged = trainer.averaged_network()
    assert torch.equal(averaged.stem.weight, trainer.average["stem.weight"])
    assert not averaged.training
    averaged.stem.weight.data.zero_()
    assert trainer.average["stem.weight"].abs().max() > 0


def spoil(monkeypatch, is_bad):
    """Make the loss of the batches for which `is_bad(number)` NaN, counted from 1."""
    original, calls = module.joint_loss, []

    def spoiled(outputs, batch, taught):
        calls.append(1)
        return original(outputs, batch, taught) * (float("nan") if is_bad(len(calls)) else 1.0)

    monkeypatch.setattr(module, "joint_loss", spoiled)


def test_stream__gradient_not_finite__is_left_out_counted_and_logged(monkeypatch, tmp_path, batch):
    spoil(monkeypatch, lambda number: number in (2, 3))
    trainer = trainer_in(tmp_path)
    trainer.train_step(batch)
    before = {k: v.clone() for k, v in trainer.network.state_dict().items()}
    seen = trainer.seen
    trainer.train_step(batch)
    trainer.train_step(batch)
    assert (trainer.step, trainer.skipped, trainer.seen) == (3, 2, seen)
    for name, value in trainer.network.state_dict().items():
        assert torch.equal(value, before[name])
    skipped = [entry for entry in log_of(tmp_path) if "skipped" in entry]
    assert [entry["step"] for entry in skipped] == [2, 3]
    assert str(batch.positions.shape[1]) in skipped[0]["skipped"]
    trainer.train_step(batch)
    assert trainer.seen == 2 * seen
    assert all(torch.isfinite(p).all() for p in trainer.network.parameters())


def test_stream__skipped_batches__are_left_out_of_the_mean_loss(monkeypatch, tmp_path):
    spoil(monkeypatch, lambda number: number == 3)
    trainer = trainer_in(tmp_path, replace(CONFIG, steps=5, cooldown=1))
    step, losses = trainer.train_step, []

    def recorded(batch):
        losses.append(step(batch))
        return losses[-1]

    monkeypatch.setattr(trainer, "train_step", recorded)
    trainer.run()
    (logged,) = [entry["loss"] for entry in log_of(tmp_path) if "loss" in entry]
    assert logged == pytest.approx(float(sum(losses[:2] + losses[3:])) / 4)


def test_stream__fifty_bad_batches_in_a_row__stop_the_training(monkeypatch, tmp_path, batch):
    short = StreamBatch(batch.positions[:4, :10], batch.alpha[:4], batch.model[:4])
    spoil(monkeypatch, lambda number: number != 50)
    trainer = trainer_in(tmp_path)
    for _ in range(99):
        trainer.train_step(short)
    with pytest.raises(TrainingError, match="50 batches in a row.*smaller learning rate"):
        trainer.train_step(short)
    assert trainer.skipped == 99


def test_stream__weights_not_finite__are_neither_kept_nor_exported(tmp_path):
    trainer = trainer_in(tmp_path)
    trainer.save(trainer.checkpoint_path)
    sound = trainer.checkpoint_path.read_bytes()
    next(trainer.network.parameters()).data[0] = float("inf")
    trainer.step = 7
    weights = tmp_path / "w.safetensors"
    weights.write_text("earlier")
    for write in (lambda: trainer.save(trainer.checkpoint_path), lambda: export(trainer, weights)):
        with pytest.raises(TrainingError, match="not finite at step 7.* smaller learning rate"):
            write()
    assert trainer.checkpoint_path.read_bytes() == sound
    assert weights.read_text() == "earlier"


@pytest.mark.parametrize("changes", [{"cooldown": 31}, {"cooldown": -1}, {"lr": float("nan")}])
def test_stream__senseless_schedule__is_refused(changes):
    with pytest.raises(TrainingError, match=f"{next(iter(changes))} is"):
        replace(CONFIG, **changes)


def test_stream__skipped_batches__are_remembered_by_the_checkpoint(monkeypatch, tmp_path):
    spoil(monkeypatch, lambda number: number == 3)
    trainer = finished(tmp_path, replace(CONFIG, steps=5, cooldown=1))
    assert trainer.skipped == 1
    assert trainer_in(tmp_path, replace(CONFIG, steps=5, cooldown=1)).skipped == 1


# --- weights from elsewhere ---------------------------------------------------------------------


def test_stream__weights_of_another_dimension__keep_what_fits(whole, tmp_path):
    start = trainer_in(tmp_path / "start", replace(CONFIG, n_dims=2))
    warm = trainer_in(tmp_path / "warm", replace(CONFIG, n_dims=2), initial=whole.average)
    assert start.fresh == sorted(start.network.state_dict())
    assert warm.fresh == ["reduce.0.weight", "stem.weight"]
    own = start.network.state_dict()
    for name, value in warm.network.state_dict().items():
        source = own if name in warm.fresh else whole.average
        assert torch.equal(value, source[name]), name
        assert torch.equal(warm.average[name], value), name


# --- the log, the validation set, the weight file -----------------------------------------------


def test_stream__log__has_losses_scores_and_cost(whole):
    entries = log_of(whole.directory)
    assert [entry["step"] for entry in entries if "loss" in entry] == [10, 20, 30]
    (score,) = [entry for entry in entries if "mae" in entry]
    assert 0 < score["mae"] < 2
    assert 0 <= score["f1"] <= 1
    assert entries[-1]["trajectories"] == whole.seen >= 30 * 48
    assert entries[-1]["core_hours"] >= 0


def test_stream__report__is_called_with_the_entries_of_the_log(tmp_path):
    told = []
    finished(tmp_path, replace(CONFIG, steps=4, cooldown=1), report=told.append)
    assert told == log_of(tmp_path)


def test_validation_set__same_arguments__is_the_same_and_spans_the_lengths():
    one, other = validation_set(2, "andi-2020", 200), validation_set(2, "andi-2020", 200)
    assert all(np.array_equal(a, b) for a, b in zip(one.tracks, other.tracks, strict=True))
    assert np.array_equal(one.model, other.model)
    lengths = [len(t) for t in one.tracks]
    assert (min(lengths), max(lengths)) == (15, 994)
    assert len(set(lengths)) == 100
    assert set(one.model) == set(MODELS)


def test_export__weight_file__opens_as_fitted_estimators(whole, tmp_path):
    path = tmp_path / "tiny.safetensors"
    card = export(whole, path, test_size=12)
    config, state = load_weights(path)
    assert config == json.loads(json.dumps(card))
    assert config["scores"].keys() >= {"mae", "f1", "recipe", "lengths"}
    assert config["training"]["trajectories"] == whole.seen
    for name, value in state.items():
        assert torch.equal(value, whole.average[name].half().float())
    tracks = validation_set(1, "andi-2020", 5).tracks
    alpha = load_pretrained("alpha", path=path).predict(tracks)
    assert np.isfinite(alpha).all()
    classifier = load_pretrained("model", path=path)
    assert classifier.classes_.tolist() == list(MODELS)
    assert np.allclose(classifier.predict_proba(tracks).sum(axis=1), 1, atol=1e-6)


def labels_of_both_tasks(n=20_000):
    """Models and α as a stream mixes them: half by the one task, half by the other."""
    rng = np.random.default_rng(0)
    drawn = [draw_labels(n, task, rng) for task in TASKS]
    return [np.concatenate(values) for values in zip(*drawn, strict=True)]


def test_task_weights__of_both_tasks_together__give_the_composition_of_each():
    model, alpha = labels_of_both_tasks()
    weights = task_weights(model, alpha)
    np.testing.assert_allclose(weights.mean(axis=0), 1)
    for weight, task in zip(weights, TASKS, strict=True):
        seen = np.bincount(model, weights=weight, minlength=5) / len(model)
        np.testing.assert_allclose(seen, composition(task).sum(axis=1), atol=0.01)
    # Without weights both would learn the mean of the two compositions.
    assert abs(np.bincount(model, minlength=5)[4] / len(model) - 0.2) > 0.03


def test_joint_loss__of_a_network_that_knows_nothing__is_least_for_the_task_of_the_models():
    model, alpha = labels_of_both_tasks()
    logits = torch.zeros(len(model), 5 + 40, requires_grad=True)
    joint_loss(logits, SimpleNamespace(model=model, alpha=alpha)).backward()
    assert logits.grad[:, :5].sum(dim=0).abs().max() < 0.005  # all five are as frequent


def test_joint_loss__with_a_teacher__is_least_for_a_quarter_truth_and_the_rest_its_answer(batch):
    outputs = torch.randn(len(batch.alpha), N_OUTPUTS, generator=torch.Generator().manual_seed(0))
    parts = (outputs[:, : len(MODELS)], outputs[:, len(MODELS) :])
    taught = torch.cat([part.softmax(dim=1) for part in parts], dim=1)
    rows = torch.arange(len(batch.alpha))
    known = 0.75 * taught
    known[rows, torch.as_tensor(batch.model)] += 0.25
    known[rows, len(MODELS) + torch.as_tensor(np.rint(batch.alpha / 0.05)).long() - 1] += 0.25
    best = known.log().requires_grad_()
    joint_loss(best, batch, taught).backward()
    assert best.grad.abs().max() < 1e-6
    best.grad = None
    joint_loss(best, batch).backward()
    assert best.grad.abs().max() > 1e-4


def test_stream__with_a_teacher__learns_from_it_resumes_and_knows_it(whole, tmp_path):
    def teacher(x):
        return torch.full((len(x), N_OUTPUTS), 0.02)

    config = replace(CONFIG, teacher="one")
    taught = trainer_in(tmp_path / "a", config, teacher=teacher)
    taught.run()
    assert any((taught.average[k] != whole.average[k]).any() for k in whole.average)
    first = trainer_in(tmp_path / "b", config, teacher=teacher)
    with pytest.raises(KeyboardInterrupt):
        first.run(log_every=1, checkpoint_every=15, report=interrupting(20))
    second = trainer_in(tmp_path / "b", config, teacher=teacher)
    second.run()
    assert_same_training(taught, second)
    with pytest.raises(TrainingError, match="go together"):
        trainer_in(tmp_path / "c", config)
    with pytest.raises(TrainingError, match="another teacher"):
        trainer_in(tmp_path / "b", replace(CONFIG, teacher="two"), teacher=teacher)
