"""compare_conditions: a known difference is found, none is not invented, files are counted."""

import numpy as np
import pandas as pd
import pytest

from skandi import analyse, compare_conditions
from skandi.compare import grouped_median_interval, median_interval, model_shares
from skandi.diffusion import MODELS
from skandi.errors import SkandiError
from skandi.simulate import simulate


def condition(name, alpha=0.8, n=60, files=1, spread=0.0, seed=0, model="fbm"):
    """Tracks as analyse would have read them; films differ by `spread` in α."""
    rng = np.random.default_rng(seed)
    film = np.arange(n) % files
    values = alpha + rng.normal(scale=0.2, size=n) + spread * rng.normal(size=files)[film]
    return pd.DataFrame({"condition": name, "file": film, "alpha": values, "model": model})


def compared(*tables, **kwargs):
    kwargs.setdefault("n_resamples", 400)
    return compare_conditions(pd.concat(tables, ignore_index=True), **kwargs)


@pytest.fixture(scope="module")
def simulated():
    """Two simulated conditions that differ in α and the model, and one more like the first."""
    kinds = {"control": ("fbm", 0.6, 1), "drug": ("lw", 1.6, 2), "sham": ("fbm", 0.6, 3)}
    return {
        name: analyse(list(simulate(model, alpha, 60, 60, 2, random_state=seed))).assign(
            condition=name
        )
        for name, (model, alpha, seed) in kinds.items()
    }


def test_compare__simulated_conditions_that_differ__are_told_apart(simulated):
    result = compared(simulated["control"], simulated["drug"]).set_index("quantity")
    alpha = result.loc["median alpha"]
    # the networks draw a doubtful α towards the middle: of the true difference of 1, most is seen
    assert 0.7 < alpha.difference < 1.1
    assert 0.5 < alpha.lower < alpha.upper < 1.3
    assert result.loc["share of fbm", "upper"] < -0.3
    assert result.loc["share of lw", "lower"] > 0.3


def test_compare__simulated_conditions_that_do_not_differ__are_not(simulated):
    # six intervals at once: at 95 % each, one in four such comparisons has an odd one
    result = compared(simulated["control"], simulated["sham"], confidence=0.99)
    assert ((result.lower <= 0) & (result.upper >= 0)).all()
    assert result.note.str.contains("one file").all()


def test_compare__numbers__are_those_of_the_tracks():
    a = condition("a", model="lw")
    b = condition("b", alpha=1.2, n=40, seed=1)
    b.loc[0, ["alpha", "model"]] = [np.nan, None]
    result = compared(a, b)
    assert result.quantity.tolist() == ["median alpha", *(f"share of {m}" for m in MODELS)]
    row = result.iloc[0]
    assert (row.reference, row.condition) == ("a", "b")
    assert row.value_reference == a.alpha.median()
    assert row.value == b.alpha.median()
    assert row.difference == row.value - row.value_reference
    assert (row.n_tracks_reference, row.n_tracks) == (60, 39)
    assert result.set_index("quantity").difference["share of lw"] == -1


def test_compare__interval__covers_as_often_as_it_says():
    truth, covered = 0.3, []
    for seed in range(50):
        a, b = condition("a", 0.5, seed=seed), condition("b", 0.8, seed=1000 + seed)
        row = compared(a, b, n_resamples=150, random_state=seed).iloc[0]
        covered.append(row.lower < truth < row.upper)
    assert np.mean(covered) >= 0.88  # 95 % of 50, less two standard errors and a bit


def test_compare__films_that_differ__widen_the_interval():
    """One film more or less decides, not the hundreds of tracks in it."""
    tables = [
        condition(name, n=400, files=10, spread=0.3, seed=seed)
        for name, seed in (("a", 0), ("b", 1))
    ]
    grouped = compared(*tables).iloc[0]
    alone = compared(*(table.drop(columns="file") for table in tables)).iloc[0]
    assert grouped.upper - grouped.lower > 3 * (alone.upper - alone.lower)
    assert (grouped.n_files, alone.n_files) == (10, 1)
    assert grouped.note == ""
    few = compared(condition("a", files=2), condition("b", files=8))
    assert few.note[0] == "interval is rough: 2 files are few to tell how files differ"


