"""Connected components, in process, with a certificate: a wrong answer is refused, not written."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

from jobs.errors import StepFailed


class NotComponents(StepFailed):
    """Labels that are not the connected components of the links; nothing was written."""


def components(size: int, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The component of each node 0..size-1, named by its smallest node. `left` and `right` are the ends of the links.

    Two million nodes and links take a fraction of a second; 100 million links fit in about 2 GB.
    """
    if size == 0:
        return np.empty(0, np.int64)
    _, raw = connected_components(_graph(size, left, right), directed=False)
    smallest = np.unique(raw, return_index=True)[1]  # nodes are looked at in order, so the first one is the smallest
    labels = smallest[raw]
    certify(labels, left, right)
    return labels


def spanning(size: int, left: np.ndarray, right: np.ndarray, days: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Links that tie together all that links do, up to each day: per such link one of its nodes, and its day.

    `days` are from 0 on. How many there are up to a day, of the nodes that links tie together, depends neither on the
    order of nodes nor on that of links. No link may be given twice.
    """
    later = days.astype(np.int64) + 1  # to a sparse graph a weight of 0 is no link
    forest = minimum_spanning_tree(coo_matrix((later, (left, right)), shape=(size, size))).tocoo()
    return forest.row.astype(np.int64), forest.data.astype(np.int64) - 1


def certify(labels: np.ndarray, left: np.ndarray, right: np.ndarray) -> None:
    """Raise NotComponents unless linked nodes share a label, labels are canonical and nothing else was joined."""
    nodes = np.arange(len(labels))
    if (labels[left] != labels[right]).any():
        raise NotComponents("identity: two linked identifiers got different customers; report this as a defect")
    if (labels > nodes).any() or (labels[labels] != labels).any():
        raise NotComponents("identity: a customer is not named after its oldest identifier; report this as a defect")
    forest = minimum_spanning_tree(_graph(len(labels), left, right)).nnz if len(labels) else 0
    if (labels == nodes).sum() != len(labels) - forest:
        raise NotComponents("identity: identifiers that nothing links share a customer; report this as a defect")


def _graph(size: int, left: np.ndarray, right: np.ndarray) -> coo_matrix:
    apart = left != right
    return coo_matrix((np.ones(apart.sum(), np.int32), (left[apart], right[apart])), shape=(size, size))
