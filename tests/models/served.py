"""A model as MLflow knows it, used in a process that has no Klantreis."""

import json
import os
import subprocess
import sys

ELSEWHERE = """
import json, sys
import mlflow, numpy as np, pandas as pd
model = mlflow.pyfunc.load_model(sys.argv[1])
print(json.dumps(np.asarray(model.predict(pd.DataFrame(json.loads(sys.argv[2])))).tolist()))
assert "jobs" not in sys.modules or sys.modules["jobs"].__file__.startswith(sys.argv[1]), "only what the model carries"
"""


def served(folder, asked, home):
    """What the model in this folder answers; `asked` is a list per feature."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    told = subprocess.run(
        [sys.executable, "-I", "-c", ELSEWHERE, str(folder), json.dumps(asked)],
        cwd=home, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    return json.loads(told.stdout.splitlines()[-1])
