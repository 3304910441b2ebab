"""config/journey.yaml and config/journey_map.yaml: stages, micro-moments, KPIs, paths, the map."""
