"""Ask the page, in this Airflow, for each address as a viewer and as a user of it; print the answers' status."""

import json
import sys

from airflow.api_fastapi.app import create_auth_manager, init_auth_manager
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from airflow.api_fastapi.core_api.security import get_user
from fastapi.testclient import TestClient

from plugins import preferences_page
from plugins.journey_page import build_app

create_auth_manager()
init_auth_manager()
app = build_app()
answers = {}
for role in ("viewer", "user"):
    app.dependency_overrides[get_user] = lambda role=role: SimpleAuthManagerUser(username=role, role=role.upper())
    client = TestClient(app)
    for address in sys.argv[1:]:
        answer = client.get(address)
        headers = {name: answer.headers.get(name) for name in ("content-security-policy", "cache-control")}
        answers[f"{role} {address}"] = {"status": answer.status_code, "text": answer.text[:2000], **headers}
app.dependency_overrides.clear()
anonymous = {address: TestClient(app).get(address).status_code for address in sys.argv[1:]}
link = TestClient(preferences_page.page).post("/?t=forged", data={"List-Unsubscribe": "One-Click"})
event = TestClient(preferences_page.page).post("/events/live", content="{}")
public = {"status": link.status_code, "text": link.text, "event": [event.status_code, event.text]}
sys.stdout.write(json.dumps({"answers": answers, "anonymous": anonymous, "public": public}) + "\n")
