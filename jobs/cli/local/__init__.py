"""Airflow, MLflow and sandboxes on this machine, and the demo company."""
