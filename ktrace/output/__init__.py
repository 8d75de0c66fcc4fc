"""Turn records and results into what a person or a program reads."""
