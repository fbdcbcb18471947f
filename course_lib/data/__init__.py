"""The course's data: small enough to read, or real and checked."""
