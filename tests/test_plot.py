"""Displays: what they compute, that they can be saved, and that names are only names."""

import io
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from fake_estimators import ConstantAlpha, LengthAsModel

from skandi import analyse_windows, plot
from skandi.diffusion import MODELS
from skandi.errors import MissingExtraError, SkandiError, TrajectoryError
from skandi.io import Tracks
from skandi.msd import fit_msd
from skandi.simulate import simulate

matplotlib = pytest.importorskip("matplotlib")
UNITS = {"frame_interval": 0.1, "time_unit": "s", "space_unit": "µm"}


@pytest.fixture(autouse=True)
def no_window(monkeypatch):
    from matplotlib import pyplot

    with monkeypatch.context():
        pyplot.switch_backend("agg")
        yield
        pyplot.close("all")


def saved(display):
    """The display itself, once it has been written as a picture one column wide."""
    figure = display.figure_
    assert figure.get_figwidth() * 25.4 == pytest.approx(85)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=figure.dpi)
    assert file.getbuffer().nbytes > 3_000
    for ax in figure.axes:
        for text in (ax.xaxis.label, ax.yaxis.label, *ax.get_xticklabels()):
            assert not text.get_text() or text.get_fontsize() >= 6
    assert_readable(figure)
    return display


def assert_readable(figure):
    """No text is cut off at the edge of the picture, and none lies on another of its kind."""
    whole = figure.bbox.padded(1)
    for ax in figure.axes:
        x_labels, y_labels = (
            [tick.label1 for tick in axis.get_major_ticks() if in_view(axis, tick)]
            for axis in (ax.xaxis, ax.yaxis)
        )
        kinds = [x_labels, y_labels, list(ax.texts), [ax.xaxis.label], [ax.yaxis.label]]
        if ax.get_legend() is not None:
            kinds.append(list(ax.get_legend().get_texts()))
        for texts in kinds:
            shown = [t for t in texts if t.get_text() and t.get_visible()]
            boxes = [t.get_window_extent() for t in shown]
            for text, box in zip(shown, boxes):
                assert whole.x0 <= box.x0 <= box.x1 <= whole.x1, text.get_text()
                assert whole.y0 <= box.y0 <= box.y1 <= whole.y1, text.get_text()
            for k, (text, box) in enumerate(zip(shown, boxes)):
                for other, beside in zip(shown[k + 1 :], boxes[k + 1 :]):
                    if not text.get_rotation() % 90:  # the boxes of slanted text overlap anyway
                        assert not box.overlaps(beside), (text.get_text(), other.get_text())


def in_view(axis, tick):
    low, high = sorted(axis.get_view_interval())
    return low <= tick.get_loc() <= high


def walks(n, T=20, n_dims=2, seed=0):
    return list(np.random.default_rng(seed).normal(size=(n, T, n_dims)).cumsum(axis=1))


def results(n):
    """A table as analyse makes it; the last track has no answer."""
    table = pd.DataFrame({"alpha": np.linspace(0.1, 1.9, n), "novelty": np.arange(n) / n})
    table["model"] = pd.Series([MODELS[k % 5] for k in range(n)], dtype="string")
    table.loc[n - 1] = [np.nan, np.nan, None]
    table["track_id"] = [str(k) for k in range(n)]
    return table


@pytest.mark.parametrize("color", ["alpha", "model", "novelty"])
@pytest.mark.parametrize("layout", ["field", "grid"])
@pytest.mark.parametrize("n_dims", [1, 2, 3])
def test_tracks__colours__are_the_answers(color, layout, n_dims):
    tracks, table = Tracks.from_trajectories(walks(8, n_dims=n_dims), **UNITS), results(8)
    display = saved(plot.TracksDisplay.from_table(tracks, table, color=color, layout=layout))
    assert len(display.lines_.get_segments()) == 7
    if color == "model":
        expected = [matplotlib.colors.to_rgba(plot.MODEL_COLORS[m]) for m in table.model[:7]]
        np.testing.assert_allclose(display.lines_.get_colors(), expected)
    else:
        np.testing.assert_allclose(display.lines_.get_array(), table[color][:7])
    labels = display.ax_.get_xlabel(), display.ax_.get_ylabel()
    on_grid = ("each track on its own scale", "")
    in_field = (
        on_grid if layout == "grid" else ("x (µm)" + ", seen along z" * (n_dims == 3), "y (µm)")
    )
    assert labels == (("time (s)", "x (µm)") if n_dims == 1 else in_field)


