"""People's side of the gateway: conversations with agents who answer, and flows that answer by themselves."""
