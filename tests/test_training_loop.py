"""The paper's protocol: rate and stop by the validation loss, weights by the validation metric."""

import copy
import pickle
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
import torch
from small_estimators import TINY_WADNET, alphas, ragged
from torch import nn

from skandi import AlphaRegressor
from skandi.errors import TrainingError
from skandi.training import loop
from skandi.training.arithmetic import arithmetic
from skandi.training.batches import TrajectoryExamples
from skandi.training.loop import Protocol, hold, seeded, train
from skandi.training.stream import StreamTraining, build_network


class Constant(nn.Module):
    """A network of one number, which each step of the optimiser changes."""

    n_features = 1
    shortest_bfloat16 = 1

    def __init__(self):
        super().__init__()
        self.value = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        return self.value * torch.ones(len(x), 1)


def mean_of(outputs, targets):
    """A loss that Adam drives down for ever: the value falls at each step."""
    return outputs.mean()


PAPER = Protocol(
    lr=1e-3,
    max_epochs=100,
    batch_size=512,
    patience=2,
    lr_factor=0.2,
    max_reductions=3,
    metric=lambda outputs, targets: outputs.sum(),
    metric_name="valid_metric",
    loss=mean_of,
    precision="float32",
)


def examples(n=4, T=5):
    rng = np.random.default_rng(0)
    return TrajectoryExamples(list(rng.normal(size=(n, T, 1))), np.zeros(n, dtype=np.float32))


def run(protocol, module=None, *, validation=True):
    module = module or Constant()
    with seeded(0):
        return train(
            module,
            protocol,
            examples(),
            examples() if validation else None,
            device="cpu",
            verbose=False,
        )