def test_tracks__positions__are_where_they_were_measured():
    tracks = Tracks.from_trajectories(walks(3))
    display = plot.TracksDisplay.from_table(tracks, results(4).iloc[:3])
    for line, x in zip(display.lines_.get_segments(), tracks.trajectories):
        np.testing.assert_allclose(line, x)
    assert display.ax_.get_xlabel() == "x (unit of the input)"


def test_tracks__unknown_layout_or_colour__is_refused():
    tracks = Tracks.from_trajectories(walks(4))
    with pytest.raises(SkandiError, match="layout is 'gird'; it must be one of field, grid"):
        plot.TracksDisplay.from_table(tracks, results(4), layout="gird")
    with pytest.raises(SkandiError, match="color is 'colour'; it must be one of alpha, model"):
        plot.TracksDisplay.from_table(tracks, results(4), color="colour")


@pytest.mark.parametrize("color", ["alpha", "model", "novelty"])
def test_tracks__no_column_for_the_colour__is_refused(color):
    table = results(4).drop(columns=color)
    with pytest.raises(SkandiError, match=f"no column {color}: .* that analyse returned"):
        plot.TracksDisplay.from_table(Tracks.from_trajectories(walks(4)), table, color=color)


@pytest.mark.parametrize(
    "units, label, end",
    [
        ({}, "time (frames)", 19),
        ({"time_unit": "s"}, "time (frames)", 19),
        ({"frame_interval": 0.5}, "time (unit of the frame interval)", 9.5),
        ({"frame_interval": 0.5, "time_unit": "s"}, "time (s)", 9.5),
    ],
)
def test_tracks__one_dimension__has_a_time_axis_in_its_unit(units, label, end):
    tracks = Tracks.from_trajectories(walks(3, n_dims=1), **units)
    display = plot.TracksDisplay.from_table(tracks, results(4).iloc[:3])
    assert display.ax_.get_xlabel() == label
    assert display.lines_.get_segments()[0][-1, 0] == end
    if units != {"time_unit": "s"}:
        alone = plot.TracksDisplay(tracks.trajectories, display.values, **units).plot()
        assert alone.ax_.get_xlabel() == label


def test_tracks__table_of_others__is_refused():
    with pytest.raises(SkandiError, match="4 rows and there are 3 tracks"):
        plot.TracksDisplay.from_table(Tracks.from_trajectories(walks(3)), results(4))
    tracks = Tracks.from_trajectories(walks(4))
    foreign = results(4).assign(track_id=list("abcd"))
    sorted_numbers = results(4).assign(track_id=[3, 1, 2, 0])
    for table in (results(4).iloc[::-1], foreign, sorted_numbers):
        with pytest.raises(SkandiError, match="Row 0 of the table is of track .* in its order"):
            plot.TracksDisplay.from_table(tracks, table)


def test_tracks__novelty_that_nobody_knows__is_refused():
    table = results(4).assign(novelty=np.nan)
    with pytest.raises(SkandiError, match="No track of the table has a novelty"):
        plot.TracksDisplay.from_table(Tracks.from_trajectories(walks(4)), table, color="novelty")


def test_msd__drawn_tracks_that_never_move__leave_the_mean():
    moving = walks(1)[0]
    tracks = [np.zeros((len(moving), 2)) if k % 2 == 0 else moving for k in range(150)]
    display = saved(plot.MSDDisplay.from_tracks(Tracks.from_trajectories(tracks)))
    low, high = display.ax_.get_ylim()
    assert low < display.mean_msd_.min() < display.mean_msd_.max() < high


def test_alpha__conditions__have_their_histograms_and_medians():
    table = results(41).assign(condition=["a", "b"] * 20 + ["a"])
    table["alpha_lower"], table["alpha_upper"] = table.alpha - 0.25, table.alpha + 0.25
    display = saved(plot.AlphaDisplay.from_table(table))
    read = table[table.alpha.notna()]
    for name, rows in read.groupby("condition"):
        assert display.medians_.loc[name, "median"] == rows.alpha.median()
        assert display.medians_.loc[name, "lower"] < rows.alpha.median()
        assert display.counts_[name].sum() == len(rows)
        assert display.track_uncertainty[name] == pytest.approx(0.25)
    ticks = [text.get_text() for text in display.ax_.get_xticklabels()]
    assert ticks == ["a\nn = 20", "b\nn = 20"]
    below = plot.AlphaDisplay.from_table(table.assign(alpha=table.alpha - 1.55))
    assert sum(counts.sum() for counts in below.counts_.values()) == len(read)
    assert below.ax_.get_ylim() == ((table.alpha - 1.55).min(), 2)


