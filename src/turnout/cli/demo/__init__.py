"""`turnout demo`: the worked patterns at work, on a real small model of this machine."""
