"""What other tools print for a layer, beside our count, and why it is another figure.

`tool.py` says what a tool's rule is made of; `quirks.py` has the layers that tools count in ways of
their own; `pytorch.py` and `graphs.py` have the tools. `TOOLS` finds them by name.
"""

from __future__ import annotations

from refconv.networks.tools import graphs, pytorch
from refconv.networks.tools.tool import Tool, Unit

__all__ = ["TOOLS", "Tool", "Unit"]

TOOLS: dict[str, Tool] = {tool.name: tool for tool in (*pytorch.TOOLS, *graphs.TOOLS)}
"""By name, as a command line takes it."""
