"""Models fitted to features, purchases and contracts, and the bundle that scoring loads.

::

    bundle/      everything that scoring needs, in one value, saved without pickle; its predictions
    churn/       ChurnClassifier: the probability of churn by small boosted trees, calibrated
    encoding.py  feature frames → the matrix of the trees; categories by stored codes
    ensemble/    trees and BTYD models combined; the seasonal index of the coming horizon
    inference/   from a log-likelihood to draws of its parameters
    leads.py     which leads become customers: points by rule, and the same classifier
    renewal/     RenewalModel: how long customers with a contract stay
    value/       CustomerValueModel: purchases × spend × margin, discounted
"""