def test_alpha__files_that_differ__widen_the_bar():
    rng = np.random.default_rng(0)
    film = np.arange(120) % 6
    alpha = 1 + rng.normal(scale=0.2, size=6)[film] + rng.normal(scale=0.05, size=120)
    table = pd.DataFrame({"alpha": alpha, "model": "fbm", "file": film})
    grouped = plot.AlphaDisplay.from_table(table).medians_.loc["all tracks"]
    alone = plot.AlphaDisplay.from_table(table.drop(columns="file")).medians_.loc["all tracks"]
    assert grouped["median"] == alone["median"]
    assert grouped.upper - grouped.lower > 2 * (alone.upper - alone.lower)
    by_hand = plot.AlphaDisplay({"all tracks": alpha}).plot()
    assert by_hand.medians_.loc["all tracks"].equals(alone)


@pytest.mark.parametrize("Display", [plot.AlphaDisplay, plot.CompositionDisplay])
def test_conditions__what_is_not_in_the_table__is_told(Display):
    table = results(10)
    with pytest.raises(SkandiError, match="no column treatment"):
        Display.from_table(table, condition="treatment")
    with pytest.raises(SkandiError, match="no column alpha"):
        Display.from_table(table[["model"]])


def test_composition__what_is_no_model__is_refused():
    with pytest.raises(SkandiError, match="no column model"):
        plot.CompositionDisplay.from_table(results(10)[["alpha"]])
    with pytest.raises(SkandiError, match="the models BM, FBM; each is one of attm"):
        plot.CompositionDisplay.from_table(results(10).assign(model=["FBM", "BM"] * 5))


@pytest.mark.parametrize("missing", [None, np.nan])
@pytest.mark.parametrize("Display", [plot.AlphaDisplay, plot.CompositionDisplay])
def test_conditions__track_without_one__is_refused(Display, missing):
    table = results(21).assign(condition=pd.Series(["a"] * 18 + [missing] * 3, dtype=object))
    assert table.alpha.isna().tolist() == [False] * 20 + [True]  # the last is not drawn
    with pytest.raises(SkandiError, match="2 of 20 rows have no condition"):
        Display.from_table(table)
    Display.from_table(table.drop(index=[18, 19]))


@pytest.mark.parametrize("Display", [plot.AlphaDisplay, plot.CompositionDisplay])
@pytest.mark.parametrize("n", [3, 6, 12])
def test_conditions__many_with_long_names__stay_readable(Display, n):
    names = [f"{k} µM of some blebbistatin_or_other, 37 °C" for k in range(n)]
    table = results(8 * n + 1).assign(condition=[*names * 8, "none"])
    table["alpha_lower"], table["alpha_upper"] = table.alpha - 0.25, table.alpha + 0.25
    display = saved(Display.from_table(table))
    axis = "xaxis" if Display is plot.AlphaDisplay else "yaxis"
    labels = [text.get_text() for text in getattr(display.ax_, axis).get_ticklabels()]
    assert [label.split()[0] for label in labels] == [str(k) for k in range(n)]


def test_composition__bars__are_the_shares():
    table = results(41).assign(condition=["a"] * 20 + ["b"] * 21)
    display = saved(plot.CompositionDisplay.from_table(table))
    widths = [bar.get_width() for bar in display.ax_.patches]
    np.testing.assert_allclose(widths, display.shares.to_numpy().ravel())
    np.testing.assert_allclose(display.shares.loc["a"], [0.2] * 5)
    assert display.n_tracks == {"a": 20, "b": 20}


@pytest.mark.parametrize("Display", [plot.AlphaDisplay, plot.CompositionDisplay])
def test_conditions__hostile_names__are_only_text(Display):
    names = ["$\\frac{1$", "_hidden", "a\nb", "x" * 300]
    table = results(5).assign(condition=[*names, "none"])
    display = saved(Display.from_table(table))
    axis = display.ax_.get_xticklabels() if Display is plot.AlphaDisplay else (
        display.ax_.get_yticklabels()
    )  # fmt: skip
    assert len(axis) == 4
    assert max(len(text.get_text()) for text in axis) < 60
    with pytest.raises(SkandiError, match="nothing to draw"):
        Display.from_table(table.iloc[4:])


