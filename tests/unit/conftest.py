"""What all unit tests have in common."""

from hypothesis import settings

# No test asserts a time: on a busy machine one example may take seconds.
settings.register_profile("ktrace", deadline=None)
settings.load_profile("ktrace")
