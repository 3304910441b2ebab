"""Ways to reach people: one module for each type of destination."""
