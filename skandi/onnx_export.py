"""The networks as an ONNX graph, for programs that are not Python.

The graph is written operator by operator from the weights. It then contains everything from raw
positions to the answer, any length passes through it, and it does not depend on how a version of
torch traces a network.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from skandi.calibration import LENGTH_KNOTS
from skandi.classifier import ModelClassifier
from skandi.diffusion import ALPHA_GRID, MODELS
from skandi.errors import MissingExtraError, SkandiError
from skandi.files import replacing
from skandi.networks import MultiScaleNet
from skandi.networks.channels_last import MOMENT_EPSILON
from skandi.networks.multiscale import STILL, ResidualBlock
from skandi.regressor import AlphaRegressor

OPSET = 17
_IR_VERSION = 8  # the one that came with this opset, for runtimes of 2022 and newer


def export_onnx(
    path: str | os.PathLike[str],
    *,
    n_dims: int = 2,
    alpha_model: AlphaRegressor | None = None,
    model_classifier: ModelClassifier | None = None,
) -> None:
    """Write the α and model networks to one ONNX file.

    The contract is that of the AnDi-J plugin of Fiji. Input ``positions``: float32 of shape
    (1, T, d), raw positions in any unit of length, of any number of points the models read.
    Outputs: ``alpha``, float32 of shape (1, 1), what ``predict`` of the regressor gives, and
    ``model``, float32 of shape (1, 5), what ``predict_proba`` of the classifier gives, in the order
    ATTM, CTRW, FBM, LW, SBM. More than one trajectory of one length may be passed at a time.

    Parameters
    ----------
    path : path-like
        File to write.
    n_dims : {1, 2, 3}, default=2
        Spatial dimensions d.
    alpha_model, model_classifier : fitted estimator, optional
        With ``network="multiscale"``, ``length=None`` and ``views="none"``;
        ``load_pretrained(..., n_dims=n_dims)`` where left out.

    Raises
    ------
    MissingExtraError
        If ``onnx`` is not installed.
    SkandiError
        If an estimator is none of those above.
    NotFittedError
        If an estimator is not fitted.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from skandi import export_onnx
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "andi_2d.onnx"
    >>> export_onnx(file, n_dims=2)
    >>> file.exists()
    True
    """
    try:
        import onnx
    except ImportError as error:
        raise MissingExtraError(
            "Writing ONNX needs the package onnx, which is not installed. "
            'Install it with: pip install "skandi[onnx]"'
        ) from error
    from skandi.pretrained import load_pretrained

    alpha_model = alpha_model or load_pretrained("alpha", n_dims=n_dims)
    model_classifier = model_classifier or load_pretrained("model", n_dims=n_dims)
    _refuse_others(alpha_model, model_classifier, n_dims)

    graph = _Graph()
    x = standardized(graph, "positions")
    T = graph.op("Cast", graph.op("Gather", graph.op("Shape", "positions"), graph.integer(1)), to=1)
    regressing, classifying = alpha_model.net_.module_, model_classifier.net_.module_
    v_alpha = v_model = features(graph, regressing, x, T)
    if not alpha_model.shares_trunk(model_classifier):
        v_model = features(graph, classifying, x, T)
    graph.op("Identity", median(graph, linear(graph, regressing.output, v_alpha)), out="alpha")
    logits = linear(graph, classifying.output, v_model)
    calibration = getattr(model_classifier, "calibration_", None)
    if calibration is not None:
        logits = graph.op("Div", logits, temperature(graph, calibration.temperature, T))
    graph.op("Softmax", logits, out="model", axis=1)
    model = graph.as_model(n_dims)
    onnx.checker.check_model(model, full_check=True)
    with replacing(path) as aside:
        onnx.save(model, os.fspath(aside))


def _refuse_others(alpha_model: Any, model_classifier: Any, n_dims: int) -> None:
    for what, estimator in ((AlphaRegressor, alpha_model), (ModelClassifier, model_classifier)):
        name = type(estimator).__name__
        if not isinstance(estimator, what):
            raise SkandiError(
                f"This {name} cannot be written as ONNX; a fitted {what.__name__} can. Of a search "
                "or a pipeline, pass the estimator inside."
            )
        check_is_fitted(estimator)
        if not isinstance(estimator.net_.module_, MultiScaleNet):
            raise SkandiError(
                f"This {name} has network={estimator.network!r}; only 'multiscale' can be "
                "written as ONNX. Train one with it, or use the pretrained estimators."
            )
        if estimator.length is not None or estimator.views != "none":
            raise SkandiError(
                f"This {name} has length={estimator.length!r} and views={estimator.views!r}; the "
                "graph reads whole trajectories, once. Use length=None and views='none' (the "
                "preset 'fast')."
            )
        if estimator.n_dims_ != n_dims:
            raise SkandiError(
                f"This {name} reads {estimator.n_dims_} dimension(s), and n_dims is {n_dims}. Pass "
                f"n_dims={estimator.n_dims_}."
            )
    if [str(c) for c in model_classifier.classes_] != list(MODELS):
        raise SkandiError(
            f"The classifier has the classes {list(model_classifier.classes_)}; the contract has "
            f"{', '.join(MODELS)} in this order. Train one on these labels."
        )


class _Graph:
    """Nodes and constants of an ONNX graph as they are added; a value is known by its name."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def op(self, kind: str, *inputs: str, out: str | None = None, **attributes: Any) -> str:
        """Add an operator and give the name of its output."""
        from onnx import helper

        out = out or f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [out], **attributes))
        return out

    def constant(self, value: NDArray) -> str:
        """Add an array and give its name."""
        from onnx import numpy_helper

        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.array(value, order="C"), name))
        return name

    def floats(self, value: Any) -> str:
        """Add float32 numbers."""
        if isinstance(value, Tensor):
            value = value.detach().cpu().numpy()
        return self.constant(np.asarray(value, dtype=np.float32))

    def doubles(self, value: Any) -> str:
        """Add float64 numbers."""
        return self.constant(np.asarray(value, dtype=np.float64))

    def axes(self, *values: int) -> str:
        """Add a vector of int64 numbers: axes, or a shape."""
        return self.constant(np.array(values, dtype=np.int64))

    def integer(self, value: int) -> str:
        """Add one int64 number, a scalar."""
        return self.constant(np.array(value, dtype=np.int64))

    def part(self, x: str, axis: int, start: int, stop: int) -> str:
        """Slice `x` along one axis."""
        bounds = (self.axes(v) for v in (start, stop, axis))
        return self.op("Slice", x, *bounds)

    def as_model(self, n_dims: int) -> Any:
        """Give all of it as an ONNX model."""
        from onnx import TensorProto, helper

        def value(name: str, *shape: Any) -> Any:
            return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

        graph = helper.make_graph(
            self.nodes,
            "skandi",
            [value("positions", "n", "T", n_dims)],
            [value("alpha", "n", 1), value("model", "n", len(MODELS))],
            self.constants,
        )
        return helper.make_model(
            graph,
            producer_name="skandi",
            ir_version=_IR_VERSION,
            opset_imports=[helper.make_opsetid("", OPSET)],
        )


