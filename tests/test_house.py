"""The rules of the house that no other tool holds: who imports whom, who prints, who draws.

See "The tree" in docs/design.md and CONTRIBUTING.md.
"""

import ast
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import skandi

PACKAGE = Path(skandi.__file__).parent

# Data flows down this list, imports point up: a part knows only the parts above it.
TREE = (
    "errors",
    "files",
    "provenance",
    "versioned",
    "diffusion",
    "trajectories",
    "normalize",
    "lengths",
    "calibration",
    "msd",
    "simulate",
    "networks",
    "weights",
    "saving",
    "novelty",
    "training",
    "estimator",
    "regressor",
    "classifier",
    "anomaly",
    "members",
    "bagging",
    "bagging_regressor",
    "bagging_classifier",
    "fingerprint",
    "pretrained",
    "onnx_export",
    "io",
    "analyse",
    "windows",
    "resampling",
    "compare",
    "distributed",
    "plot",
    "report",
    "cli",
    "__main__",
)
ALLOWED_TO_IMPORT_SKORCH = ("training",)
ALLOWED_TO_PRINT = ("cli",)

# What makes or describes a generator of its own; all else in numpy.random touches the global one.
NUMPY_RANDOM_ALLOWED = {
    "default_rng",
    "Generator",
    "SeedSequence",
    "BitGenerator",
    "PCG64",
    "RandomState",
}
# It calls a package that draws from the global generators, and puts them back as they were.
ALLOWED_TO_SEED = ("simulate/andi_datasets_adapter.py",)
GLOBAL_SEEDERS = {
    "random.seed",
    "torch.seed",
    "torch.manual_seed",
    "torch.default_generator.manual_seed",
    "torch.random.manual_seed",
    "torch.random.seed",
    "torch.set_rng_state",
    "torch.random.set_rng_state",
    "torch.cuda.manual_seed",
    "torch.cuda.manual_seed_all",
    "stochastic.random.seed",
    "sklearn.utils.check_random_state",
}
FORKED_RNG = {"torch.random.fork_rng"}

SOURCES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")
SOURCE_NAMES = [path.relative_to(PACKAGE).as_posix() for path in SOURCES]
each_source = pytest.mark.parametrize("path", SOURCES, ids=SOURCE_NAMES)


def part_of(path: Path) -> str:
    """The entry of the tree a file belongs to: 'simulate' for simulate/stream.py."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imported_modules(path: Path) -> list[str]:
    """Absolute names of all that a file imports, at its top and inside its functions."""
    package = ["skandi", *path.relative_to(PACKAGE).parent.parts]
    found = []
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            found += [f"{module}.{alias.name}" for alias in node.names]
    return found


def imported_parts(path: Path) -> set[str]:
    names = [name.split(".") for name in imported_modules(path)]
    return {name[1] if len(name) > 1 else "" for name in names if name[0] == "skandi"}


def full_names(tree: ast.Module) -> dict[str, str]:
    """What each imported name stands for: {'np': 'numpy', 'rand': 'numpy.random.rand'}."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.split(".")[0]
                names[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names


def dotted(node: ast.AST, names: dict[str, str]) -> str | None:
    """'numpy.random.rand' of the expression np.random.rand."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name) or node.id not in names:
        return None
    return ".".join([names[node.id], *reversed(parts)])


def global_random_use(tree: ast.Module) -> list[str]:
    """Each use of a global random state, as 'line: name'; inside fork_rng() torch's is free."""
    names = full_names(tree)
    found = []

    def visit(node: ast.AST, forked: bool) -> None:
        if isinstance(node, ast.With):
            calls = [item.context_expr for item in node.items]
            forked = forked or any(
                isinstance(call, ast.Call) and dotted(call.func, names) in FORKED_RNG
                for call in calls
            )
        if isinstance(node, ast.Attribute | ast.Name):
            name = dotted(node, names) or ""
            drawn = name.removeprefix("numpy.random.")
            if drawn != name and drawn.split(".")[0] not in NUMPY_RANDOM_ALLOWED:
                found.append(f"{node.lineno}: {name}")
            if name in GLOBAL_SEEDERS and not (forked and name.startswith("torch.")):
                found.append(f"{node.lineno}: {name}")
        for child in ast.iter_child_nodes(node):
            visit(child, forked)

    visit(tree, forked=False)
    return found


@each_source
def test_tree__every_file__has_its_place(path):
    assert part_of(path) in TREE, (
        f"{part_of(path)} is not in the tree: give it a place in TREE and docs/design.md"
    )


@each_source
def test_imports__every_file__point_up_the_tree(path):
    part = part_of(path)
    above = set(TREE[: TREE.index(part) + 1])
    # The version is a name of the package itself.
    below = imported_parts(path) - above - {"__version__"}
    assert not below, f"{part} imports {sorted(below)}, which do not stand above it in the tree"


@each_source
def test_imports__skorch__only_in_training(path):
    knows_skorch = any(name.split(".")[0] == "skorch" for name in imported_modules(path))
    assert not knows_skorch or part_of(path) in ALLOWED_TO_IMPORT_SKORCH


@each_source
def test_output__every_file__does_not_print(path):
    if part_of(path) in ALLOWED_TO_PRINT:
        return
    prints = [
        node.lineno
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"print", "pprint", "breakpoint"}
    ]
    assert not prints, f"prints in lines {prints}"


