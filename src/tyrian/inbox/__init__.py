"""Conversations with people: who writes to whom, who answers, what was said."""
