"""The collection: photos with what was found and approved in them, checkpoints seen, jobs: rows of a database, files under TESSERAE_HOME.

The only part of Tesserae that knows SQLAlchemy and Alembic. Callers open a `Store` and pass it to the functions of
`photos`, `segmentations`, `drafts`, `annotations`, `members`, `checkpoints`, `jobs` and `repair`, which return frozen records, never rows.
"""

from tesserae.store.database import Store, open_store

__all__ = ["Store", "open_store"]
