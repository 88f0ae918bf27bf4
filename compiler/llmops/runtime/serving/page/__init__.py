"""The chat page: one page, one style, one script, and nothing from anywhere else."""
