"""The functions that SQL in YAML may call: both engines have them, and they give the same answer every time.

What is not listed is refused: functions of the clock, of chance, of the order of rows, of the session and its user, and
everything that runs code or reads files.
"""

from __future__ import annotations

from dataclasses import dataclass

from jobs.config.yaml_files import nearest

FUNCTIONS = frozenset(
    """
    abs add_months aggregate array array_compact array_contains array_distinct array_except array_intersect array_join
    array_max array_min array_position array_remove array_sort array_union arrays_overlap arrays_zip ascii base64 btrim
    cardinality cbrt ceil ceiling char char_length character_length chr coalesce concat concat_ws contains conv crc32
    date_add date_diff date_format date_from_unix_date date_part date_sub date_trunc datediff day dayofmonth dayofweek
    dayofyear decode element_at elt encode endswith equal_null exists exp filter find_in_set flatten floor forall
    from_json from_unixtime from_utc_timestamp get get_json_object greatest hex hour if ifnull initcap instr isnan
    isnotnull isnull json_array_length json_object_keys last_day lcase least left len length levenshtein ln locate
    log log10 log2 lower lpad ltrim make_date make_timestamp map map_concat map_contains_key map_entries map_filter
    map_from_arrays map_from_entries map_keys map_values md5 minute mod month named_struct nanvl negative next_day
    nullif nullifzero nvl nvl2 overlay parse_url pmod position positive pow power quarter regexp_count regexp_extract
    regexp_extract_all regexp_instr regexp_like regexp_replace regexp_substr replace reverse right rint round rpad rtrim
    second sha sha1 sha2 sign signum size slice split split_part sqrt startswith str_to_map struct substr substring
    substring_index timestamp_micros timestamp_millis timestamp_seconds to_date to_json to_number to_timestamp
    to_utc_timestamp transform transform_keys transform_values translate trim trunc try_add try_divide try_element_at
    try_multiply try_parse_url try_subtract try_to_number try_to_timestamp try_url_decode ucase unbase64 unhex unix_date
    unix_micros unix_millis unix_seconds upper url_decode url_encode weekday weekofyear width_bucket year zeroifnull
    zip_with
    """.split()  # noqa: SIM905 (words are easier to read than a list of texts)
)
"""Functions of the values of one row."""

AGGREGATES = frozenset(
    "avg bool_and bool_or count count_if every max max_by mean median min min_by percentile some sum".split()  # noqa: SIM905
)
"""Functions of many rows whose answer does not depend on their order."""

RANKS = frozenset("cume_dist dense_rank lag lead ntile percent_rank rank row_number".split())  # noqa: SIM905
"""Functions of a row among others in an order; they need OVER."""

TYPES = frozenset("bigint boolean date double float int smallint string timestamp tinyint".split())  # noqa: SIM905
"""Types of CAST, beside decimal(p,s). They can be written as functions too: int(x)."""


@dataclass(frozen=True)
class Kind:
    """What SQL of one kind of place may hold.

    `aggregates` stand alone, `windows` are functions that need OVER. With `plain`, the text is also shown as a query
    for other databases, so names have no backticks, and texts neither backslashes nor double quotes.
    """

    functions: frozenset[str] = FUNCTIONS
    aggregates: frozenset[str] = frozenset()
    windows: frozenset[str] = frozenset()
    plain: bool = True

    @property
    def all(self) -> frozenset[str]:
        return self.functions | self.aggregates | self.windows | {"cast", "try_cast"}


ROW = Kind()
"""A value or condition of one row: channels, valence, signals, stages, audiences."""
ROWS = Kind(aggregates=AGGREGATES)
"""A number of many rows: KPIs."""
SOURCE = Kind(windows=AGGREGATES | RANKS, plain=False)
"""A value or condition over the columns of a source's files; windows are over the rows of a delivery."""

_CLOCK = "depends on the clock, so that a rerun gives another answer; use a column, such as the moment or the day"
_CHANCE = "depends on chance, so that a rerun gives another answer; use a column, or a hash of one: md5(...)"
_ORDER = "depends on the order of rows; say which one by min_by(value, moment) or max_by(value, moment)"
_SESSION = "depends on who runs the query and where; use a column"
_CODE = "runs code or reads what is no column; only functions of columns are allowed"
REFUSED = {
    "curdate": _CLOCK,
    "current_date": _CLOCK,
    "current_time": _CLOCK,
    "current_timestamp": _CLOCK,
    "getdate": _CLOCK,
    "localtime": _CLOCK,
    "localtimestamp": _CLOCK,
    "now": _CLOCK,
    "today": _CLOCK,
    "unix_timestamp": "depends on the clock when nothing is given; write unix_seconds(to_timestamp(...))",
    "gen_random_uuid": _CHANCE,
    "rand": _CHANCE,
    "randn": _CHANCE,
    "random": _CHANCE,
    "randstr": _CHANCE,
    "shuffle": _CHANCE,
    "uniform": _CHANCE,
    "uuid": _CHANCE,
    "any_value": _ORDER,
    "array_agg": _ORDER,
    "collect_list": _ORDER,
    "collect_set": _ORDER,
    "first": _ORDER,
    "first_value": _ORDER,
    "last": _ORDER,
    "last_value": _ORDER,
    "monotonically_increasing_id": _ORDER,
    "current_catalog": _SESSION,
    "current_database": _SESSION,
    "current_schema": _SESSION,
    "current_timezone": _SESSION,
    "current_user": _SESSION,
    "input_file_block_length": _SESSION,
    "input_file_block_start": _SESSION,
    "input_file_name": _SESSION,
    "session_user": _SESSION,
    "spark_partition_id": _SESSION,
    "user": _SESSION,
    "version": _SESSION,
    "java_method": _CODE,
    "read_files": _CODE,
    "reflect": _CODE,
    "try_reflect": _CODE,
}
"""Functions that people reach for, and why they are not allowed."""


def not_allowed(name: str, functions: frozenset[str]) -> str:
    """Why a function that is not in `functions` is refused, and what to write instead."""
    if name in REFUSED:
        return f"{name}() {REFUSED[name]}"
    if name in AGGREGATES:
        return f"{name}() is computed from many rows, and there is one here"
    if name in RANKS:
        return f"{name}() needs rows in an order: over (partition by ... order by ...)"
    hint = nearest(name, functions)
    return f"unknown function {name!r}" + (hint if hint.startswith("; did") or len(functions) < 30 else "")
