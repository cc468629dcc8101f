"""What keeps a home folder well: maintenance, backups, health, and serving Dagster."""
