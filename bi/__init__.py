"""The dashboards: Superset beside the warehouse, its assets made from the dbt manifest."""
