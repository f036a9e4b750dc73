"""Figures: a tidy table in, a Matplotlib figure out. Matplotlib is imported in this room only.

Figures are made without pyplot, so none is shown, kept open or shared between threads.

::

    backtest_figures.py   `backtest_figure`: every model at every cut-off
    canvas.py             layout, colours and legend of every figure; `check_table`
    economics_figures.py  journey, whale curve, retention triangle, channels, plan cash, what-if
    figures.py            calibration, lift and tracking; `save_figure`
    value_figures.py      repeat purchases and expected purchases
"""
