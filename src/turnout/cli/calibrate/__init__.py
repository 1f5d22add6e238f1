"""`turnout calibrate`: thresholds that keep a promise."""
