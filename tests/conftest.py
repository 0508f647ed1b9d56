"""How Hypothesis behaves in this project's tests."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "refconv",
    deadline=None,  # a kernel's first call compiles it
    derandomize="CI" in os.environ,  # the same examples on every run there
    print_blob=True,  # a failure ends with the line that reproduces it
    suppress_health_check=[HealthCheck.too_slow],  # the same first call
)
settings.load_profile("refconv")
