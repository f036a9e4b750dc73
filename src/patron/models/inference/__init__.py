"""From a log-likelihood to draws of its parameters: NUTS, Laplace or the mode.

::

    backends.py     one formula for NumPy and for PyTensor
    compiled.py     log-likelihoods whose sum and gradient are compiled
    compression.py  equal customers counted once
    covariates.py   Covariates: columns standardised, categories as indicators
    diagnostics.py  Diagnostics: whether a fit can be trusted
    drawn_model.py  DrawnModel: an estimator that keeps draws of its parameters and no customers
    estimator.py    Estimator: settings by name, as scikit-learn expects
    kernels.py      the likelihoods compiled, with gradients
    laplace.py      draws from the curvature at the mode, corrected by importance weights
    nuts.py         draws by the No-U-Turn sampler
    posterior.py    Posterior, its mode and the curvature there
    priors.py       medians and spreads of priors
    psis.py         Pareto-smoothed importance weights, and k-hat
    sampling.py     posterior draws by the chosen method
    stored.py       a model of arrays and plain values in one file, without pickle
"""
