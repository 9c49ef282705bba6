"""The claims of all figures that have run, as the tables of docs/autoencoder-paper.md.

python benchmarks/paper_ae/write_docs.py
"""

import json
import re
from pathlib import Path

from common import RESULTS

DOCS = Path(__file__).parents[2] / "docs" / "autoencoder-paper.md"
MODELS = ("attm", "ctrw", "fbm", "sbm")
LEVELS = ("EtOH", "1 pM", "10 pM", "100 pM", "1 nM", "10 nM")
CORNER_OF_FBM = 2  # after CTRW and ATTM
NETWORKS = {"fig2": "separate", "fig2_shared": "shared"}
SETTINGS = [
    f"{inference}, {tracks} tracks"
    for inference in ("fixed statistics", "batch statistics", "mixed batches")
    for tracks in ("all", "moving")
]
FIGURES = ("fig2", "fig2_shared", "fig3", "fig4", "fig5", "fig6", "fig7", "pooling")


def main() -> None:
    found = {}
    for figure in FIGURES:
        path = RESULTS / f"paper_ae_{figure}.json"
        if path.exists():
            found[figure] = json.loads(path.read_text(encoding="utf-8"))
    put("figure 2a", figure_2a(found))
    if "fig6" in found:
        put("figure 6", figure_6(found["fig6"]))
    if "fig7" in found:
        put("figure 7", figure_7(found["fig7"]))
    put("other claims", other_claims(found))
    put("pooling", pooling(found["pooling"]))
    put("rests on", rests_on(found))


def figure_2a(found) -> list[str]:
    """A row per network and way of inference, with the models of which a claim holds."""
    lines = [
        "| normalisation | inference and tracks | errs least on its own data | its data are "
        "reproduced best by it | over five times on FBM | FBM network worst | ATTM like SBM, "
        "networks / data |",
        "|---|---|---|---|---|---|---|",
    ]
    for figure, name in NETWORKS.items():
        for setting in SETTINGS if figure in found else ():
            claims = [c for c in found[figure]["claims"] if setting in c["claim"]]
            cells = [
                of_models(claims, r"2a row, .*: the (\w+) AE"),
                of_models(claims, r"2a column, .*: (\w+) data"),
                *(one(claims, words) for words in ("ten times", "errs most")),
                " / ".join(one(claims, f"{what} look alike") for what in ("AEs", "data")),
            ]
            lines.append(f"| {name} | {setting} | " + " | ".join(cells) + " |")
    return lines


def figure_6(result) -> list[str]:
    """A row per kind of tracks and way of inference, a column per network."""
    lines = [
        "| tracks, inference | holds | errs least | "
        + " | ".join(f"{k / 10:g}" for k in range(1, 11))
        + " |",
        "|---" * 13 + "|",
    ]
    for claim in result["claims"]:
        (setting,) = re.findall(r"6a-d, (.*): the FBM AE", claim["claim"])
        least = re.sub(r"least at α = (\S+): .*", r"\1", claim["figures"])
        errors = numbers(result[f"{setting}: mean MSE by training alpha"], " | ")
        lines.append(f"| {setting} | {yes(claim['passed'])} | α = {least} | {errors} |")
    learnt = numbers(result["training loss by training alpha"], " | ")
    return [*lines, f"| training loss | | | {learnt} |"]


def figure_7(result) -> list[str]:
    """A row per way of joining x and y and of inference: claims, then shares by level."""
    lines = [
        "| x and y, inference | error of FBM falls | other errors rise | share of FBM grows, of "
        "three networks | of the plane |",
        "|---|---|---|---|---|",
    ]
    named = [re.fullmatch(r"(?:6e|7), (.*?): (.*)", claim["claim"]) for claim in result["claims"]]
    settings = list(dict.fromkeys(match[1] for match in named))
    for setting in settings:
        cells = [
            f"{yes(claim['passed'])}: {claim['figures'].partition(';')[0]}"
            for claim, match in zip(result["claims"], named, strict=True)
            if match[1] == setting
        ]
        lines.append(f"| {setting} | " + " | ".join(cells) + " |")
    lines += [
        "",
        "The share of tracks of which the FBM network errs least of three:",
        "",
        "| x and y, inference | " + " | ".join(LEVELS) + " |",
        "|---" * (len(LEVELS) + 1) + "|",
        row("published", result["published share of FBM"]),
    ]
    for setting in settings:
        of_three = result[f"{setting}: share best explained among the pure AEs"]
        lines.append(row(setting, [shares[CORNER_OF_FBM] for shares in of_three]))
    jump = result["share of restarted tracks that have a jump"]
    lines += ["", f"Restarted tracks with a jump, by level: {numbers(jump, ', ')}."]
    return lines


def row(name, values) -> str:
    return f"| {name} | {numbers(values, ' | ')} |"


def numbers(values, between) -> str:
    return between.join(f"{value:.2f}" for value in values)


def of_models(claims, pattern) -> str:
    held = {
        match[1]: claim["passed"]
        for claim in claims
        if (match := re.match(pattern, claim["claim"]))
    }
    return ", ".join(m.upper() for m in MODELS if held[m]) or "none"


def one(claims, words) -> str:
    (claim,) = [c for c in claims if words in c["claim"]]
    return yes(claim["passed"])


def other_claims(found) -> list[str]:
    lines = ["| claim | holds | figures |", "|---|---|---|"]
    for figure, result in found.items():
        name = f" ({NETWORKS[figure]} normalisation)" if figure in NETWORKS else ""
        for claim in result["claims"]:
            if not claim["claim"].startswith(("2a", "6", "7")):
                told = claim["figures"].replace("|", "/")
                lines.append(f"| {claim['claim']}{name} | {yes(claim['passed'])} | {told} |")
    return lines


def pooling(found) -> list[str]:
    """Errors, and how many principal components err as little."""
    components = [v[0] for name, v in found.items() if name.endswith("principal components")]
    lines = [
        "| | mean squared error | " + " | ".join(m.upper() for m in MODELS) + " | components |",
        "|---" * (len(MODELS) + 3) + "|",
    ]
    for name, errors in found.items():
        if name.startswith(("with", "4 ")):
            needed = next(k for k, least in enumerate(components) if least <= errors[0])
            cells = " | ".join(f"{error:.3f}" for error in errors)
            lines.append(f"| {name} | {cells} | {needed} |")
    return lines


def rests_on(found) -> list[str]:
    lines = ["| figure | networks per training set | wanted |", "|---|---|---|"]
    for figure, result in found.items():
        done, wanted = result["repetitions"]
        lines.append(f"| {figure.replace('_', ', ')} | {done} | {wanted} |")
    return lines


def yes(passed: bool) -> str:
    return "yes" if passed else "**no**"


def put(name: str, lines: list[str]) -> None:
    """Put lines between their marks in the documentation."""
    start, end = f"<!-- {name}: start -->\n", f"<!-- {name}: end -->"
    before, _, rest = DOCS.read_text(encoding="utf-8").partition(start)
    _, mark, after = rest.partition(end)
    if not mark:
        raise SystemExit(f"{DOCS} has lost the marks of {name!r}")
    text = before + start + "\n".join(lines) + "\n" + end + after
    DOCS.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
