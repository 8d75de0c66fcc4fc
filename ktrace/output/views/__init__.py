"""Show what each command found, for a person to read."""