def test_msd__ensemble__is_fitted_and_drawn_in_units():
    x = simulate("fbm", 0.7, 400, 60, 2, random_state=0)
    x = 0.1 * (x + 0.5 * np.random.default_rng(0).normal(size=x.shape))
    display = saved(plot.MSDDisplay.from_tracks(Tracks.from_trajectories([*x, x[0][:3]], **UNITS)))
    assert display.track_msd.shape == (400, 20)
    np.testing.assert_allclose(display.times, np.arange(1, 21) * 0.1)
    expected = np.mean([((t[3:] - t[:-3]) ** 2).sum(axis=1).mean() for t in x])
    assert display.mean_msd_[2] == pytest.approx(expected)
    assert display.fit.alpha == pytest.approx(0.7, abs=0.05)
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("lag (s)", "MSD (µm²)")
    with pytest.raises(TrajectoryError, match="4 points"):
        plot.MSDDisplay.from_tracks(Tracks.from_trajectories([x[0][:3]]))


@pytest.mark.parametrize(
    "T, interval, unit",
    [(14, 0.033, "s"), (32, 20, "ms"), (60, 1e-6, "h"), (100, None, None), (400, 0.5, "s")],
)
def test_msd__log_axes__have_few_labels_and_no_two_overlap(T, interval, unit):
    tracks = Tracks.from_trajectories(
        walks(30, T), frame_interval=interval, time_unit=unit, space_unit="µm"
    )
    display = saved(plot.MSDDisplay.from_tracks(tracks))
    for axis in (display.ax_.xaxis, display.ax_.yaxis):
        shown = [tick for tick in axis.get_major_ticks() if in_view(axis, tick)]
        assert 3 <= len(shown) <= 10


def test_msd__mean_above_nearly_all_tracks__is_in_the_picture():
    tracks = walks(40)
    tracks[7] = tracks[7] * 1000  # links to another particle, across the field
    display = saved(plot.MSDDisplay.from_tracks(Tracks.from_trajectories(tracks, **UNITS)))
    low, high = display.ax_.get_ylim()
    assert low < display.mean_msd_.min()
    assert display.mean_msd_.max() < high


def test_msd__fit_that_ends_at_its_limit__says_so():
    times = np.arange(1.0, 9.0)
    display = plot.MSDDisplay(times, times[None] ** 3, fit_msd(times, times**3, 2), **{
        key: UNITS[key] for key in ("space_unit", "time_unit")
    }).plot()  # fmt: skip
    assert "α ≥ 2.50" in saved(display).ax_.get_legend().get_texts()[-1].get_text()


def test_msd__mean_that_falls__has_no_law():
    times = np.arange(1.0, 9.0)
    display = saved(plot.MSDDisplay(times, 1 / times[None], fit_msd(times, 1 / times, 2)).plot())
    line = display.ax_.lines[-1]
    assert len(line.get_xdata()) == 0
    assert line.get_label() == "no fit: the mean does not grow with the lag"


def test_msd__many_lags__are_not_a_thick_line():
    display = saved(plot.MSDDisplay.from_tracks(Tracks.from_trajectories(walks(3, T=600))))
    assert len(display.mean_msd_) == 200
    (drawn,) = (line for line in display.ax_.lines if line.get_marker() == "o")
    x, y = drawn.get_data()
    assert 15 <= len(x) <= 30
    np.testing.assert_array_equal(y, display.mean_msd_[x.astype(int) - 1])


@pytest.mark.parametrize("novelty", [False, True])
def test_windows__along_a_track__are_drawn_over_time(novelty):
    track = Tracks.from_trajectories(walks(1, T=100), **UNITS)
    table = analyse_windows(
        track, 20, 10, alpha_model=ConstantAlpha(0.8), model_classifier=LengthAsModel()
    )
    if novelty:
        table["novelty"] = np.arange(len(table), dtype=float)
    display = saved(plot.WindowsDisplay.from_table(table))
    assert len(display.axes_) == 2 + novelty
    drawn = display.axes_[0].lines[1].get_xydata()
    np.testing.assert_allclose(drawn, table[["time", "alpha"]])
    assert display.axes_[-1].get_xlabel() == "middle of the window (s)"
    assert len({ax.get_xlim() for ax in display.axes_}) == 1


