"""What people look at. Matplotlib is imported in this room and nowhere else.

==============  ===========================================================================================
figures.py      tidy table → Matplotlib figure: `calibration_figure`, `lift_figure`, `tracking_figure`;
                `save_figure` writes one as PNG
==============  ===========================================================================================

Figures are made without pyplot, so that nothing is shown, kept open or shared between threads.
"""
