"""What the recipes that score share: batches, drift, model choice, potentials, Spark.

::

    batches.py          Scoring in batches: features to a file, then some tens of thousands of customers at a
                        time.
    costs_to_serve.py   What it took to serve each customer up to a day, from a table such as `patron costs`
                        writes.
    drift.py            Whether the customers that are scored are still those of the training, and whether
                        they buy as expected.
    job_stages.py       The stages of a long job: what each is called, how many rows it handled and how many
                        seconds it took.
    model_choice.py     The model that scores, and what the settings may ask of it.
    on_spark.py         Scoring on Spark: the stages of batch.py, with features, scores and files made by
                        Spark's workers.
    potential_parts.py  The four potentials in their parts, one row per customer with a score: for `patron
                        score --potentials`.
    potentials.py       What referrals and contributions bring each customer, and what serving took: columns
                        beside the features.
    spark_features.py   Features on Spark: computed by its workers and written by them; the driver sees
                        counts alone.
    value_model.py      The value model of a registered model, or one fitted to the customers at hand.
"""
