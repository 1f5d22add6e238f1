"""`turnout advise`: whether to route, and how."""
