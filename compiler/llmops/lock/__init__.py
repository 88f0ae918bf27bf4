"""`llmops.lock`: what a workspace has published, the files it was last recorded with, and what evaluations have shown.

Input: the file's text and linked graphs. Output: findings, and the text to write. Nothing here touches disk or git.
"""
