"""The rules of the guide for Viber in Genesys Cloud, by the ids that the tests are named after."""

RULES = [
    *(f"P-{n}" for n in range(1, 15)),
    *(f"C-{n}" for n in range(1, 12)),
    *(f"W-{n}" for n in range(1, 13)),
    "D-1",
    *(f"M-{n}" for n in range(1, 12)),
    "M-7a",
    *(f"I-{n}" for n in range(1, 13)),
    *(f"K-{n}" for n in range(1, 12)),
    *(f"S-{n}" for n in range(1, 8)),
    *(f"T-{n}" for n in range(1, 14)),
    *(f"V-{n}" for n in range(1, 6)),
]


def rule_test(rule: str) -> str:
    """The beginning of the name of a rule's test."""
    return f"test_{rule.lower().replace('-', '_')}_"
