"""The record as of the past, rebuilt beside the warehouse, or landed again."""