class Script:
    """Validation losses and metrics written in advance: one batch to train on, one to judge by."""

    def __init__(self, losses, metrics=None):
        self.losses = losses
        self.metrics = losses if metrics is None else metrics
        self.calls = 0
        self.values = []

    def loss(self, outputs, targets):
        self.calls += 1
        if self.calls % 2:
            return outputs.mean()
        return outputs.mean() * 0 + self.losses[self.calls // 2 - 1]

    def metric(self, outputs, targets):
        self.values.append(outputs[0].detach().item())
        return torch.ones(()) * len(targets) * self.metrics[len(self.values) - 1]

    def run(self, **changes):
        protocol = replace(PAPER, loss=self.loss, metric=self.metric, **changes)
        return run(replace(protocol, max_epochs=min(protocol.max_epochs, len(self.losses))))


def paper_rates(losses, lr=1e-3):
    """The protocol as the paper tells it: the rate of each epoch that is run."""
    rates, best, waited, events = [], np.inf, 0, 0
    for loss in losses:
        rates.append(lr)
        waited = 0 if loss < best else waited + 1
        best = min(best, loss)
        if waited == 2:
            waited, events, lr = 0, events + 1, lr / 5
            if events == 3:
                break
    return rates


@pytest.mark.parametrize("seed", range(12))
def test_schedule__random_losses__is_the_papers(seed):
    rng = np.random.default_rng(seed)
    losses = (rng.normal(size=40) - rng.uniform(0, 0.5) * np.arange(40)).round(2)
    net = Script(losses.tolist()).run()
    assert net.history[:, "lr"] == pytest.approx(paper_rates(losses), rel=1e-9)


def test_schedule__no_progress__stops_at_the_third_reduction():
    net = Script([1.0] * 50).run()
    # Epoch 1 is an improvement; then two without one, three times.
    assert len(net.history) == 7
    assert net.history[:, "lr"] == pytest.approx([1e-3] * 3 + [2e-4] * 2 + [4e-5] * 2)


def test_schedule__equal_loss__is_no_improvement():
    net = Script([1.0, 0.5, 0.5, 0.5, 0.4]).run()
    assert net.history[:, "lr"] == pytest.approx([1e-3] * 4 + [2e-4])


def test_schedule__steady_progress__runs_all_epochs_at_full_rate():
    net = Script(list(np.linspace(1, 0, 30))).run(max_epochs=30)
    assert len(net.history) == 30
    assert set(net.history[:, "lr"]) == {1e-3}


def test_schedule__other_numbers__are_obeyed():
    net = Script([1.0] * 50).run(patience=3, lr_factor=0.5, max_reductions=2, lr=0.1)
    assert net.history[:, "lr"] == pytest.approx([0.1] * 4 + [0.05] * 3)


def test_schedule__no_patience__falls_at_each_epoch_without_improvement_and_no_other():
    net = Script([1.0, 0.9, 0.8, 0.8, 0.7, 0.7, 0.6]).run(patience=0)
    assert net.history[:, "lr"] == pytest.approx([1e-3] * 4 + [2e-4] * 2 + [4e-5])


def test_weights__after_training__are_those_of_the_best_metric_not_of_the_best_loss():
    losses = [5.0, 4.0, 3.0, 2.0, 1.0, 0.5]
    metrics = [0.9, 0.3, 0.8, 0.3, 0.7, 0.6]
    script = Script(losses, metrics)
    net = script.run()
    assert len(set(script.values)) == len(script.values), "each epoch must change the weight"
    assert net.module_.value.item() == script.values[1]
    assert net.history[:, "valid_metric"] == pytest.approx(metrics)


def test_weights__without_validation__are_the_last_of_all_epochs():
    net = run(replace(PAPER, max_epochs=9), validation=False)
    assert len(net.history) == 9
    assert "valid_loss" not in net.history[-1]
    # Adam moves by its rate while the gradient keeps its sign.
    assert net.module_.value.item() == pytest.approx(-9e-3, rel=1e-3)


def test_metric__batches_of_unequal_size__weigh_by_examples():
    lengths = [5, 5, 5, 7]
    rng = np.random.default_rng(0)
    held = TrajectoryExamples([rng.normal(size=(T, 1)) for T in lengths], np.float32([0, 0, 0, 1]))
    protocol = replace(
        PAPER, max_epochs=1, lr=0.0, metric=lambda o, y: (o[:, 0] - y).abs().sum(), loss=mean_of
    )
    net = train(Constant(), protocol, examples(), held, device="cpu", verbose=False)
    assert net.history[-1, "valid_metric"] == pytest.approx(0.25)


# --- what goes wrong ----------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("where", [1, 2], ids=["training", "validation"])
def test_loss__not_finite__stops_with_a_remedy(bad, where):
    calls = []

    def loss(outputs, targets):
        calls.append(1)
        return outputs.mean() * (bad if len(calls) == where + 2 else 1)

    module = Constant()
    nn.init.ones_(module.value)
    with pytest.raises(TrainingError, match="loss is not finite.*[Ll]ower lr"):
        run(replace(PAPER, loss=loss), module)


def test_interrupt__in_the_loop__reaches_the_caller():
    def loss(outputs, targets):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(replace(PAPER, loss=loss))


def interrupt_at(monkeypatch, call):
    """Press Ctrl-C in the `call`-th batch of a regressor."""
    import skandi.regressor as module

    original, calls = module._squared_error, []

    def interrupted(outputs, alpha):
        calls.append(1)
        if len(calls) == call:
            raise KeyboardInterrupt
        return original(outputs, alpha)

    monkeypatch.setattr(module, "_squared_error", interrupted)


def small_regressor(**changes):
    return AlphaRegressor(network_params=TINY_WADNET, max_epochs=3, random_state=0, **changes)


def walks(d=1, seed=0):
    X = ragged(n=20, low=8, high=8, d=d, seed=seed)
    return X, alphas(20)


@pytest.mark.parametrize("call", [1, 3])
def test_interrupt__in_the_first_fit__leaves_nothing_that_counts_as_fitted(monkeypatch, call):
    regressor = small_regressor()
    interrupt_at(monkeypatch, call)
    with pytest.raises(KeyboardInterrupt):
        regressor.fit(*walks())
    assert [name for name in vars(regressor) if name.endswith("_")] == []
    regressor.fit(*walks())
    assert len(regressor.predict(walks()[0])) == 20


@pytest.mark.parametrize("warm_start", [False, True])
def test_interrupt__in_a_second_fit__leaves_the_first_one_whole(monkeypatch, warm_start):
    X, y = walks()
    regressor = small_regressor(warm_start=warm_start).fit(X, y)
    before, history = regressor.predict(X), copy.copy(regressor.history_)
    interrupt_at(monkeypatch, 3)
    again = walks(seed=1) if warm_start else walks(d=2)
    with pytest.raises(KeyboardInterrupt):
        regressor.fit(*again)
    assert np.array_equal(regressor.predict(X), before)
    assert regressor.history_ == history
    assert regressor.n_dims_ == 1


def test_estimator__targets_out_of_float32__is_a_training_error_and_leaves_no_fit():
    X, y = walks()
    regressor = small_regressor()
    with pytest.raises(TrainingError, match="not finite"):
        regressor.fit(X, y * 1e30)
    assert not hasattr(regressor, "n_dims_")


# --- the bar, the seed, the precision, the net for prediction -----------------------------------


def test_bar__verbose__shows_epochs_and_losses_and_is_closed_after_an_interrupt(
    monkeypatch, capsys
):
    small_regressor(verbose=1).fit(*walks())
    shown = capsys.readouterr()
    assert "epoch" in shown.err
    assert "valid_loss" in shown.err
    assert shown.out == ""
    closed = []
    monkeypatch.setattr("skandi.training.loop.EpochBar.close", lambda self: closed.append(self))
    interrupt_at(monkeypatch, 2)
    with pytest.raises(KeyboardInterrupt):
        small_regressor(verbose=1).fit(*walks())
    assert len(closed) == 1


def test_bar__not_verbose__prints_nothing(capsys):
    small_regressor().fit(*walks())
    assert capsys.readouterr() == ("", "")


def test_seeded__block__is_repeatable_and_gives_the_state_back():
    before = torch.random.get_rng_state()
    with seeded(3):
        first = torch.rand(4)
    with pytest.raises(RuntimeError), seeded(3):
        assert torch.equal(torch.rand(4), first)
        raise RuntimeError
    assert torch.equal(torch.random.get_rng_state(), before)


def test_seeded__on_the_processor__leaves_gpus_alone(monkeypatch):
    def started(*args, **kwargs):
        raise AssertionError("a GPU was asked")

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    for name in ("get_rng_state", "set_rng_state", "manual_seed", "manual_seed_all"):
        monkeypatch.setattr(torch.cuda, name, started)
    with seeded(0):
        first = torch.rand(4)
    build_network(StreamTraining())
    monkeypatch.undo()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        assert torch.equal(torch.rand(4), first)


def test_infer__another_device__is_computed_in_the_precision_there(monkeypatch):
    asked = []

    def told(precision, network, x):
        asked.append(x.device.type)
        return nullcontext()

    monkeypatch.setattr(loop, "arithmetic", told)
    net = hold(nn.Linear(5, 2).to("meta"), device="meta")
    net.infer(torch.zeros(3, 5))
    assert asked == ["meta"]


@pytest.mark.parametrize("T, expected", [(31, torch.float32), (32, torch.bfloat16)])
def test_arithmetic__bfloat16__begins_at_the_networks_shortest_length(T, expected):
    net = nn.Linear(T, 2)
    net.shortest_bfloat16 = 32
    x = torch.zeros(3, 1, T)
    with arithmetic("bfloat16", net, x):
        assert net(x).dtype == expected
    with arithmetic("float32", net, x):
        assert net(x).dtype == torch.float32


def test_arithmetic__unknown_precision__is_refused():
    with pytest.raises(ValueError, match="precision is 'bf16'.*float32.*bfloat16"):
        small_regressor(precision="bf16").fit(*walks())


def test_hold__module__becomes_a_net_that_predicts_and_pickles():
    module = Constant()
    nn.init.constant_(module.value, 0.7)
    net = pickle.loads(pickle.dumps(hold(module, device="cpu")))
    assert net.module_(torch.zeros(2, 1, 5))[1, 0].item() == pytest.approx(0.7)
    assert module.value.item() == pytest.approx(0.7)
