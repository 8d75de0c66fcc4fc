"""Draw on a terminal: tables, live screens, keys."""
