"""The same models on an Apache Spark cluster: raw is handed over, built there, and gathered."""
