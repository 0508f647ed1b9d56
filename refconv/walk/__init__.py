"""The walkthrough: one small layer as standard, group and depthwise separable, in integers.

`lesson.py` is the layer with its numbers; `terminal.py` steps through it in a terminal; `page.py`
makes the page that a browser opens, from the files in `page/`; `pictures.py` draws for the notes;
`photo.py` takes a photograph through the three structures: it draws what `experiments.py` computes,
which finds the separable layer nearest to a standard one with `nearest.py`.
"""
