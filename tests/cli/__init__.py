"""The command line. A package, so that its demo ends with the last of its tests."""
