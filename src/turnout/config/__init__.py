"""Configuration: one YAML file, validated whole, or what the environment's keys make of it."""
