"""Fitting the lab's own variants of the metrics that need a model."""
