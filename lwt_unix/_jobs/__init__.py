"""Calls that the system may make us wait for."""
