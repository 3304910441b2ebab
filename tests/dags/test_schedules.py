"""When DAGs run by themselves."""

from tests.airflow_process import ROOT

FIRST_RUN = """
import pendulum
from airflow.serialization.decoders import decode_timetable
from airflow.serialization.encoders import encode_timetable
from airflow.timetables import trigger
from airflow.timetables.base import TimeRestriction
from dags.common import NIGHTLY

now = pendulum.datetime(2026, 11, 28, 3, 30)  # half past four in Amsterdam
trigger.utcnow = lambda: now
timetable = decode_timetable(encode_timetable(NIGHTLY))
restriction = TimeRestriction(earliest=None, latest=None, catchup=False)
first = timetable.next_dagrun_info_v2(last_dagrun_info=None, restriction=restriction)
print(first.run_after.isoformat(), first.partition_key)
"""


def test_a_dag_that_is_switched_on_just_after_its_hour_waits_for_the_next_night(airflow, tmp_path):
    """`klantreis demo` switches DAGs on for days of its own; a run of last night would hold these up."""
    script = tmp_path / "first_run.py"
    script.write_text(FIRST_RUN)
    done = airflow.run(script, environment={"KLANTREIS_CONFIG": str(ROOT / "config")})
    assert done.stdout.splitlines()[-1] == "2026-11-29T03:00:00+00:00 2026-11-28"
