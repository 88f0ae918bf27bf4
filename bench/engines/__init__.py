"""Programs that give the workspace to an engine, one each, run as `python FILE RULES`; they print `N violations`."""
