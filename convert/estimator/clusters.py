"""Clusters and the components of mixtures: they label rows as a classifier does, by number, from 0."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_clusterer
from sklearn.cluster import BisectingKMeans, KMeans, MiniBatchKMeans
from sklearn.utils import get_tags

from convert.errors import ConvertError


def labels_by_number(estimator: Any) -> bool:
    """Whether the estimator is a clusterer, or a mixture of densities: its label of a row is a number, from 0."""
    return bool(is_clusterer(estimator) or get_tags(estimator).estimator_type == "density_estimator")


def numbers_of_clusters(last: Any) -> NDArray[np.int64]:
    """Return the labels that a clusterer or a mixture, the last step of a pipeline, may give to rows: 0, 1 and so on.

    Raises ConvertError for one that tells of no clusters.
    """
    name = type(last).__name__
    if hasattr(getattr(last, "cluster_centers_", None), "toarray"):
        raise ConvertError(f"{name} was fitted on a sparse matrix, whose distances tie: fit it on a dense one")
    if isinstance(last, KMeans | MiniBatchKMeans | BisectingKMeans) and last.cluster_centers_.dtype != np.float64:
        raise ConvertError(f"{name} was fitted on float32, and takes no float64, which is served: fit it on float64")
    for attribute in ("cluster_centers_", "means_"):
        if hasattr(last, attribute):
            count = len(getattr(last, attribute))
            break
    else:
        if not hasattr(last, "subcluster_labels_"):
            raise ConvertError(f"{name} has no cluster_centers_: fit a classifier on the labels that it gives to rows")
        count = int(np.max(last.subcluster_labels_)) + 1
    if not count:
        raise ConvertError(f"{name} did not converge, and labels every row as -1: fit it with a larger max_iter")
    return np.arange(count)
