"""What Airflow loads with the page of Klantreis, in every task."""

CODE = """
import sys, airflow.plugins_manager
before = set(sys.modules)
import plugins.journey_page
print(sorted({name.split('.')[0] for name in set(sys.modules) - before}))
"""


def test_loading_the_plugin_costs_a_task_nothing_heavy(airflow, tmp_path):
    script = tmp_path / "load_plugin.py"
    script.write_text(CODE)
    assert airflow.run(script).stdout.splitlines()[-1] == "['plugins']"
