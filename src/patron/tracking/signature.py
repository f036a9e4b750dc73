"""What a request to the served model holds, and what its answer holds.

All numbers are double: MLflow would cut 1.5 down to 1 in a column of whole numbers. Ids are texts or whole
numbers, as they were in training. All columns are optional as far as MLflow is concerned, for two reasons. A
request may hold all features or the four purchase columns alone, with or without what referrals and
contributions bring; and where a required column is missing,
MLflow's scoring server answers with the rows that it received. So the model looks for its columns itself
(guard.py) and names the missing one without a word about the customers.
"""

import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema

from patron.models.bundle.bundle import Bundle
from patron.models.value.rfm import RFM_COLUMNS
from patron.scores.columns import SCORECARD_TYPES
from patron.scores.decisions import OPTIONAL_COLUMNS

__all__ = ["PARAMETERS", "input_example", "make_signature"]

PARAMETERS = ("horizon_days", "value_horizon_days", "annual_discount_rate", "reasons")
"""What a request may set besides its rows."""

ID_TYPES = {"text": DataType.string, "whole": DataType.long}

ANSWER_TYPES = {
    "date": DataType.string,
    "time": DataType.string,
    "text": DataType.string,
    "whole": DataType.long,
    "number": DataType.double,
}


def make_signature(bundle: Bundle) -> ModelSignature:
    """The columns of a request to this model, of its answer, and the parameters with their defaults.

    Examples
    --------
    See :func:`patron.tracking.package.save_bundle_as_model`.
    """
    catalogue = bundle.catalogue
    numbers = (*RFM_COLUMNS, *catalogue.numbers, *OPTIONAL_COLUMNS)
    kinds = {"customer_id": ID_TYPES[bundle.customer_ids], "as_of": DataType.string}
    kinds |= dict.fromkeys(numbers, DataType.double) | dict.fromkeys(catalogue.categories, DataType.string)
    answer_types = ANSWER_TYPES | {"id": ID_TYPES[bundle.customer_ids]}
    answer = [ColSpec(answer_types[kind], name, required=False) for name, kind in SCORECARD_TYPES.items()]
    return ModelSignature(
        inputs=Schema([ColSpec(kind, name, required=False) for name, kind in kinds.items()]),
        outputs=Schema(answer),
        params=ParamSchema(
            [
                ParamSpec("horizon_days", DataType.long, bundle.horizon_days),
                ParamSpec("value_horizon_days", DataType.long, bundle.value_horizon_days),
                ParamSpec("annual_discount_rate", DataType.double, bundle.annual_discount_rate),
                ParamSpec("reasons", DataType.boolean, True),
            ]
        ),
    )


def input_example(bundle: Bundle) -> pd.DataFrame:
    """The smallest request, of a customer who does not exist."""
    return pd.DataFrame(
        {
            "customer_id": [1] if bundle.customer_ids == "whole" else ["customer 1"],
            "as_of": [bundle.as_of.isoformat()],
            "frequency": [3.0],
            "recency": [200.0],
            "T": [270.0],
            "monetary_value": [25.0],
        }
    )
