"""What an installed skandi must do with no network, no andi-datasets, and numpy 2.

Run by `.ci/run` with the Python of an environment that holds nothing but the built wheel.
"""

import importlib.metadata
import importlib.resources
import importlib.util
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np


def no_network(*args, **kwargs):
    raise OSError(f"skandi reached for the network: {args}")


def close_network():
    """Make every way out of this process raise."""
    socket.socket.connect = no_network
    socket.socket.connect_ex = no_network
    socket.create_connection = no_network
    socket.getaddrinfo = no_network


def check_environment():
    assert int(np.__version__.split(".")[0]) >= 2, f"numpy 2 was asked for, not {np.__version__}"
    assert importlib.util.find_spec("andi_datasets") is None, "andi-datasets is installed"


def check_import():
    import skandi

    home = Path(skandi.__file__).resolve()
    assert Path(sys.prefix).resolve() in home.parents, f"{home} is not the installed wheel"
    assert skandi.__version__ == importlib.metadata.version("skandi")
    assert (home.parent / "py.typed").exists()
    assert "torch" not in sys.modules, "import skandi imports torch"
    for name in skandi.__all__:
        getattr(skandi, name)


def check_pretrained():
    """Brownian motion of a scale no training set has: α is 1, whatever d."""
    from skandi import load_pretrained

    rng = np.random.default_rng(20)
    for n_dims in (1, 2, 3):
        tracks = [np.cumsum(1e3 * rng.normal(size=(T, n_dims)), axis=0) for T in range(150, 182)]

        alpha = load_pretrained("alpha", n_dims=n_dims).predict(tracks)
        assert alpha.shape == (32,)
        assert abs(np.median(alpha) - 1) < 0.2, f"median α of Brownian motion: {np.median(alpha)}"

        classifier = load_pretrained("model", n_dims=n_dims)
        assert list(classifier.classes_) == ["attm", "ctrw", "fbm", "lw", "sbm"]
        probability = classifier.predict_proba(tracks)
        assert probability.shape == (32, 5)
        np.testing.assert_allclose(probability.sum(axis=1), 1, atol=1e-5)
        assert set(classifier.predict(tracks)) <= set(classifier.classes_)
        print(f"  {n_dims}D: median α {np.median(alpha):.2f} of Brownian motion")


def check_simulate():
    from skandi.simulate import make_andi

    X, y = make_andi(8, n_dims=2, random_state=0)
    assert len(X) == len(y) == 8


def check_command_line():
    """`skandi predict` on the bundled tracks, in this process so that its network is off too."""
    import pandas as pd

    (script,) = importlib.metadata.entry_points(group="console_scripts", name="skandi")
    sample = importlib.resources.files("skandi") / "data" / "sample_tracks.csv"
    with tempfile.TemporaryDirectory() as folder:
        for suffix, read in ((".csv", pd.read_csv), (".parquet", pd.read_parquet)):
            out = Path(folder) / f"out{suffix}"
            sys.argv = ["skandi", "predict", str(sample), "-o", str(out)]
            try:
                script.load()()
            except SystemExit as stop:
                assert not stop.code, f"skandi predict ended with {stop.code}"
            table = read(out)
            assert len(table) > 0
            assert list(table.columns[:5]) == [
                "track_id",
                "n_points",
                "n_dims",
                "duration",
                "alpha",
            ]
            assert table["alpha"].notna().any()
    installed = Path(sys.executable).with_name("skandi")
    subprocess.run([installed, "--help"], check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    close_network()
    for check in (
        check_environment,
        check_import,
        check_pretrained,
        check_simulate,
        check_command_line,
    ):
        print(check.__name__)
        check()