@pytest.mark.parametrize("spread", [0.0, 0.2], ids=["alike", "different"])
@pytest.mark.parametrize("files", [2, 4, 12])
def test_compare__files__intervals_cover_as_often_as_they_say(files, spread):
    """As wide as they must be and no wider: 95 % of 150, within three standard errors."""
    covered, width = [], []
    for seed in range(150):
        tables = [
            condition(name, 0.8, n=20 * files, files=files, spread=spread, seed=seed + 1000 * k)
            for k, name in enumerate("ab")
        ]
        row = compared(*tables, n_resamples=200, random_state=seed).iloc[0]
        covered.append(row.lower < 0 < row.upper)
        width.append(row.upper - row.lower)
    assert np.mean(covered) > 0.88
    if files == 12:
        # of medians of normal α: between files, and of 20 tracks in each
        error = np.sqrt(2 * (spread**2 + np.pi / 2 * 0.2**2 / 20) / files)
        assert np.mean(width) == pytest.approx(2 * 1.96 * error, rel=0.15)


def pieces(name, n=12, seed=0, note="piece {k} of 8 of track {t}, split at gaps"):
    """Particles that differ, each in eight pieces, as analyse notes them."""
    rng = np.random.default_rng(seed)
    alpha = np.repeat(1 + rng.normal(scale=0.2, size=n), 8) + rng.normal(scale=0.1, size=8 * n)
    notes = [note.format(k=k + 1, t=t) for t in range(n) for k in range(8)]
    return pd.DataFrame({"condition": name, "alpha": alpha, "model": "fbm", "note": notes})


@pytest.mark.parametrize(
    "note",
    [
        "piece {k} of 8 of track {t}, split at gaps",
        "branch {k} of 8 of track {t}, which splits or merges",
        "3 missing frames interpolated; piece {k} of 8 of track {t}, split at gaps",
    ],
)
def test_compare__pieces_of_one_track__count_as_one(note):
    covered = []
    for seed in range(100):
        tables = [pieces(name, seed=seed + 1000 * k, note=note) for k, name in enumerate("ab")]
        row = compared(*tables, n_resamples=200, random_state=seed).iloc[0]
        covered.append(row.lower < 0 < row.upper)
    assert np.mean(covered) > 0.88
    assert "192 rows are of 24 tracks, pieces among them" in row.note
    alone = compared(*(table.drop(columns="note") for table in tables)).iloc[0]
    assert alone.upper - alone.lower < 0.6 * (row.upper - row.lower)


def test_compare__pieces_of_tracks_of_one_name_in_two_files__are_not_one():
    tables = [pd.concat([pieces(name).assign(file=f) for f in "ef"]) for name in "ab"]
    assert "384 rows are of 48 tracks" in compared(*tables).note[0]


def test_compare__tracks_as_read__note_their_pieces_as_is_looked_for(tmp_path):
    rows = [(1, k, k**0.5) for k in range(50) if k != 25] + [(2, k, k**0.4) for k in range(30)]
    table = analyse(pd.DataFrame(rows, columns=["track", "frame", "x"]))
    both = compared(table.assign(condition="a"), table.assign(condition="b"))
    assert "6 rows are of 4 tracks" in both.note[0]


def test_compare__one_track_in_pieces__has_no_interval_of_the_median():
    row = compared(pieces("a", n=1), pieces("b")).iloc[0]
    assert np.isnan([row.lower, row.upper]).all()
    assert "a condition has one track" in row.note


def test_compare__tracks_of_another_length__are_told():
    a, b = (condition(name).assign(n_points=n) for name, n in (("a", 60), ("b", 20)))
    assert "tracks of 20 and 60 points in the median" in compared(a, b).note[0]
    assert "in the median" not in compared(a, b.assign(n_points=55)).note[0]


def test_compare__another_condition_of_one_file__changes_no_other_interval():
    a, b = (condition(name, n=400, files=10, spread=0.3, seed=k) for k, name in enumerate("ab"))
    alone = compared(a, b).iloc[0]
    beside = compared(a, b, condition("pilot", n=20)).set_index(["condition", "quantity"])
    both = beside.loc[("b", "median alpha")]
    assert (both.lower, both.upper) == (alone.lower, alone.upper)
    assert (both.n_files, both.note) == (10, "")
    assert beside.loc[("pilot", "median alpha"), "note"].startswith("interval over tracks only")


@pytest.mark.parametrize(
    "wrong",
    [
        {"confidence": 95},
        {"confidence": 1},
        {"confidence": 0},
        {"confidence": "0.95"},
        {"n_resamples": 0},
        {"n_resamples": 39},
        {"n_resamples": 100.0},
    ],
)
def test_compare__senseless_bootstrap__is_refused(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} is {next(iter(wrong.values()))!r}"):
        compared(condition("a"), condition("b"), **wrong)


