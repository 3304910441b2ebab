"""Records that come in versions: which of them counts."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F


def newest_versions(versions: DataFrame, key: str) -> DataFrame:
    """The newest version of each record of each source; of versions of one moment the one that arrived last."""
    newest_first = Window.partitionBy("source", key).orderBy(
        F.col("updated_at").desc_nulls_last(), F.desc("arrived"), F.desc("file_id"), F.desc("line")
    )
    return versions.withColumn("version", F.row_number().over(newest_first)).where("version = 1").drop("version")
