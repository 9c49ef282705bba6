"""Networks that answer together: the mean of their distributions."""

import torch

from skandi.networks import MultiScaleNet, NetworkEnsemble

MEMBERS = [
    {"channels": (8, 16), "recurrent_block": 1, "recurrent_size": 4, "hidden_size": 8},
    {"channels": (8, 8), "recurrent_size": 0, "hidden_size": 12},
]


def positions(n, T):
    return torch.randn(n, 2, T, generator=torch.Generator().manual_seed(T))


def test_ensemble__output__is_the_mean_of_the_probabilities():
    network = NetworkEnsemble(2, 5, members=MEMBERS).eval()
    x = positions(4, 30)
    each = [member(x).softmax(dim=1) for member in network.members]
    torch.testing.assert_close(network(x).exp(), (each[0] + each[1]) / 2)
    assert network.features(x).shape == (4, network.n_features) == (4, 20)


def test_ensemble__filled_up_batch__has_the_features_of_each_trajectory_by_itself():
    network = NetworkEnsemble(2, 5, members=MEMBERS).eval()
    x = positions(3, 30)
    lengths = torch.tensor([30, 27, 11])
    together = network.padded_features(x, lengths)
    for k, T in enumerate(lengths):
        alone = network.features(x[k : k + 1, :, :T])
        torch.testing.assert_close(together[k : k + 1], alone, atol=1e-4, rtol=1e-4)
    with torch.inference_mode():
        read = network.reader()(x, lengths)
    torch.testing.assert_close(read, together, atol=1e-4, rtol=1e-4)


def test_ensemble__single_member__answers_as_that_network():
    network = NetworkEnsemble(2, 5, members=MEMBERS[:1]).eval()
    alone = MultiScaleNet(2, 5, **MEMBERS[0]).eval()
    alone.load_state_dict(network.members[0].state_dict())
    x = positions(4, 30)
    torch.testing.assert_close(network(x).exp(), alone(x).softmax(dim=1))
