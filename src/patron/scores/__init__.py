"""What a model says about each customer, as one row: the scorecard.

============  ============================================================================================
scorable.py   which feature rows can be scored, and the rule that each other row breaks
potentials.py what a customer has brought, may bring, and stands to be lost
reasons.py    why the risk is what it is, in words
scorecard.py  `make_scorecard`: feature rows and a bundle → the scorecard; its columns and their types
============  ============================================================================================
"""
