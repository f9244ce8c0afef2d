"""Target policies, backups, traces, exploration, schedules and losses."""
