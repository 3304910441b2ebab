"""Run a DAG that asks a person with `dag.test()` while one answers over Airflow's API; print the tasks and questions.

`run_review.py DAG ANSWERS`: a JSON object of subject to [option, because].
"""

import json
import logging
import sys
import threading
import time
from typing import Any


def answer_all(client: Any, answers: dict, questions: list) -> None:
    """Answer each question as it comes up, as the page *Required actions* does."""
    client.headers["Authorization"] = f"Bearer {client.get('/auth/token').json()['access_token']}"
    while len(questions) < len(answers):
        waiting = client.get("/api/v2/dags/~/dagRuns/~/hitlDetails", params={"response_received": False}).json()
        for found in waiting["hitl_details"]:
            task = found["task_instance"]
            place = f"/api/v2/dags/{task['dag_id']}/dagRuns/{task['dag_run_id']}/taskInstances/{task['task_id']}"
            option, because = answers[found["subject"]]
            told = {"chosen_options": [option], "params_input": {"because": because}}
            client.patch(f"{place}/{task['map_index']}/hitlDetails", json=told).raise_for_status()
            questions.append({"subject": found["subject"], "body": found["body"]})
        time.sleep(0.5)


def main(name: str, answers: str) -> None:
    from airflow.api_fastapi.app import create_app
    from airflow.dag_processing.dagbag import DagBag
    from fastapi.testclient import TestClient

    logging.disable(logging.INFO)
    questions: list = []
    # Both load modules and plugins, which two threads must not do at once.
    dag = DagBag().dags[name]
    client = TestClient(create_app(apps="core"), base_url="http://localhost")
    person = threading.Thread(target=answer_all, args=(client, json.loads(answers), questions), daemon=True)
    person.start()
    run = dag.test(logical_date=None, run_conf={"day": "2017-01-03"})
    states: dict = {}
    for task in run.get_task_instances():
        states.setdefault(task.task_id, []).append(str(task.state))
    sys.stdout.write("\n" + json.dumps({"state": str(run.state), "tasks": states, "questions": questions}))


if __name__ == "__main__":
    main(*sys.argv[1:])
