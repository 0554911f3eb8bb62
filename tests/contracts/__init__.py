"""The vendors' stock clients against a demo. A package, so that its demo ends with the last of its tests."""
