"""The ways customers take: funnels, paths, and which contacts get credit for an order."""
