"""The link "Data Docs" on ingest tasks: loaded as a plugin by a real Airflow, after a real run."""

from tests.dags.small_configuration import FILES, source

DAY = "2024-05-01"


def test_each_ingest_task_links_to_the_pages_of_its_source_also_when_it_stopped(airflow, config, tmp_path):
    folder = config({**FILES, "sources/crm.yaml": source("crm", "crm"), "sources/shop.yaml": source("shop", "crm")})
    for name, ids in (("crm", ["c1", "c2"]), ("shop", [""] * 20)):  # nobody in the file of the shop has an id
        file = tmp_path / "var" / "landing" / name / DAY / "contacts.csv"
        file.parent.mkdir(parents=True)
        file.write_text("id,updated_at\n" + "".join(f"{id_},2024-05-01T0{n % 9}:00:00\n" for n, id_ in enumerate(ids)))
    links = airflow.run("run_ingest.py", DAY, environment={"KLANTREIS_CONFIG": str(folder)}).found
    tasks = [one for one in links if one[0] == "load_and_validate"]
    assert tasks == [
        ["load_and_validate", "crm", "success", {"Data Docs": "/klantreis/data-docs/crm.html"}],
        ["load_and_validate", "shop", "failed", {"Data Docs": "/klantreis/data-docs/shop.html"}],
    ]
    assert all(not shown.get("Data Docs") for task, _, _, shown in links if task != "load_and_validate")
    pages = tmp_path / "var" / "data_docs"
    assert "c1" not in (pages / "crm.html").read_text()
    assert "contact_id:not_null" in (pages / "shop.html").read_text()
