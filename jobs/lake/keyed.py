"""Keyed hashes of columns. The key is in no plan that leaves this process.

A plan is logged, shown and kept by a cluster. So on a server the workers take the key from their own environment, and
the plan names only the mark of the key it needs: a worker without that key fails, and nothing is hashed by another.
"""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import StringType

from jobs.lake import engine
from jobs.lake.secret_keys import KEY, PREVIOUS, mark_of


def keyed_hash(key: str, text: Column) -> Column:
    """SHA-256 in hex of `key` followed by the text; null where the text is.

    Raises EngineFailed when it is computed on a server whose workers do not have the key.
    """
    if not engine.is_remote():
        return F.sha2(F.concat(F.lit(key), text), 256)
    # Made here, not as a decorator: PySpark needs a session to know whether it is a Spark Connect function.
    return F.arrow_udf(_hasher(mark_of(key)), StringType())(text)  # type: ignore[call-overload,no-any-return]


def _hasher(mark: str) -> Callable[[pa.Array], pa.Array]:
    """A function that hashes an array of texts under the key with that mark.

    It is made here and imports what it needs, so that it travels whole to workers, which do not have this package.
    """
    one, several, missing = KEY, PREVIOUS, engine.NO_KEY

    def hashed(texts: pa.Array) -> pa.Array:
        import hashlib
        import os

        import pyarrow as pa

        keys = [key.encode() for key in (os.environ.get(one, ""), *os.environ.get(several, "").split())]
        own = [key for key in keys if hashlib.sha256(b"hash key|" + key).hexdigest()[:16] == mark]
        if not own:
            raise RuntimeError(missing)
        distinct = texts.dictionary_encode()
        values = [
            None if text is None else hashlib.sha256(own[0] + text.encode()).hexdigest()
            for text in distinct.dictionary.to_pylist()
        ]
        return pa.array(values, pa.string()).take(distinct.indices)

    return hashed
