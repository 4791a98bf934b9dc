"""Tables of many rows, scored in the cloud: started, watched, ended, resumed from the command line."""
