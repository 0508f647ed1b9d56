"""Bad calls are refused: what is raised, what it says, and that nothing is written.

The table is `bad_calls.py`.
"""

import re

import numpy as np
import pytest
from bad_calls import BAD_CALLS, BIAS, WEIGHT, X
from fresh import run_python

import refconv
from refconv.conv import METHODS


def refusal(row, method):
    """The exception's type and message, and the arguments that the call has changed."""
    arguments = row.arguments(method)
    before = {name: contents(value) for name, value in arguments.items()}
    try:
        getattr(refconv, row.function)(**arguments)
    except Exception as error:
        changed = [name for name, value in arguments.items() if contents(value) != before[name]]
        return type(error), str(error), changed
    return None, "nothing was raised", []


def contents(value):
    return value.tobytes() if isinstance(value, np.ndarray) else repr(value)


def faults(row):
    """What is wrong with how the row is refused, in words: nothing, it is to be hoped.

    Without an `assert`: it has to work under `python -O`.
    """
    refusals = {method: refusal(row, method) for method in METHODS}
    error, message, changed = first = refusals["auto"]
    checks = {
        f"{error} is not {row.error}": error is row.error,
        f"{message!r} does not match {row.match!r}": re.search(row.match, message),
        f"{message!r} is not one line": "\n" not in message,
        f"{message!r} does not start in lower case": message[0].islower(),
        f"{message!r} ends with a full stop": not message.endswith("."),
        f"{changed} have changed": not changed,
        f"methods differ: {refusals}": all(other == first for other in refusals.values()),
    }
    return [fault for fault, fine in checks.items() if not fine]


@pytest.mark.parametrize("row", BAD_CALLS, ids=[row.name for row in BAD_CALLS])
def test_a_bad_call_is_refused(row):
    found = faults(row)
    assert not found, "\n".join(found)


def test_each_row_has_a_name_of_its_own():
    names = [row.name for row in BAD_CALLS]
    assert len(set(names)) == len(names) > 150


def test_bad_calls_are_refused_without_asserts_too():
    report = run_python(
        """
        from bad_calls import BAD_CALLS
        from test_refusals import faults
        assert False, "asserts are gone"
        found = [(row.name, fault) for row in BAD_CALLS for fault in faults(row)]
        print(len(BAD_CALLS), found)
        """,
        "-O",
    )
    assert report.strip() == f"{len(BAD_CALLS)} []"


@pytest.mark.parametrize("function", ["conv2d", "group_conv2d"])
def test_a_good_call_is_taken(function):
    """So that no row of the table is refused for something that all have in common."""
    y = getattr(refconv, function)(x=X, weight=WEIGHT, bias=BIAS, groups=3)
    assert y.shape == (2, 12, 5, 7)


@pytest.mark.parametrize(
    ("x", "error", "match"),
    [
        (X[0], ValueError, "x has shape"),
        (X[:, :5], ValueError, "x has 5 channels, which 3 groups do not divide"),
        (X[..., :1], ValueError, "weight spans 2 cells along W"),
        (X.astype("f8"), TypeError, "x has type float64, but weight has type float32"),
        (np.ma.array(X), TypeError, "x is a masked array"),
    ],
    ids=["axes", "channels", "too narrow", "type", "masked"],
)
def test_a_layer_refuses_an_image_that_does_not_fit(x, error, match):
    layer = refconv.Conv2d(WEIGHT, BIAS, groups=3)
    with pytest.raises(error, match=match):
        layer(x)
