"""The questions people ask of the mirror: one typed function a metric, over plain SQL in sql/."""

from metrics.asking import Filter, MetricError

__all__ = ["Filter", "MetricError"]
