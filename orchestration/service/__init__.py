"""The application's reads: four queries on the snapshot, and a small read-only HTTP service."""
