"""The driver of a detached run. Python 3.8 and later; besides the standard library it needs jupyter_client, which every IPython kernel brings."""