@each_source
def test_random__every_file__leaves_the_global_state_alone(path):
    if path.relative_to(PACKAGE).as_posix() in ALLOWED_TO_SEED:
        return
    assert global_random_use(parse(path)) == []


@pytest.mark.parametrize(
    "line",
    [
        "import numpy as np; np.random.normal()",
        "import numpy as np; np.random.seed(0)",
        "from numpy import random; random.rand(3)",
        "from numpy.random import normal; normal()",
        "import torch; torch.manual_seed(0)",
        "from torch import manual_seed as seed; seed(0)",
        "import random; random.seed(0)",
    ],
)
def test_random__global_use__is_found(line):
    assert len(global_random_use(ast.parse(line))) == 1


@pytest.mark.parametrize(
    "line",
    [
        "import numpy as np; np.random.default_rng(0).normal()",
        "import torch; torch.Generator().manual_seed(0)",
        "import torch\nwith torch.random.fork_rng([]):\n    torch.manual_seed(0)",
        "rng.random.seed(0)",
    ],
)
def test_random__generator_of_its_own__is_allowed(line):
    assert global_random_use(ast.parse(line)) == []


def test_public_names__dir_all_and_getattr__agree():
    assert set(skandi.__all__) <= set(dir(skandi))
    for name in skandi.__all__:
        assert getattr(skandi, name) is not None


def test_public_names__unknown_name__is_an_attribute_error():
    with pytest.raises(AttributeError, match="skandi.*no attribute 'alpha_regressor'"):
        _ = skandi.alpha_regressor


def test_public_names__after_all_modules_are_imported__still_are_what_they_were():
    before = {name: getattr(skandi, name) for name in skandi.__all__}
    for module in pkgutil.walk_packages([str(PACKAGE)], prefix="skandi."):
        importlib.import_module(module.name)
    for name, value in before.items():
        assert getattr(skandi, name) is value, f"a submodule now hides skandi.{name}"


def public_members(name: str) -> dict[str, object]:
    """The class or function of that name, or, for a module, all that its __all__ lists."""
    value = getattr(skandi, name)
    members = {name: value}
    if inspect.ismodule(value):
        members = {f"{name}.{member}": getattr(value, member) for member in value.__all__}
    return {
        member: found
        for member, found in members.items()
        if inspect.isclass(found) or inspect.isfunction(found)
    }


@pytest.mark.parametrize("name", skandi.__all__)
def test_documentation__public_name__has_parameters_and_an_example(name):
    lacks = []
    for member, value in public_members(name).items():
        doc = inspect.getdoc(value) or ""
        if "Examples\n--------" not in doc or ">>> " not in doc:
            lacks.append(f"{member}: an Examples section with a doctest")
        if inspect.signature(value).parameters and "Parameters\n----------" not in doc:
            lacks.append(f"{member}: a Parameters section")
    assert not lacks


def names_of_the_reference():
    """(module, name) of all that docs/api.md lists, but for errors."""
    module, listed = "skandi", []
    for line in (PACKAGE.parent / "docs" / "api.md").read_text(encoding="utf-8").splitlines():
        if line.startswith(".. currentmodule:: "):
            module = line.split()[-1]
        elif re.fullmatch(r"   \w+", line) and module != "skandi.errors":
            listed.append((module, line.strip()))
    return listed


@pytest.mark.parametrize("module, name", names_of_the_reference())
def test_documentation__name_of_the_reference__says_what_it_takes_with_an_example(module, name):
    value = getattr(importlib.import_module(module), name)
    doc = inspect.getdoc(value) or ""
    assert "Examples\n--------" in doc
    assert ">>> " in doc
    if inspect.isfunction(value) and inspect.signature(value).parameters:
        assert "Parameters\n----------" in doc


def test_doctests__plain_pytest__runs_them(pytestconfig):
    assert {"skandi", "README.md", "docs"} <= set(pytestconfig.getini("testpaths"))
    assert pytestconfig.getoption("doctestmodules")
    assert pytestconfig.getoption("doctestglob") == ["*.md"]


PAGES = [PACKAGE.parent / "README.md", *sorted((PACKAGE.parent / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages__code_and_commands__are_run_or_there(page):
    blocks = re.findall(r"^```(\w+)\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)
    for language, block in blocks:
        # Python that is no doctest would be run by nobody.
        assert language != "python" or block.startswith(">>> "), block
        for script in re.findall(r"python (\S+\.py)", block):
            assert (PACKAGE.parent / script).is_file(), script


@pytest.mark.parametrize("path", [*PAGES, *SOURCES], ids=lambda path: path.name)
def test_commands_to_copy__every_shell__reads_them_alike(path):
    """cmd.exe knows no single quotes, and zsh takes brackets without quotes for a pattern."""
    text = path.read_text(encoding="utf-8")
    assert not re.findall(r"pip install [^\n\"`]*(?:'|skandi\[|\.\[).*|--column \w+='.*", text)


def modules_after(statement: str) -> set[str]:
    """The modules a fresh Python has loaded after a statement."""
    code = f"import sys; {statement}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_import__skandi__is_light():
    loaded = modules_after("import skandi")
    assert "skandi" in loaded
    assert not loaded & {"torch", "skorch", "sklearn", "pandas", "matplotlib", "scipy"}


def test_import__simulate__needs_no_torch():
    loaded = modules_after("import skandi.simulate")
    assert not loaded & {"torch", "skorch"}
