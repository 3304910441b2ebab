"""The product: plain Python that runs from a shell, in the order of the flow."""

import os

# Columns may be named before the engine has started; without this PySpark takes them for those of a classic session.
os.environ.setdefault("SPARK_CONNECT_MODE_ENABLED", "1")
