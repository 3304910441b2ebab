"""The container files agree with the project: without a Docker engine this is what can be checked."""

import re
import shutil
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
COMPOSE = yaml.safe_load((ROOT / "docker/compose.yaml").read_text())
DOCKERFILE = (ROOT / "docker/Dockerfile").read_text()
OURS = {name: service for name, service in COMPOSE["services"].items() if service["image"] == "klantreis:local"}


def test_every_copied_path_exists_and_is_sent_to_the_builder():
    sent = {line[1:] for line in (ROOT / "docker/Dockerfile.dockerignore").read_text().splitlines() if line[0] == "!"}
    copied = {path for line in re.findall(r"^COPY (.+)", DOCKERFILE, re.M) for path in line.split()[:-1]}
    assert copied == sent
    assert all((ROOT / path).exists() for path in copied)


def test_the_image_installs_groups_that_the_lock_file_has():
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    assert set(re.findall(r"--group (\w+)", DOCKERFILE)) == {"demo", "server"} <= set(groups)


@pytest.mark.parametrize("name", OURS)
def test_a_service_runs_a_program_of_the_environment(name):
    program = OURS[name]["command"][0]
    assert shutil.which(program, path=f"{Path(sys.executable).parent}:/bin:/usr/bin"), program


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_a_service_waits_for_services_that_exist_and_can_say_they_are_well(name):
    for other, wish in COMPOSE["services"][name].get("depends_on", {}).items():
        needed = {"service_healthy": "healthcheck", "service_completed_successfully": "command"}[wish["condition"]]
        assert needed in COMPOSE["services"][other]


def test_every_airflow_setting_is_one_that_airflow_knows():
    import importlib.util

    package = Path(importlib.util.find_spec("airflow").submodule_search_locations[0])
    known = yaml.safe_load((package / "config_templates/config.yml").read_text())
    for name in COMPOSE["x-environment"]:
        if match := re.fullmatch(r"AIRFLOW__([A-Z_]+?)__([A-Z_]+)", name):
            section, option = (part.lower() for part in match.groups())
            options = known[section]["options"]
            assert option in options or option in known["core"]["options"], name


def test_every_image_of_others_can_be_named_by_its_digest():
    others = {service["image"] for service in COMPOSE["services"].values()} - {"klantreis:local"}
    named = [re.fullmatch(r"\$\{(\w+):-[\w./-]+:[\w.-]+\}", image) for image in others]
    assert len(named) == 2
    assert all(named), others
    (base,) = re.findall(r"^FROM (.+)", DOCKERFILE, re.M)
    (default,) = re.findall(r"^ARG PYTHON_IMAGE=(.+)", DOCKERFILE, re.M)
    assert base == "${PYTHON_IMAGE}"
    assert COMPOSE["x-image"]["build"]["args"] == {"PYTHON_IMAGE": f"${{PYTHON_IMAGE:-{default}}}"}
    example = (ROOT / "docker/.env.example").read_text()
    assert {match[1] for match in named} | {"PYTHON_IMAGE"} <= set(re.findall(r"^#(\w+)=\S+@sha256:", example, re.M))


def test_every_value_that_must_be_given_is_in_the_example():
    needed = set(re.findall(r"\$\{(\w+):\?", (ROOT / "docker/compose.yaml").read_text()))
    given = set(re.findall(r"^(\w+)=", (ROOT / "docker/.env.example").read_text(), re.M))
    assert needed == given


def test_no_port_is_open_to_other_machines():
    for service in COMPOSE["services"].values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_mlflow_asks_for_a_login_that_airflow_has():
    mlflow, airflow = COMPOSE["services"]["mlflow"], COMPOSE["x-environment"]
    assert "--app-name=basic-auth" in mlflow["command"]
    assert mlflow["environment"]["MLFLOW_AUTH_ADMIN_PASSWORD"] == airflow["MLFLOW_TRACKING_PASSWORD"]
    assert airflow["MLFLOW_TRACKING_PASSWORD"].startswith("${MLFLOW_PASSWORD:?")
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    assert "flask-wtf>=1.2" in groups["server"], "without it the server of MLflow ends at once"