def windows_of(**tracks):
    track = Tracks.from_trajectories(walks(1, T=100), **tracks)
    return analyse_windows(
        track, 20, 10, alpha_model=ConstantAlpha(0.8), model_classifier=LengthAsModel()
    )


@pytest.mark.parametrize(
    "tracks, unit", [(UNITS, "unit of the column time"), ({}, "frames")], ids=["seconds", "frames"]
)
def test_windows__table_that_lost_its_units__does_not_make_them_up(tracks, unit):
    table = windows_of(**tracks)
    table.attrs.clear()
    display = plot.WindowsDisplay.from_table(table)
    assert display.axes_[-1].get_xlabel() == f"middle of the window ({unit})"
    alone = plot.WindowsDisplay.from_table(table.iloc[[0]])
    assert alone.axes_[-1].get_xlabel() == f"middle of the window ({unit})"


def test_windows__table_of_whole_tracks_or_of_nothing__is_refused():
    table = windows_of(**UNITS)
    with pytest.raises(SkandiError, match="no column start, stop, time: .* analyse_windows"):
        plot.WindowsDisplay.from_table(table.drop(columns=["start", "stop", "time"]))
    with pytest.raises(SkandiError, match="no row: .* needs one window or more"):
        plot.WindowsDisplay.from_table(table.iloc[:0])


def test_windows__no_window_with_an_answer__has_an_empty_picture():
    still = Tracks.from_trajectories([np.zeros((100, 2))])
    table = analyse_windows(
        still, 20, 10, alpha_model=ConstantAlpha(0.8), model_classifier=LengthAsModel()
    )
    _, lower = plot.WindowsDisplay.from_table(table).axes_
    assert len(lower.collections) == len(MODELS)


def test_windows__axes_of_the_user__have_one_scale_of_time():
    _, axes = plot.panels(2, 1)
    display = plot.WindowsDisplay.from_table(windows_of(**UNITS), axes=axes)
    assert display.axes_[0].get_xlim() == display.axes_[1].get_xlim()


def test_windows__classifier_of_few_models__has_its_probabilities_drawn():
    track = Tracks.from_trajectories(walks(1, T=100))
    table = analyse_windows(
        track, 20, 10, alpha_model=ConstantAlpha(-0.5),
        model_classifier=LengthAsModel(["fbm", "lw"]),
    )  # fmt: skip
    upper, lower = plot.WindowsDisplay.from_table(table).axes_
    assert [area.get_label() for area in lower.collections] == ["FBM", "LW"]
    assert all(len(area.get_paths()) for area in lower.collections)
    assert upper.get_ylim() == (-0.5, 2)


def test_confusion__rows__are_true_models_and_add_up():
    y, guessed = ["fbm", "attm", "fbm", "fbm", "lw"], ["fbm", "fbm", "lw", "fbm", "lw"]
    display = saved(plot.ConfusionDisplay.from_predictions(y, guessed))
    assert list(display.display_labels) == ["ATTM", "FBM", "LW"]
    np.testing.assert_allclose(display.confusion_matrix, [[0, 1, 0], [0, 2 / 3, 1 / 3], [0, 0, 1]])
    X = walks(5, T=22)
    estimator = LengthAsModel()
    estimator.predict = lambda X: ["fbm"] * len(X)
    again = plot.ConfusionDisplay.from_estimator(estimator, X, ["fbm"] * 4 + ["lw"])
    assert again.confusion_matrix.tolist() == [[1.0, 0.0], [1.0, 0.0]]
    assert again.plot(include_values=False).text_ is None
    assert [label.get_text() for label in display.ax_.get_yticklabels()] == [
        "ATTM (1)", "FBM (3)", "LW (1)",
    ]  # fmt: skip
    assert [label.get_text() for label in display.ax_.get_xticklabels()] == ["ATTM", "FBM", "LW"]
    with pytest.raises(SkandiError, match="1 of 5 trajectories have missing"):
        plot.ConfusionDisplay.from_predictions(y, pd.Series([*guessed[:4], None], dtype="string"))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        plot.ConfusionDisplay.from_predictions(y, guessed[:4])


