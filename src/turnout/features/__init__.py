"""What a request looks like: computed once, recorded with the decision."""
