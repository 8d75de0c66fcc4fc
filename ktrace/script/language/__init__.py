"""Read SystemTap's language: split the source into tokens and parse them into a syntax tree."""
