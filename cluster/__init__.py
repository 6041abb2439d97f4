"""How it is run: the command line, scenario files, the conductor, reports. Knows all other rooms."""
