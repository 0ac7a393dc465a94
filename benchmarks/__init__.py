"""Benchmarks: what the program does on marked photographs and on synthetic mosaics; `python -m benchmarks NAME [options]`.

Every benchmark is a module with functions that return rows (plain dicts) and a function that shapes them into tables.
`docs/benchmarks.md` says what each measures and how to run it.
"""
