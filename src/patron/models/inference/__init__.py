"""From a log-likelihood to draws of its parameters: NUTS, Laplace or the mode.

::

    backends.py     The functions of which a formula is made: NumPy's for numbers, PyTensor's for the symbols
                    of PyMC.
    compression.py  Customers who are alike, counted once: what makes a likelihood of a million customers
                    small.
    covariates.py   Columns that tell customers apart, as numbers around zero: `Covariates`.
    diagnostics.py  Whether a fit can be trusted: `Diagnostics`, and the limits that decide.
    drawn_model.py  A model known by draws of its parameters: `DrawnModel`, kept without pickle and without
                    customers.
    estimator.py    Settings by name, as scikit-learn asks estimators for them, without loading scikit-learn:
                    `Estimator`.
    kernels.py      The likelihoods, summed over customers, with their gradients: compiled, so that chains
                    run side by side.
    laplace.py      Draws from the curvature at the mode, corrected by importance weights: no chains, and
                    k-hat to judge it.
    nuts.py         Draws by the No-U-Turn sampler of nutpie, in coordinates in which the posterior is nearly
                    standard normal.
    posterior.py    From a log-likelihood to draws of its parameters: one `Posterior`, three ways to learn
                    about it.
    psis.py         Importance weights, the largest smoothed by a Pareto distribution, and k-hat: what they
                    are worth.
    stored.py       A model of arrays and plain values, kept in one file without pickle: `Stored`.
"""