@pytest.mark.filterwarnings("error")
def test_confusion__model_that_is_only_predicted__has_a_blank_row():
    display = saved(plot.ConfusionDisplay.from_predictions(["fbm", "fbm"], ["fbm", "lw"]))
    np.testing.assert_array_equal(display.confusion_matrix, [[0.5, 0.5], [np.nan, np.nan]])
    labels = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert labels == ["FBM (2)", "LW (0)"]
    shown = [[text.get_visible() for text in row] for row in display.text_]
    assert shown == [[True, True], [False, False]]
    drawn = display.im_.to_rgba(display.im_.get_array())
    assert drawn[1, :, 3].tolist() == [0, 0]


def test_confusion__many_tracks_of_all_models__has_room_for_its_labels():
    rng = np.random.default_rng(0)
    y, guessed = rng.choice(MODELS, (2, 60_000))
    saved(plot.ConfusionDisplay.from_predictions(y, guessed))


def test_confusion__shares_of_ones_own__are_drawn_without_numbers_of_tracks():
    display = plot.ConfusionDisplay(np.eye(2), display_labels=["A", "B"]).plot()
    assert [label.get_text() for label in display.ax_.get_yticklabels()] == ["A", "B"]


def test_reliability__probabilities_that_are_true__lie_on_the_diagonal():
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.full(5, 0.3), size=40_000)
    y = np.array(MODELS)[(p.cumsum(axis=1) > rng.uniform(size=(40_000, 1))).argmax(axis=1)]
    honest = saved(plot.ReliabilityDisplay.from_predictions(y, p))
    assert honest.expected_calibration_error_ < 0.02
    assert honest.bins.n.sum() == 40_000
    assert (honest.bins.lower < honest.bins.accuracy).all()
    boastful = p**3 / (p**3).sum(axis=1, keepdims=True)
    assert plot.ReliabilityDisplay.from_predictions(y, boastful).expected_calibration_error_ > 0.1
    with pytest.raises(SkandiError, match="shape"):
        plot.ReliabilityDisplay.from_predictions(y, p[:, :3])
    unlabelled = [None, *y[1:]]
    with pytest.raises(SkandiError, match="1 of 40000 trajectories have missing"):
        plot.ReliabilityDisplay.from_predictions(unlabelled, p)
    p[7] = np.nan
    with pytest.raises(SkandiError, match="1 of 40000 trajectories have missing"):
        plot.ReliabilityDisplay.from_predictions(y, p)


def test_quantiles__coverage__is_counted():
    quantiles = np.tile([0.2, 1.0, 1.8], (20, 1))
    truth = np.linspace(0.0, 1.9, 20)
    display = saved(
        plot.QuantileCalibrationDisplay.from_predictions(truth, quantiles, [0.1, 0.5, 0.9])
    )
    np.testing.assert_allclose(display.observed, [3 / 20, 11 / 20, 19 / 20])
    with pytest.raises(SkandiError, match="shape"):
        plot.QuantileCalibrationDisplay.from_predictions(truth, quantiles, [0.5])
    quantiles[3, 1] = np.nan
    with pytest.raises(SkandiError, match="1 of 20 trajectories have missing"):
        plot.QuantileCalibrationDisplay.from_predictions(truth, quantiles, [0.1, 0.5, 0.9])


@pytest.mark.parametrize("shape", [(30,), (30, 1), (30, 3)])
def test_reconstruction__error__is_the_mean_square(shape):
    x = np.random.default_rng(0).normal(size=shape)
    display = saved(plot.ReconstructionDisplay.from_arrays(x, x * 0.5))
    assert display.mse_ == pytest.approx((x**2).mean() / 4)
    assert len(display.ax_.lines) == 2 * x.reshape(30, -1).shape[1]
    with pytest.raises(SkandiError, match="same shape"):
        plot.ReconstructionDisplay.from_arrays(x, x[:-1])


@pytest.mark.parametrize("shape", [(2, 50), (5, 0), (0, 2), (0,)])
def test_reconstruction__shape_of_no_trajectory__is_refused(shape):
    with pytest.raises(SkandiError, match=r"Shape .*: a trajectory \(T, d\) has a point or more"):
        plot.ReconstructionDisplay.from_arrays(np.zeros(shape), np.zeros(shape))


