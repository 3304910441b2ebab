"""`klantreis feedback`: the page of preferences, and what comes back from what was sent."""

from __future__ import annotations

from typing import Annotated

import typer

from jobs.cli.console import Config, console, load_settings

app = typer.Typer(no_args_is_help=True, help="The page of preferences, and what comes back from what was sent.")


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen at; put a server with TLS before it.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen at; 0: any that is free.")] = 8090,
    config: Config = None,
) -> None:
    """Serve the page that `unsubscribe_url` of a destination names, without Airflow."""
    import uvicorn

    from jobs.activation.feedback.page import app as page

    settings = load_settings(config)
    console.print(f"Preferences of {settings.general.company}: http://{host}:{port}/", highlight=False)
    # Without an access log: the address of a request is the link of a person.
    uvicorn.run(page(lambda: settings), host=host, port=port, access_log=False, log_level="warning")
