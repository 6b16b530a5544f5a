"""The staff console: a web application to review conversations and to take them over."""
