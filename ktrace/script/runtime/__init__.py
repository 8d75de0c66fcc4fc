"""What handlers call while they run. Text is a character a byte here (Latin-1), as SystemTap has it."""
