"""The journey map: touchpoints with numbers, insights, opportunities, what solutions changed."""
