"""Looking at results: overlays, views, the report page."""
