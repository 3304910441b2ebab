"""Where things stand: the tables of `klantreis report`, the promises that hold, and the page people look at."""