def standardized(graph: _Graph, positions: str) -> str:
    """`skandi.normalize.standardize` of (n, T, d), as (n, d, T) in float32.

    In float64 like there. Numbers that were float32 differ by far more than its rounding, or not at
    all, so that an axis without motion is one whose reach is zero.
    """
    x = graph.op("Cast", positions, to=11)
    moved = graph.op("Sub", x, graph.part(x, 1, 0, 1))
    reach = graph.op("ReduceMax", graph.op("Abs", moved), axes=[1], keepdims=1)
    zero, one = graph.doubles(0.0), graph.doubles(1.0)
    still = graph.op("Equal", reach, zero)
    moved = graph.op("Div", moved, graph.op("Where", still, one, reach))
    moved = graph.op("Sub", moved, graph.op("ReduceMean", moved, axes=[1], keepdims=1))
    variance = graph.op("ReduceMean", graph.op("Mul", moved, moved), axes=[1], keepdims=1)
    std = graph.op("Where", still, one, graph.op("Sqrt", variance))
    z = graph.op("Cast", graph.op("Div", moved, std), to=1)
    return graph.op("Transpose", z, perm=[0, 2, 1])


def features(graph: _Graph, network: MultiScaleNet, x: str, T: str) -> str:
    """`MultiScaleNet.features`, operator by operator."""
    channels, summary = described(graph, x, T)
    h = convolution(graph, network.stem, channels)
    pooled = [summary]
    for k, block in enumerate(network.blocks):
        assert isinstance(block, ResidualBlock)
        inner = group_norm(graph, block.norm_first, convolution(graph, block.first, h))
        inner = convolution(graph, block.second, gelu(graph, inner))
        inner = group_norm(graph, block.norm_second, inner)
        if isinstance(block.shortcut, nn.Conv1d):
            h = convolution(graph, block.shortcut, h)
        h = gelu(graph, graph.op("Add", inner, h))
        pooled.append(moments(graph, h))
        if k == network.recurrent_block and network.recurrent is not None:
            pooled.append(moments(graph, recurrent(graph, network.recurrent, h)))
    v = graph.op("Concat", *pooled, axis=1)
    for layer in network.reduce:
        v = linear(graph, layer, v) if isinstance(layer, nn.Linear) else gelu(graph, v)
    return v


