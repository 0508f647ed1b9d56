"""The walkthrough: one small layer as standard, group and depthwise separable, in integers.

`lesson.py` is the layer with its numbers. `page.py` makes the page that a browser opens, from the
files in `page/`. In a terminal, `terminal.py` follows the keys, `steps.py` knows which step is
next, `screens.py` draws it on a `canvas.py`; `printed.py` is all steps as text, `summary.py` what
the structures cost. `pictures/` draws for the notes. `photo.py` takes a photograph through the
three structures: it draws what `experiments.py` computes, which finds the separable layer nearest
to a standard one with `nearest.py`.
"""
