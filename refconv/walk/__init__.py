"""The walkthrough: one small layer as standard, group and depthwise separable, in integers.

`lesson.py` is the layer with its numbers; `page.py` makes the page that a browser opens, from the
files in `page/`; `photo.py` takes a photograph through the three structures; `pictures/` draws for
the notes. In a terminal, `terminal.py` follows the keys, `steps.py` knows which step is next,
`screens.py` draws it on a `canvas.py`; `printed.py` is all steps as text, `summary.py` what the
structures cost.
"""
