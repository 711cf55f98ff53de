"""What runs in the processes that test mutants: only the standard library and pytest.

`serve.py` is started by its path, in the user's folder and with the user's interpreter, and loads
the others by their paths: a package to be mutated (this one, too) must not be imported before its
source can be replaced.
"""
