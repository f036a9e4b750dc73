"""Individual effects of a contact, learned from a randomised trial.

::

    balance.py               covariate balance check: does the control group look randomised
    control_group.py         the check that there are enough treated and control customers
    effects.py               `EffectModel`: the effect of an offer on retention and on money
    from_contacts.py         past contacts and history → the effect of each offer on each customer
    learners.py              the meta-learners: smooth, S-, T-, X- and DR-learner
    metrics.py               Qini, AUUC, uplift at depth and by decile, with bootstrap intervals
    model.py                 `UpliftModel`: cross-fitting, choice of learner, calibration, intervals
    outcome_trees.py         boosted trees for outcomes, propensities and effects
    penalised_regression.py  the smooth learner: a regression with penalised treatment interactions
    residual_variance.py     residual effect heterogeneity beyond the predictions of a learner
    trial.py                 the data of a trial, and its division into folds
    trial_arms.py            the offer of each past contact and its control group
"""
