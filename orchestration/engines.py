"""What builds the models: whether it can, and can publish what is asked for, before it begins."""

from orchestration.settings import PREFIX, InvalidSetting, Settings
from orchestration.spark import thrift


def check(settings: Settings, engine: str) -> None:
    """See that a refresh by an engine can begin.

    Raises:
        ClusterUnreachable: the engine is a cluster, and doesn't answer.
        InvalidSetting: only a cluster publishes Parquet: DuckDB adds to a copy of the last file.
    """
    if engine == "spark":
        thrift.check(settings)
    elif settings.snapshot == "parquet":
        raise InvalidSetting(
            f"{PREFIX}SNAPSHOT is 'parquet', which the engine {engine} doesn't publish: set"
            f" {PREFIX}ENGINE=spark, or {PREFIX}SNAPSHOT=duckdb."
        )