def described(graph: _Graph, x: str, T: str) -> tuple[str, str]:
    """Give input channels and summary, as `skandi.networks.multiscale.describe`."""
    first = graph.part(x, 2, 0, 1)
    before = graph.op("Concat", first, graph.part(x, 2, 0, -1), axis=2)
    steps = graph.op("Sub", x, before)
    square = graph.op("ReduceMean", graph.op("Mul", steps, steps), axes=[2], keepdims=1)
    spread = graph.op("Sqrt", square)
    still, one = graph.floats(STILL), graph.floats(1.0)
    moves = graph.op("Greater", spread, still)
    guarded = graph.op("Max", spread, still)
    steps = graph.op("Where", moves, graph.op("Div", steps, guarded), steps)
    ratio = graph.op("Neg", graph.op("Log", guarded))
    ratio = graph.op("Where", moves, ratio, graph.floats(0.0))
    ratio = graph.op("Squeeze", ratio, graph.axes(2))

    t = graph.op("Range", graph.floats(0.0), T, one)
    line = graph.op("Div", graph.op("Mul", t, graph.floats(2.0)), _at_least_one(graph, T))
    third = graph.floats(3.0)
    log = graph.op("Div", graph.op("Log", graph.op("Add", t, one)), third)
    clocks = [graph.op("Unsqueeze", c, graph.axes(0, 1)) for c in (line, log)]
    clock = graph.op("Sub", graph.op("Concat", *clocks, axis=1), one)
    shape = graph.op("Shape", graph.part(x, 1, 0, 1))
    channels = graph.op("Concat", x, steps, graph.op("Expand", clock, shape), axis=1)

    log_T = graph.op("Sub", graph.op("Div", graph.op("Log", T), third), one)
    inverse = graph.op("Div", graph.floats(10.0), T)
    length = [graph.op("Unsqueeze", value, graph.axes(0, 1)) for value in (log_T, inverse)]
    both = graph.op("Concat", *length, axis=1)
    rows = graph.op("Shape", graph.part(ratio, 1, 0, 1))
    return channels, graph.op("Concat", ratio, graph.op("Expand", both, rows), axis=1)


def _at_least_one(graph: _Graph, T: str) -> str:
    one = graph.floats(1.0)
    return graph.op("Max", graph.op("Sub", T, one), one)


def convolution(graph: _Graph, layer: nn.Conv1d, h: str) -> str:
    """Add a convolution over time."""
    weights = [graph.floats(p) for p in (layer.weight, layer.bias) if p is not None]
    padding = int(layer.padding[0])
    return graph.op(
        "Conv",
        h,
        *weights,
        kernel_shape=list(layer.kernel_size),
        pads=[padding, padding],
        strides=list(layer.stride),
    )


def group_norm(graph: _Graph, layer: nn.GroupNorm, h: str) -> str:
    """Add a group normalisation; its own operator came with a later opset."""
    groups = layer.num_groups
    grouped = graph.op("Reshape", h, graph.axes(0, groups, -1))
    ones, zeros = graph.floats(np.ones(groups)), graph.floats(np.zeros(groups))
    normal = graph.op("InstanceNormalization", grouped, ones, zeros, epsilon=layer.eps)
    normal = graph.op("Reshape", normal, graph.op("Shape", h))
    scaled = graph.op("Mul", normal, graph.floats(layer.weight[:, None]))
    return graph.op("Add", scaled, graph.floats(layer.bias[:, None]))


def gelu(graph: _Graph, x: str) -> str:
    """Add x Φ(x)."""
    erf = graph.op("Erf", graph.op("Mul", x, graph.floats(0.5**0.5)))
    half = graph.op("Mul", x, graph.floats(0.5))
    return graph.op("Mul", half, graph.op("Add", erf, graph.floats(1.0)))


