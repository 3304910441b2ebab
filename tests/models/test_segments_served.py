"""A segmentation model is of use where only MLflow is installed. Costs about 8 CPU seconds: two processes start."""

import numpy as np
import pandas as pd

from jobs.models.registry import Registry
from jobs.models.segment import segmentation
from tests.models.served import served


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
    told = served(folder, asked, tmp_path)
    here = np.array(model.names)[model.assign(pd.DataFrame(asked).astype(float))[0]]
    assert told == here.tolist()
