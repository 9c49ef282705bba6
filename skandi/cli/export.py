"""``skandi export``: the networks for programs that are not Python."""

from __future__ import annotations

from pathlib import Path

import typer

from skandi.cli.console import require_place, say
from skandi.cli.predict import WEIGHTS
from skandi.errors import SkandiError


def export(
    output: Path = typer.Option(
        ..., "-o", "--output", metavar="OUT", help="File to write, ending in .onnx."
    ),
    dims: int = typer.Option(2, min=1, max=3, help="Spatial dimensions."),
    weights: Path | None = WEIGHTS,
) -> None:
    """Write the α and model networks as one ONNX file, for AnDi-J in Fiji and other programs.

    Input positions (1, T, d), float32, raw; outputs alpha (1, 1) and model (1, 5): probabilities of
    ATTM, CTRW, FBM, LW and SBM.

    For example: `skandi export --dims 2 -o andi_2d.onnx`
    """
    if output.suffix != ".onnx":
        raise SkandiError(f"{output}: the name of an ONNX file ends in .onnx.")
    require_place(output)
    from skandi.onnx_export import export_onnx
    from skandi.pretrained import load_pretrained
    from skandi.weights import load_weights, refusing

    if weights is not None:
        with refusing(weights):
            members = load_weights(weights)[0]["network_params"].get("members", [])
        if len(members) > 1:
            say(f"{weights} holds {len(members)} networks, of which the first is written")
    export_onnx(
        output,
        n_dims=dims,
        alpha_model=load_pretrained("alpha", n_dims=dims, path=weights),
        model_classifier=load_pretrained("model", n_dims=dims, path=weights),
    )
    say(f"wrote {output}")
