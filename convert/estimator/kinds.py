"""What an estimator is: scikit-learn's own class, or another package's by its name.

Other packages are optional: none is imported to ask whether an estimator is of it.
"""

from __future__ import annotations

from typing import Any

type Kind = type | str


def kind_of(estimator: Any) -> Kind:
    """Return the class of an estimator of scikit-learn, else the name of its package and of its class.

    >>> from sklearn.tree import DecisionTreeClassifier
    >>> kind_of(DecisionTreeClassifier()) is DecisionTreeClassifier
    True
    >>> from lightgbm import LGBMClassifier
    >>> kind_of(LGBMClassifier())
    'lightgbm.LGBMClassifier'
    """
    own = type(estimator)
    package = own.__module__.partition(".")[0]
    return own if package == "sklearn" else f"{package}.{own.__name__}"


def name_of_kind(kind: Kind) -> str:
    """Return the name of the class alone."""
    return kind.rpartition(".")[2] if isinstance(kind, str) else kind.__name__