def moments(graph: _Graph, h: str) -> str:
    """Mean and standard deviation over time, as `Moments`."""
    mean = graph.op("ReduceMean", h, axes=[2], keepdims=0)
    square = graph.op("ReduceMean", graph.op("Mul", h, h), axes=[2], keepdims=0)
    variance = graph.op("Sub", square, graph.op("Mul", mean, mean))
    variance = graph.op("Max", variance, graph.floats(0.0))
    std = graph.op("Sqrt", graph.op("Add", variance, graph.floats(MOMENT_EPSILON)))
    return graph.op("Concat", mean, std, axis=1)


def recurrent(graph: _Graph, layer: nn.GRU, h: str) -> str:
    """Add a bidirectional GRU over time, (n, c, T) to (n, 2 * state, T)."""

    def gates(name: str) -> NDArray[np.float32]:
        """Both directions of a parameter; torch has the reset gate first, ONNX the update gate."""
        both = []
        for direction in ("", "_reverse"):
            p = getattr(layer, f"{name}_l0{direction}").detach().cpu().numpy()
            reset, update, new = np.split(p, 3)
            both.append(np.concatenate([update, reset, new]))
        return np.stack(both)

    bias = np.concatenate([gates("bias_ih"), gates("bias_hh")], axis=1)
    by_time = graph.op("Transpose", h, perm=[2, 0, 1])
    weights = (graph.floats(v) for v in (gates("weight_ih"), gates("weight_hh"), bias))
    states = graph.op(
        "GRU",
        by_time,
        *weights,
        direction="bidirectional",
        hidden_size=layer.hidden_size,
        linear_before_reset=1,
    )
    # (T, 2, n, state): both directions of one time beside each other
    states = graph.op("Transpose", states, perm=[2, 0, 1, 3])
    states = graph.op("Reshape", states, graph.axes(0, 0, -1))
    return graph.op("Transpose", states, perm=[0, 2, 1])


def linear(graph: _Graph, layer: nn.Linear, v: str) -> str:
    """Add a linear layer."""
    return graph.op("Gemm", v, graph.floats(layer.weight), graph.floats(layer.bias), transB=1)


def median(graph: _Graph, logits: str) -> str:
    """`skandi.networks.alpha_head.alpha_quantiles` at 1/2, in float64 like there."""
    mass = graph.op("Softmax", graph.op("Cast", logits, to=11), axis=1)
    cumulative = graph.op("CumSum", mass, graph.integer(1))
    half = graph.doubles(0.5)
    passed = graph.op("Cast", graph.op("Less", cumulative, half), to=7)
    cell = graph.op("ReduceSum", passed, graph.axes(1), keepdims=1)
    cell = graph.op("Min", cell, graph.integer(len(ALPHA_GRID) - 1))
    within = graph.op("GatherElements", mass, cell, axis=1)
    below = graph.op("Sub", graph.op("GatherElements", cumulative, cell, axis=1), within)
    tiny = graph.doubles(1e-12)
    fraction = graph.op("Div", graph.op("Sub", half, below), graph.op("Max", within, tiny))
    fraction = graph.op("Clip", fraction, graph.doubles(0), graph.doubles(1))
    spacing = graph.doubles(ALPHA_GRID[1] - ALPHA_GRID[0])
    away = graph.op("Mul", graph.op("Sub", fraction, half), spacing)
    at = graph.op("Gather", graph.doubles(ALPHA_GRID), cell)
    return graph.op("Cast", graph.op("Add", at, away), to=1)


def temperature(graph: _Graph, at_knots: NDArray[np.float64], T: str) -> str:
    """Temperature of the class probabilities at T, linear in log T between the knots."""
    knots = np.log(LENGTH_KNOTS)
    widths = np.diff(knots)
    along = graph.op("Sub", graph.op("Log", T), graph.floats(knots[:-1]))
    along = graph.op("Min", graph.op("Max", along, graph.floats(0.0)), graph.floats(widths))
    rises = graph.op("Mul", along, graph.floats(np.diff(at_knots) / widths))
    total = graph.op("ReduceSum", rises, graph.axes(0), keepdims=0)
    return graph.op("Add", total, graph.floats(at_knots[0]))
