"""Webhooks that tell clients' servers of jobs' ends.

`address` checks where they may go, `notifier` decides and records what is sent, `sender` posts.
"""