def test_fingerprint__cells__are_the_matrix():
    matrix = np.arange(12.0).reshape(3, 4)
    display = saved(plot.FingerprintDisplay.from_matrix(matrix, list("abc"), list("defg")))
    np.testing.assert_array_equal(display.image_.get_array(), matrix)
    assert [t.get_text() for t in display.ax_.get_xticklabels()] == list("defg")
    assert len(display.ax_.texts) == 12
    assert display.ax_.get_ylabel() == "tested on"  # as error_map gives it
    assert display.ax_.get_xlabel() == "trained on"
    numbers = saved(plot.FingerprintDisplay.from_matrix(np.eye(3), np.array([0.3, 0.6, 0.9])))
    assert [t.get_text() for t in numbers.ax_.get_yticklabels()] == ["0.3", "0.6", "0.9"]
    with pytest.raises(SkandiError, match="one label per row"):
        plot.FingerprintDisplay.from_matrix(matrix, list("abc"))


@pytest.mark.parametrize(
    "largest, long", [(1e-4, True), (0.02, False), (1.0, True), (40.0, False), (5e6, True)]
)
def test_fingerprint__any_size_and_any_names__stay_readable(largest, long):
    matrix = largest * np.random.default_rng(0).uniform(0.01, 1, (5, 5))
    matrix[0, 0] = largest
    names = ["ornstein_uhlenbeck", "run_and_tumble", "directed motion", "fbm", "switching_models"]
    display = saved(plot.FingerprintDisplay.from_matrix(matrix, names if long else list("abcde")))
    numbers = [text.get_text() for text in display.ax_.texts]
    assert len({len(number.partition(".")[2]) for number in numbers}) == 1
    assert max(map(len, numbers)) <= 4
    told = float(numbers[0])
    scale = 10.0 ** round(np.log10(largest / told))
    assert told * scale == pytest.approx(largest, rel=0.1)
    label = display.figure_.axes[1].get_ylabel()
    assert ("10^{" in label) == (scale != 1)


def test_axes__that_are_given__are_drawn_on():
    from matplotlib import pyplot

    figure, ax = pyplot.subplots()
    ax.set_xticks([])
    display = plot.AlphaDisplay.from_table(results(10), ax=ax)
    assert display.ax_ is ax
    assert display.figure_ is figure
    assert pyplot.get_fignums() == [figure.number]


def test_panels__two_columns__are_in_the_style_of_the_displays():
    figure, (left, right) = plot.panels(1, 2)
    names = ["control, 37 °C", "50 µM of blebbistatin"]
    table = results(41).assign(condition=[*names * 20, "none"])
    plot.AlphaDisplay.from_table(table, ax=left)
    plot.CompositionDisplay.from_table(table, ax=right)
    figure.savefig(io.BytesIO(), dpi=figure.dpi)
    assert_readable(figure)
    assert figure.get_figwidth() * 25.4 == pytest.approx(170)
    alone = plot.AlphaDisplay.from_table(table).ax_
    for ax in (left, right):
        assert ax.xaxis.label.get_fontsize() == alone.xaxis.label.get_fontsize()
        assert ax.get_xticklabels()[0].get_fontsize() == alone.get_xticklabels()[0].get_fontsize()
        assert not ax.spines["top"].get_visible()


def test_alpha__axes_of_the_user__wrap_names_to_their_own_letters():
    from matplotlib import pyplot

    figure, (ax, _) = pyplot.subplots(1, 2, figsize=(6.7, 2.7), layout="constrained")
    names = ["control, 37 °C", "50 µM of blebbistatin"]
    plot.AlphaDisplay.from_table(results(41).assign(condition=[*names * 20, "none"]), ax=ax)
    figure.savefig(io.BytesIO(), dpi=figure.dpi)
    assert_readable(figure)


def test_style__settings_of_the_user__are_left_alone():
    before = dict(matplotlib.rcParams)
    plot.AlphaDisplay.from_table(results(10))
    assert dict(matplotlib.rcParams) == before


def test_colours__of_models__are_far_apart_for_a_red_green_deficiency():
    """Simulated deuteranopia (Viénot, Brettel & Mollon 1999) must keep pairs distinguishable."""
    rgb = np.array([matplotlib.colors.to_rgb(c) for c in plot.MODEL_COLORS.values()])
    seen = (
        rgb**2.2
        @ np.array([[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]]).T
    )
    distance = np.linalg.norm((seen[:, None] - seen[None]), axis=2)
    assert distance[np.triu_indices(5, 1)].min() > 0.15


def test_import__plot__waits_for_matplotlib():
    code = "import sys, skandi.plot; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_import__no_matplotlib__names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(MissingExtraError, match=r"skandi\[plot\]"):
        plot.AlphaDisplay.from_table(results(5))
