"""How far an answer can be trusted: signals, their calibration, and thresholds that keep a promise. Pure."""
