"""A segmentation model is of use where only MLflow is installed. Costs about 8 CPU seconds: two processes start."""

import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd

from jobs.models import segmentation
from jobs.models.registry import Registry

ELSEWHERE = """
import json, sys
import mlflow, pandas as pd
model = mlflow.pyfunc.load_model(sys.argv[1])
print(json.dumps(model.predict(pd.DataFrame(json.loads(sys.argv[2]))).tolist()))
assert not [name for name in sys.modules if name == "jobs" or name.startswith("jobs.")]
"""


def test_a_model_places_customers_where_mlflow_is_installed_and_klantreis_is_not(model_settings, tmp_path):
    settings = model_settings({"segmentation": {"features": ["orders_90d", "recency_days"], "k_min": 2, "k_max": 3}})
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "customer_id": [f"c{i}" for i in range(300)],
            "orders_90d": np.append(random.gamma(20, 1.5, 150), random.gamma(20, 0.1, 150)),
            "recency_days": np.append(random.gamma(20, 0.2, 150), random.gamma(20, 4, 150)),
        }
    )
    trained, verdict = segmentation.challenge(frame, settings.learned["segmentation"], settings, None)
    assert verdict.promoted, verdict.reason
    version = Registry(settings).register("segmentation", trained, {"day": "2017-06-30", "fingerprint": "f"})
    model = segmentation.load(Registry(settings), version).segments

    files = Registry(settings).files(version)
    assert not [name for name in files if name.endswith((".pkl", ".pickle", ".joblib"))]
    required = files["requirements.txt"].decode().split()
    assert all("==" in line for line in required), required
    assert {line.split("==")[0] for line in required} == {"mlflow", "numpy", "pandas"}

    folder = next((tmp_path / "mlruns" / "artifacts").rglob("MLmodel")).parent
    asked = {"orders_90d": [30.0, 2.0, None], "recency_days": [4.0, 80.0, 80.0]}
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    told = subprocess.run(
        [sys.executable, "-I", "-c", ELSEWHERE, str(folder), json.dumps(asked)],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr
    here = np.array(model.names)[model.assign(pd.DataFrame(asked).astype(float))[0]]
    assert json.loads(told.stdout.splitlines()[-1]) == here.tolist()
