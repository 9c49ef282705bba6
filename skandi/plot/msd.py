"""The mean squared displacement of many tracks, and the law it follows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skandi.errors import TrajectoryError
from skandi.io import Tracks
from skandi.msd import ALPHA_BOUNDS, MSDFit, fit_msd, time_averaged_msd
from skandi.plot.style import (
    ACCENT,
    CONTRAST,
    MUTED,
    drawing,
    log_axis,
    plain,
    square_unit,
    with_unit,
)

_TRACKS_DRAWN = 100
_FEWEST_TRACKS = 0.5  # of all, at the longest lag
_MARKERS = 30
_AT_BOUND = 1e-3
_NO_LAW = "no fit: the mean does not grow with the lag"


class MSDDisplay:
    """Time-averaged MSD, its mean over tracks, and the fit of MSD = 2 d D_α t^α + offset.

    The offset is what localisation noise adds and exposure blur takes away; without it the slope of
    short lags is not α. The fit is to the mean over tracks, and no answer of a network.

    Parameters
    ----------
    times : ndarray of shape (n_lags,)
        Lag times.
    track_msd : ndarray of shape (n_tracks, n_lags)
        TA-MSD of each track, NaN where it is too short.
    fit : MSDFit or None
        The law, None for no line.
    space_unit, time_unit : str, optional
        For the axes; lags are in frames where the time unit is not known.

    Attributes
    ----------
    mean_msd_ : ndarray of shape (n_lags,)
        Mean over the tracks that reach a lag.
    ax_, figure_ : Axes, Figure
        Of the last ``plot``.

    Examples
    --------
    >>> from skandi.io import Tracks
    >>> from skandi.plot import MSDDisplay
    >>> from skandi.simulate import simulate
    >>> walks = simulate("fbm", 0.7, n_samples=300, T=80, n_dims=2, random_state=0)
    >>> tracks = Tracks.from_trajectories(
    ...     list(walks), frame_interval=0.1, time_unit="s", space_unit="µm"
    ... )
    >>> display = MSDDisplay.from_tracks(tracks)
    >>> round(display.fit.alpha, 1), display.ax_.get_ylabel()
    (0.7, 'MSD (µm²)')
    """

    def __init__(
        self,
        times: NDArray[np.float64],
        track_msd: NDArray[np.float64],
        fit: MSDFit | None = None,
        *,
        space_unit: str | None = None,
        time_unit: str | None = None,
    ) -> None:
        self.times = times
        self.track_msd = track_msd
        self.fit = fit
        self.space_unit = space_unit
        self.time_unit = time_unit

    @classmethod
    def from_tracks(
        cls,
        tracks: Tracks,
        *,
        alpha: float | None = None,
        max_lag: int | None = None,
        ax: Any = None,
    ) -> MSDDisplay:
        """Compute and draw the MSD of tracks.

        Parameters
        ----------
        tracks : Tracks
            Those of fewer than 4 points are left out.
        alpha : float, optional
            Exponent of the fit; fitted too when left out.
        max_lag : int, optional
            Largest lag in frames; a third of the median track when left out.
        ax : Axes, optional

        Returns
        -------
        MSDDisplay

        Raises
        ------
        TrajectoryError
            If the tracks are too short for a fit.
        """
        kept = [x for x in tracks.trajectories if len(x) >= 4]
        if not kept:
            raise TrajectoryError("An MSD needs tracks of 4 points or more, and there are none.")
        if max_lag is None:
            max_lag = max(4, int(np.median([len(x) for x in kept])) // 3)
        msd = np.stack([time_averaged_msd(x, max_lag) for x in kept])
        reached = np.isfinite(msd).sum(axis=0) >= _FEWEST_TRACKS * len(kept)
        msd = msd[:, reached]
        times = np.arange(1, msd.shape[1] + 1) * (tracks.frame_interval or 1.0)
        fit = fit_msd(times, np.nanmean(msd, axis=0), tracks.n_dims, alpha=alpha)
        timed = tracks.frame_interval is not None
        display = cls(
            times,
            msd,
            fit,
            space_unit=tracks.space_unit,
            time_unit=tracks.time_unit or "unit of the frame interval" if timed else None,
        )
        return display.plot(ax)

    def plot(self, ax: Any = None) -> MSDDisplay:
        """Draw on given axes, or on a new figure; both axes are logarithmic.

        Parameters
        ----------
        ax : Axes, optional

        Returns
        -------
        self
        """
        self.mean_msd_ = np.nanmean(self.track_msd, axis=0)
        with drawing(ax, height=0.85) as ax:
            every = max(1, int(np.ceil(len(self.track_msd) / _TRACKS_DRAWN)))
            shown = self.track_msd[::every]
            ax.plot(self.times, shown.T, color=MUTED, alpha=0.25, linewidth=0.4, zorder=1)
            ax.plot([], [], color=MUTED, linewidth=0.6, label=f"single tracks ({len(shown)} shown)")
            # evenly along a logarithmic axis: 200 points would be a thick line
            last = len(self.times)
            marked = np.unique(np.geomspace(1, last, _MARKERS).round().astype(int)) - 1
            ax.plot(
                self.times[marked], self.mean_msd_[marked], "o", color=ACCENT, markersize=3,
                zorder=3, label=f"mean of {len(self.track_msd)} tracks",
            )  # fmt: skip
            if self.fit is not None:
                dense = np.geomspace(self.times[0], self.times[-1], 200)
                grows = self.fit.D_alpha > 0
                ax.plot(
                    dense if grows else [], self.fit(dense) if grows else [], color=CONTRAST,
                    zorder=4, label=self._law() if grows else _NO_LAW,
                )  # fmt: skip
            log_axis(ax.xaxis, self.times[0] * 0.9, self.times[-1] * 1.1)
            log_axis(ax.yaxis, *self._limits(shown))
            ax.set_xlabel(with_unit("lag", self.time_unit, "frames"))
            ax.set_ylabel(
                with_unit("MSD", square_unit(self.space_unit), "squared unit of the input")
            )
            ax.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), borderaxespad=0.2)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _limits(self, shown: NDArray[np.float64]) -> tuple[float, float]:
        """All of the mean, and all but the most extreme of the tracks that are shown."""
        # a track that never moves has no place on a logarithmic axis
        mean = self.mean_msd_[self.mean_msd_ > 0]
        moving = shown[shown > 0]
        low, high = np.quantile(moving if len(moving) else mean, [0.005, 0.995])
        return 0.7 * min(low, mean.min()), 1.4 * max(high, mean.max())

    def _law(self) -> str:
        assert self.fit is not None
        law, D, unit = self.fit, r"$D_\alpha$", ""
        if self.space_unit and self.time_unit:
            unit = rf" {plain(self.space_unit)}²/{plain(self.time_unit)}$^\alpha$"
        sign = "="
        if law.alpha < ALPHA_BOUNDS[0] + _AT_BOUND:
            sign = "≤"  # the fit ended at its limit: no such law describes the mean
        elif law.alpha > ALPHA_BOUNDS[1] - _AT_BOUND:
            sign = "≥"
        return (
            rf"{2 * law.n_dims} {D} $t^\alpha$ + c, α {sign} {law.alpha:.2f}, "
            rf"{D} = {law.D_alpha:.3g}{unit}"
        )
