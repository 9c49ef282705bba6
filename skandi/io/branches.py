"""Tracks that split or merge: where a file says which spot follows which, a track is a graph.

An estimator reads one particle at a time. Where two spots follow one (a split), or one follows two
(a merge), the rows of a track are not one trajectory.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from skandi.errors import TracksFileError
from skandi.io.localisations import Localisations
from skandi.io.tracks import counted

BranchPolicy = Literal["split", "error", "longest"]
BRANCH_POLICIES: tuple[str, ...] = get_args(BranchPolicy)


def settle_branches(table: Localisations, branches: BranchPolicy) -> None:
    """Leave tracks without a branching point; uses up ``table.links``.

    Raises
    ------
    TracksFileError
        If a track splits or merges and `branches` is ``"error"``.
    """
    if table.links is None:
        return
    links = _forward_in_time(table.links, table.time)
    table.links = None
    source, target = links.T
    n_after = np.bincount(source, minlength=len(table.track))
    n_before = np.bincount(target, minlength=len(table.track))
    at_branching = (n_after[source] > 1) | (n_before[target] > 1)
    branching = np.unique(table.track[source[at_branching]])
    if not len(branching):
        return
    n = len(branching)
    told = f"{counted(n, 'track')} that {'splits or merges' if n == 1 else 'split or merge'}"
    if branches == "error":
        shown = ", ".join(table.names[k] for k in branching[:5])
        raise TracksFileError(
            f"{table.source}: {told} ({shown}{', …' if n > 5 else ''}). Use branches='split' or "
            "branches='longest', or track without splits and merges."
        )
    if branches == "split":
        n_pieces = _cut_at_branchings(table, links[~at_branching], branching)
        table.note(
            "branches_split",
            f"{told} cut there into {n_pieces} branches",
            n_tracks=n,
        )
    else:
        inside = np.isin(table.track[source], branching)
        kept = ~np.isin(table.track, branching)
        kept[_longest_paths(table, links[inside])] = True
        dropped = np.count_nonzero(~kept)
        for k in branching:
            table.track_notes[table.names[k]] = "longest branch of a track that splits or merges"
        table.keep(kept)
        table.note(
            "branches_longest",
            f"{told} reduced to the longest branch: {counted(dropped, 'row')} dropped",
            n_tracks=n,
            n_rows=dropped,
        )


def _forward_in_time(links: NDArray[np.int64], time: NDArray[np.float64]) -> NDArray[np.int64]:
    """Links from the earlier to the later spot; those drawn by hand may point back."""
    back = time[links[:, 0]] > time[links[:, 1]]
    return np.where(back[:, np.newaxis], links[:, ::-1], links)


def _cut_at_branchings(
    table: Localisations, links: NDArray[np.int64], branching: NDArray[np.int64]
) -> int:
    """Make each unbranched stretch of a branching track a track of its own; how many there are."""
    rows = np.flatnonzero(np.isin(table.track, branching))
    n = len(table.track)
    graph = coo_array((np.ones(len(links), dtype=bool), (links[:, 0], links[:, 1])), shape=(n, n))
    branch = connected_components(graph, directed=False)[1]
    rows = rows[np.lexsort((branch[rows], table.time[rows], table.track[rows]))]
    # numbered in the order in which the branches of a track begin
    _, first, code = np.unique(branch[rows], return_index=True, return_inverse=True)
    begins = np.argsort(first)
    number = np.empty(len(begins), dtype=np.int64)
    number[begins] = np.arange(len(begins))
    owner = table.track[rows[np.sort(first)]]
    n_pieces = np.bincount(owner, minlength=len(table.names))
    before = np.cumsum(n_pieces[branching]) - n_pieces[branching]
    within = np.arange(len(owner)) - np.repeat(before, n_pieces[branching])
    table.track[rows] = len(table.names) + number[code]
    for k, i in zip(owner.tolist(), within.tolist(), strict=True):
        name = table.names[k]
        table.names.append(f"{name}#{i + 1}")
        table.track_notes[table.names[-1]] = (
            f"branch {i + 1} of {n_pieces[k]} of track {name}, which splits or merges"
        )
    return len(owner)


def _longest_paths(table: Localisations, links: NDArray[np.int64]) -> list[int]:
    """Rows on the path of most points through each branching track; the first of equals."""
    n_points: dict[int, int] = {}
    previous: dict[int, int] = {}
    last: dict[int, int] = {}
    order = np.argsort(table.time[links[:, 1]], kind="stable")
    for source, target in links[order].tolist():
        reached = n_points.get(source, 1) + 1  # all links into the source came before
        if reached > n_points.get(target, 1):
            n_points[target], previous[target] = reached, source
            track = int(table.track[target])
            if reached > n_points.get(last.get(track, -1), 1):
                last[track] = target
    rows: list[int] = []
    for end in last.values():
        row: int | None = end
        while row is not None:
            rows.append(row)
            row = previous.get(row)
    return rows
