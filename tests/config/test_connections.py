"""Connections come from the environment as Airflow writes them, and never show what they hold."""

import pytest

from jobs.config.connections import Connection, connection
from jobs.config.yaml_files import ConfigError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "postgres://reader:p%40ss%2Fw@db.example:5433/shop?sslmode=require",
            Connection("db.example", 5433, "reader", "p@ss/w", "shop", {"sslmode": "require"}),
        ),
        (
            '{"conn_type": "aws", "login": "key", "password": "s", "extra": {"endpoint_url": "http://x:1"}}',
            Connection("", None, "key", "s", "", {"endpoint_url": "http://x:1"}),
        ),
        (
            '{"conn_type": "aws", "login": "key", "password": "s", "extra": "{\\"region_name\\": \\"eu-west-1\\"}"}',
            Connection("", None, "key", "s", "", {"region_name": "eu-west-1"}),
        ),
        (
            "http://:token@api.example/https?__extra__=%7B%22token_header%22%3A+%22X-API-TOKEN%22%7D",
            Connection("api.example", None, "", "token", "https", {"token_header": "X-API-TOKEN"}),
        ),
    ],
)
def test_a_connection_is_read_from_the_environment(monkeypatch, text, expected):
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", text)
    assert connection("shop") == expected


@pytest.mark.parametrize("text", ['{"password": "s3cret"', "postgres://u:s3cret@db:port/x", "http://[s3cret"])
def test_a_connection_that_cannot_be_read_is_refused_without_showing_it(monkeypatch, text):
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", text)
    with pytest.raises(ConfigError, match="AIRFLOW_CONN_SHOP is neither") as error:
        connection("shop")
    assert "s3cret" not in str(error.value)


def test_a_connection_never_shows_its_password():
    assert "s3cret" not in repr(Connection("db", 1, "reader", "s3cret", "shop", {"token": "s3cret"}))
