"""Flows at work: who is in which, what their messages do, and what is said to them. The rules are `domain.flow*`."""
