"""Which items are bought by the same customers: how much each bought item speaks for each other item.

Up to EXACT items by EASE: Steck (2019), "Embarrassingly Shallow Autoencoders for Sparse Data", WWW '19; closed form,
equation (8). With more items its square matrix is too large: then by the cosine of their buyers (Sarwar et al. 2001,
"Item-based Collaborative Filtering", WWW '01), of each item the nearest NEIGHBOURS only.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from scipy.linalg import lapack

EXACT = 10_000
"""Items up to which the square matrix is kept: 0.8 GB while it is inverted."""
NEIGHBOURS = 200
"""Items kept that speak for, or against, an item; the rest weigh next to nothing."""
CELLS = 20_000_000
"""Cosines held at a time, 80 MB."""


def learn(bought: sp.csr_matrix, ridge: float) -> sp.csr_matrix:
    """Weight of a bought item (row) for another one (column), from customers x items of ones."""
    if bought.shape[1] <= EXACT:
        return pruned(ease(bought, ridge))
    return cosine(bought)


def ease(bought: sp.csr_matrix, ridge: float) -> np.ndarray:
    """All weights by EASE; the diagonal is 0, so that nothing speaks for itself. `ridge` > 0 holds back rare pairs."""
    gram = (bought.T @ bought).toarray().astype(np.float64)
    gram[np.diag_indices_from(gram)] += ridge
    factor, failed = lapack.dpotrf(gram, lower=1, overwrite_a=1)
    half, wrong = lapack.dpotri(factor, lower=1, overwrite_c=1)
    if failed or wrong:
        raise ValueError(f"the matrix of items cannot be inverted; ridge {ridge:g} must be above 0")
    inverse = np.tril(half) + np.tril(half, -1).T
    weights = inverse / -np.diag(inverse)
    weights[np.diag_indices_from(weights)] = 0.0
    return weights


def cosine(bought: sp.csr_matrix, neighbours: int = NEIGHBOURS) -> sp.csr_matrix:
    """Per item the cosine with the items whose buyers are most its own; nothing is its own neighbour."""
    length = np.sqrt(np.asarray(bought.multiply(bought).sum(axis=0)).ravel())
    scaled = sp.csc_matrix(bought @ sp.diags((1 / np.maximum(length, 1e-12)).astype(np.float32)))
    items = bought.shape[1]
    block = max(1, CELLS // max(items, 1))
    parts = []
    for start in range(0, items, block):
        part = (scaled.T @ scaled[:, start : start + block]).toarray()
        part[np.arange(start, start + part.shape[1]), np.arange(part.shape[1])] = 0.0
        parts.append(pruned(part, neighbours))
    return sp.hstack(parts, format="csr").astype(np.float32)


def pruned(weights: np.ndarray, neighbours: int = NEIGHBOURS) -> sp.csr_matrix:
    """The strongest weights of each column. They are what is stored and used: a tenth of the size, the same lists."""
    rows, columns = weights.shape
    if rows <= neighbours:
        return sp.csr_matrix(weights, dtype=np.float32)
    kept = np.argpartition(-np.abs(weights), neighbours, axis=0)[:neighbours]
    where = np.broadcast_to(np.arange(columns), kept.shape)
    values = np.take_along_axis(weights, kept, axis=0)
    found = sp.csr_matrix((values.ravel(), (kept.ravel(), where.ravel())), shape=weights.shape, dtype=np.float32)
    found.eliminate_zeros()
    found.sort_indices()
    return found
