"""Real servers on this machine that stand in for the outside world: an SMTP sink and a Data Manager API.

They speak the published protocols, so the channels run unchanged against them; pointing a connection at the
real endpoint is the only difference.
"""
