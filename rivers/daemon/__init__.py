"""Automation in this process: schedules, sensors and conditions of one repository, without a server."""
