"""Make the tables of Airflow in its database."""

import logging

from airflow.utils.db import initdb

if __name__ == "__main__":
    logging.disable(logging.INFO)
    initdb()
