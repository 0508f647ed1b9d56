"""Speed, measured so that it can be believed: right answers first, then turns in one run.

`layers.py` is the table of layers, `operands.py` their data and the outputs they must give,
`peers.py` the other libraries, `limits.py` what this machine can do at best, `measure.py` the
turns, `machine.py` its name. How figures are shown is `cli/bench.py` and `benchmarks/layers.py`.
"""
