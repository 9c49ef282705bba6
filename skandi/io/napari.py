"""napari's tracks layer: an array with ID, T, (Z,) Y, X in each row. Y comes before X."""

from __future__ import annotations

import os

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skandi.errors import TracksFileError
from skandi.files import replacing
from skandi.io.arrays import FORMS, as_numbers
from skandi.io.ids import encode_ids
from skandi.io.localisations import Localisations
from skandi.io.tracks import Tracks, first_other

_LARGEST_ID = 2**53  # a float64 tells no larger ones apart


def read_napari(array: NDArray, source: str = "array") -> Localisations:
    """The localisations of a tracks layer: its ``layer.data``.

    Raises
    ------
    TracksFileError
        If it has not 4 or 5 columns, or times are no frames.
    """
    rows = as_numbers(array, 2, "napari", source)
    n_dims = rows.shape[1] - 2
    if n_dims not in (2, 3):
        raise TracksFileError(
            f"{source} has {rows.shape[1]} columns, and napari's tracks have 4 or 5. "
            f"Arrays can be: {FORMS}."
        )
    track, names = encode_ids(pd.Series(rows[:, 0]))
    return Localisations(
        source=source,
        format="napari",
        track=track,
        names=names,
        time=rows[:, 1],
        positions=rows[:, :1:-1].copy(),  # Y, X or Z, Y, X, backwards
        axes=("x", "y", "z")[:n_dims],
    )


def napari_array(tracks: Tracks) -> NDArray[np.float64]:
    """Tracks as napari shows them: ``viewer.add_tracks(napari_array(tracks))``.

    napari's ids are whole numbers. Where those of `tracks` all are, up to 2^53, they are kept;
    otherwise tracks are numbered by their place, from 0.

    Parameters
    ----------
    tracks : Tracks
        Of two or three dimensions.

    Returns
    -------
    ndarray of shape (n points, 4 or 5), float64
        ID, T (the frame), Z in three dimensions, Y, X.

    Raises
    ------
    TracksFileError
        If tracks are one-dimensional, which napari cannot show.

    Examples
    --------
    >>> import numpy as np
    >>> from skandi.io import Tracks, napari_array
    >>> tracks = Tracks.from_trajectories([np.array([[1.0, 2.0], [3.0, 4.0]])], ids=["7"])
    >>> napari_array(tracks).tolist()
    [[7.0, 0.0, 2.0, 1.0], [7.0, 1.0, 4.0, 3.0]]
    """
    if tracks.n_dims not in (2, 3):
        raise TracksFileError(f"napari shows tracks in 2 or 3 dimensions, not in {tracks.n_dims}.")
    numbers = [int(name) for name in tracks.ids if name.isdecimal() and str(int(name)) == name]
    if len(numbers) < len(tracks) or max(numbers, default=0) > _LARGEST_ID:
        numbers = list(range(len(tracks)))
    blocks = [
        np.column_stack([np.full(len(x), number), first + np.arange(len(x)), x[:, ::-1]])
        for number, first, x in zip(numbers, tracks.first_frames, tracks.trajectories, strict=True)
    ]
    return np.concatenate(blocks)


def napari_features(tracks: Tracks, table: pd.DataFrame) -> pd.DataFrame:
    """What is known of each track, once for each of its points, to colour tracks by.

    Parameters
    ----------
    tracks : Tracks
        What `napari_array` shows.
    table : DataFrame
        One row per track in their order, as `skandi.analyse` gives.

    Returns
    -------
    DataFrame
        One row per row of ``napari_array(tracks)``, the numeric columns of `table`: for
        ``viewer.add_tracks(napari_array(tracks), features=..., color_by="alpha")``. The model is a
        number there, ``model_index``, its place among the columns ``p_...``; -1 if unknown.

    Raises
    ------
    TracksFileError
        If `table` is about other tracks.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from skandi.io import Tracks, napari_features
    >>> tracks = Tracks.from_trajectories([np.zeros((2, 2)), np.zeros((1, 2))], ids=["7", "8"])
    >>> table = pd.DataFrame({"track_id": ["7", "8"], "alpha": [0.5, 1.0]})
    >>> napari_features(tracks, table)["alpha"].tolist()
    [0.5, 0.5, 1.0]
    """
    if len(table) != len(tracks) or first_other(table["track_id"], tracks.ids) is not None:
        raise TracksFileError(
            f"The table has {len(table)} rows, and they are not the {len(tracks)} tracks in their "
            "order. Pass the table that analyse gave for these tracks, unsorted."
        )
    # of a file, a column of yes and no with a missing one is of type object
    table = table.convert_dtypes()
    numbers = table.drop(columns="track_id").select_dtypes(["number", "boolean"])
    if "model" in table:
        models = [name.removeprefix("p_") for name in table if name.startswith("p_")]
        place = table["model"].map({model: k for k, model in enumerate(models)})
        numbers = numbers.assign(model_index=place.fillna(-1).astype(int))
    # napari colours by numbers; a missing one would leave the layer without any colour
    numbers = numbers.astype(np.float64)
    return numbers.loc[numbers.index.repeat(tracks.n_points)].reset_index(drop=True)


def write_napari(tracks: Tracks, path: str | os.PathLike[str]) -> None:
    """Write `napari_array` of tracks as a ``.npy`` file.

    Raises
    ------
    TracksFileError
        If tracks are one-dimensional.
    """
    array = napari_array(tracks)
    with replacing(path) as aside, aside.open("wb") as file:
        np.save(file, array, allow_pickle=False)
