"""What `import refconv` brings: its public names, and none of the heavy packages."""

import json
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
from fresh import run_python

import refconv

HEAVY = ("numba", "llvmlite", "hypothesis", "torch", "onnx", "onnxruntime", "jax", "scipy")
FORMS = (
    "conv2d",
    "group_conv2d",
    "depthwise_conv2d",
    "pointwise_conv2d",
    "depthwise_separable_conv2d",
    "Conv2d",
)


def heavy_packages_after(code):
    """Those that a fresh interpreter has loaded after the code."""
    report = run_python(f"{code}\nimport json, sys\nprint(json.dumps(list(sys.modules)))")
    return [name for name in HEAVY if name in json.loads(report)]


def test_importing_loads_nothing_heavy():
    assert heavy_packages_after("import refconv") == []


@pytest.mark.parametrize("method", ["loops", "im2col"])
def test_the_numpy_methods_load_nothing_heavy(method):
    code = f"import refconv; refconv.conv2d([[[[1, 2, 3]]]], [[[[4, 5]]]], method={method!r})"
    assert heavy_packages_after(code) == []


@pytest.mark.parametrize("method", ["jit", "jit-loops", "auto"])
def test_the_compiled_methods_load_numba_at_first_use(method):
    code = f"import refconv; refconv.conv2d([[[[1, 2, 3]]]], [[[[4, 5]]]], method={method!r})"
    assert "numba" in heavy_packages_after(code)


def test_all_names_everything_public():
    public = {
        name
        for name, value in vars(refconv).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    }
    assert set(refconv.__all__) == public
    assert len(refconv.__all__) == len(public)


def test_a_star_import_brings_all_and_no_more():
    names = run_python("from refconv import *\nprint(*(n for n in dir() if n[0] != '_'))")
    assert sorted(names.split()) == sorted(refconv.__all__)


@pytest.mark.parametrize("name", [*FORMS, "Geometry", "count", "tally", "set_threads"])
def test_what_a_user_expects_is_public(name):
    assert name in refconv.__all__


@pytest.mark.parametrize("name", refconv.__all__)
def test_every_public_name_is_documented(name):
    assert getattr(refconv, name).__doc__.strip()


def test_the_version_is_that_of_the_project():
    project = tomllib.loads(Path(__file__).parents[1].joinpath("pyproject.toml").read_text())
    assert refconv.__version__ == project["project"]["version"]
