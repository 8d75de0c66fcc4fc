"""Read SystemTap's language: source to tokens to a syntax tree."""