def test_compare__few_tracks__have_no_false_certainty():
    one = compared(condition("a", n=1), condition("b", n=9)).set_index("quantity")
    assert one.loc["median alpha", ["lower", "upper"]].isna().all()
    assert one.note.str.contains("no interval of the median: a condition has one track").all()
    few = compared(condition("a", n=3), condition("b", n=9))
    assert few.note.str.contains("3 tracks are few").all()
    enough = compared(condition("a", n=9), condition("b", n=9))
    assert not enough.note.str.contains("are few").any()


def test_compare__share_of_all_or_none__has_newcombes_interval():
    """Limits by hand: Wilson's interval of 20 of 20 begins at 20 / (20 + z²)."""
    a, b = condition("a", n=20), condition("b", n=20, model="sbm")
    row = compared(a, b).set_index("quantity").loc["share of fbm"]
    edge = 1 - 20 / (20 + 1.959964**2)
    assert row.difference == -1
    assert row.lower == pytest.approx(-1)
    assert row.upper == pytest.approx(-1 + np.sqrt(2) * edge, abs=1e-6)


def test_compare__three_conditions__have_one_reference():
    tables = [condition(name, seed=k) for k, name in enumerate("abc")]
    result = compared(*tables, reference="b")
    assert list(dict.fromkeys(zip(result.reference, result.condition))) == [("b", "a"), ("b", "c")]


def test_compare__seed__decides_and_nothing_else():
    tables = condition("a"), condition("b", seed=1)
    pd.testing.assert_frame_equal(compared(*tables), compared(*tables))
    assert not compared(*tables).equals(compared(*tables, random_state=1))


BAD = {
    "rows of no condition": (
        pd.concat([condition("a"), condition("b"), condition(None)]),
        "rows have no condition",
    ),
    "rows of no file": (
        pd.concat([condition("a"), condition("b")]).assign(file=[None, *["f"] * 119]),
        "1 of 120 rows have no file",
    ),
    "one condition": (condition("a"), "two or more"),
    "no column": (condition("a").drop(columns="condition"), "no column condition"),
    "nothing read": (
        pd.concat([condition("a"), condition("b").assign(alpha=np.nan)]),
        "'b' has an α",
    ),
}


def test_compare__column_of_files_that_is_not_there__is_refused():
    table = pd.concat([condition("a"), condition("b")]).drop(columns="file")
    assert (compare_conditions(table).n_files == 1).all()
    assert (compare_conditions(table, file=None, n_resamples=40).n_files == 1).all()
    with pytest.raises(SkandiError, match="no column film"):
        compare_conditions(table, file="film")


@pytest.mark.parametrize("case", BAD)
def test_compare__what_cannot_be_compared__is_refused(case):
    table, message = BAD[case]
    with pytest.raises(SkandiError, match=message):
        compare_conditions(table)


def test_median__interval__covers_and_never_leaves_the_values():
    rng = np.random.default_rng(0)
    intervals = [median_interval(rng.exponential(size=25))[1:] for _ in range(400)]
    assert np.mean([low < np.log(2) < high for low, high in intervals]) > 0.94
    assert median_interval([3.0, np.nan, 1.0]) == (2.0, 1.0, 3.0)
    assert np.isnan(median_interval([np.nan])).all()


def test_grouped_median__films_or_pieces__cover_where_tracks_do_not():
    covered = {"films": [], "pieces": [], "tracks": []}
    for seed in range(200):
        films = condition("a", 1.0, n=120, files=6, spread=0.15, seed=seed)
        split = pieces("a", seed=seed)
        for name, interval in (
            ("films", grouped_median_interval(films)),
            ("pieces", grouped_median_interval(split)),
            ("tracks", median_interval(films.alpha)),
        ):
            covered[name].append(interval[1] < 1 < interval[2])
    assert np.mean(covered["films"]) > 0.9
    assert np.mean(covered["pieces"]) > 0.9
    assert np.mean(covered["tracks"]) < 0.8


def test_grouped_median__tracks_alone__is_that_of_order_statistics():
    table = condition("a").drop(columns="file")
    assert grouped_median_interval(table) == median_interval(table.alpha)
    assert np.isnan(grouped_median_interval(table.assign(alpha=np.nan))).all()


def test_grouped_median__two_films__stays_among_the_values():
    table = condition("a", n=40, files=2, spread=0.5)
    median, low, high = grouped_median_interval(table)
    assert table.alpha.min() <= low < median < high <= table.alpha.max()


def test_shares__nothing_read__are_missing():
    assert np.isnan(model_shares(pd.Series([None, None]))).all()
