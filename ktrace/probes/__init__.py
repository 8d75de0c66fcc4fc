"""Define, list, show, switch, explain and remove dynamic events."""
