"""Training examples in batches of one length: nothing is padded, nothing is masked.

skorch's own data set must not see a ragged list (it reads three equal-length arrays of length five
as five samples), so these two classes stand in its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from skandi.lengths import crops, group_by_length
from skandi.normalize import standardize


class TrajectoryExamples(Dataset):
    """Normalised trajectories, grouped by length, each with its target.

    Parameters
    ----------
    trajectories : sequence of ndarray of shape (T_i, d)
        Raw positions.
    targets : ndarray of shape (n,) or (n, k)
        What the loss compares outputs with.
    length : int, optional
        Length of the network: a longer trajectory then gives an example for each of its crops.
    """

    def __init__(
        self,
        trajectories: Sequence[NDArray[np.float64]],
        targets: NDArray,
        length: int | None = None,
    ) -> None:
        groups: dict[int, list[tuple[NDArray, NDArray]]] = {}
        for T, members in group_by_length(trajectories).items():
            z = standardize(np.stack([trajectories[i] for i in members])).astype(np.float32)
            for part in crops(z, length):
                groups.setdefault(length or T, []).append((part, targets[members]))
        self.inputs: list[Tensor] = []
        self.targets: list[Tensor] = []
        for parts in groups.values():
            x = np.concatenate([part for part, _ in parts]).transpose(0, 2, 1)
            self.inputs.append(torch.from_numpy(np.ascontiguousarray(x)))
            self.targets.append(torch.from_numpy(np.concatenate([y for _, y in parts])))

    def __len__(self) -> int:
        return sum(map(len, self.inputs))


class LengthBatches:
    """Iterate over batches of one length; the iterator that skorch uses instead of a DataLoader.

    Parameters
    ----------
    examples : TrajectoryExamples
        What to iterate over.
    batch_size : int
        Examples per batch; -1 for all of one length. A lone last example joins the batch before
        it, because batch normalisation cannot learn from one.
    shuffle : bool, default=False
        Draw members and order of the batches anew on each pass, from torch's generator, which the
        training loop seeds.
    """

    def __init__(
        self, examples: TrajectoryExamples, batch_size: int, shuffle: bool = False
    ) -> None:
        self.examples = examples
        self.batch_size = batch_size
        self.shuffle = shuffle

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        batches: list[tuple[int, Tensor]] = []
        for group, x in enumerate(self.examples.inputs):
            order = torch.randperm(len(x)) if self.shuffle else torch.arange(len(x))
            size = self.batch_size if self.batch_size > 0 else len(x)
            batches.extend((group, part) for part in split_batches(order, size))
        turns = torch.randperm(len(batches)).tolist() if self.shuffle else range(len(batches))
        for turn in turns:
            group, part = batches[turn]
            yield self.examples.inputs[group][part], self.examples.targets[group][part]


def split_batches(order: Tensor, batch_size: int) -> list[Tensor]:
    """Split indices into batches; a lone last one joins the batch before it."""
    parts = list(order.split(batch_size))
    if len(parts) > 1 and len(parts[-1]) == 1:
        parts[-2:] = [torch.cat(parts[-2:])]
    return parts
