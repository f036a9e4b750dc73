"""What people look at. Matplotlib is imported in this room and nowhere else.

===================  ======================================================================================
figures.py           `calibration_figure`, `lift_figure`, `tracking_figure`; `save_figure` writes one as PNG
value_figures.py     `frequency_figure`, `expected_purchases_figure`
backtest_figures.py  `backtest_figure`: every model at every cut
economics_figures.py `journey_figure`, `whale_figure`, `triangle_figure`, `channel_figure`,
                     `plan_cash_figure`, `what_if_figure`
canvas.py            how every figure looks
===================  ======================================================================================

Each takes a tidy table and returns a Matplotlib figure, made without pyplot, so that nothing is shown, kept
open or shared between threads.
"""
