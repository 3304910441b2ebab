"""A day that failed, and the UI of this Airflow: `serve_failed_day.py PORT`. Prints nothing and serves until it is told
to end by a request for /end.

Each step that fails raises here what the product raises there (tests of its folder show that it does); its DAG, the
task, the callbacks, the database and the UI are real.
"""

import errno
import logging
import sys

DAY = "2024-01-02"
FAILURES = {
    ("validate", "shop"): "DataStopped shop.contacts is stopped by contacts:email: 9 of 9 rows; correct the delivery",
    (
        "push",
        "win_back",
        "newsletter",
    ): "DeliveryIncomplete win_back to newsletter: no connection to mail.example:587: TimeoutError",
    (
        "push",
        "look_alike",
        "search_ads",
    ): "DeliveryIncomplete look_alike to search_ads: 3 of 3 refused, more than max_reject_share 0.1",
    ("score",): "ModelRefused model churn was never trained; trigger the DAG retrain_models",
}
MARKED = "retraining_due|keep_out|account|publish"


class Step:
    def __init__(self, name: str) -> None:
        self.name = name

    def function(self, *part, **options):
        from jobs import errors

        about = (self.name, *[one for one in part if isinstance(one, str)])
        if self.name == "identity":
            raise OSError(errno.ENOSPC, "No space left on device", "/lake/identity/map/data/part-0.parquet")
        if self.name == "journeys":
            raise ValueError("ann@example.com is no number")
        if about in FAILURES:
            kind, _, message = FAILURES[about].partition(" ")
            raise getattr(errors, kind)(message)
        return {}


def fail() -> None:
    """Run the DAGs of a day in which something is wrong with each."""
    from airflow.dag_processing.dagbag import DagBag

    from dags import common
    from jobs import pipeline

    pipeline.step = Step
    common.DEFAULT_ARGS |= {"retries": 0, "retry_policy": None}  # each is what it is when it was tried often enough
    bag = DagBag()
    for name in ("ingest_crm", "build_profiles", "map_journeys", "score_customers", "push_audiences"):
        bag.dags[name].test(logical_date=None, run_conf={"day": DAY}, mark_success_pattern=MARKED)


def serve(port: int) -> None:
    import uvicorn
    from airflow.api_fastapi.app import create_app
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    app = create_app(apps="core")
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error"))

    def end(request):
        server.should_exit = True
        return PlainTextResponse("")

    app.router.routes.insert(0, Route("/end", end))
    server.run()


if __name__ == "__main__":
    logging.disable(logging.INFO)
    fail()
    serve(int(sys.argv[1]))
