"""What the files of models name that is known only beside the rows traits are counted over."""

from __future__ import annotations

from collections.abc import Iterator

from jobs.activity.row_columns import columns_of
from jobs.config.models.habits import Habits
from jobs.config.models.kinds import FOLDER
from jobs.config.settings import Settings
from jobs.config.yaml_files import line_of, nearest


def check(settings: Settings) -> Iterator[str]:
    """Columns that the rows of a habit do not have, or that identify a person: file, line, key and the nearest name."""
    for name, model in settings.learned.items():
        for place, habit in model.habits() if isinstance(model, Habits) else ():
            columns = columns_of(str(settings.traits[habit.rows_of].over))
            if habit.column not in columns:
                path, keys = settings.folder / FOLDER / f"{name}.yaml", (*place, "column")
                where = f"{path}:{line_of(path, *keys)}: {'.'.join(map(str, keys))}"
                yield f"{where}: unknown column {habit.column!r}{nearest(habit.column, columns)}"
