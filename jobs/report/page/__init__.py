"""The page "Customer journey": panels asked of the lake, in the Airflow UI or as one file to open anywhere."""
