"""Runs joined: one page that holds the pages of several run folders, and opens offline."""
