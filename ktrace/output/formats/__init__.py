"""Files and streams for other programs: JSON Lines, CSV, Parquet, timelines, profiles, text."""
