"""How a database of an older Tesserae becomes one of this version; run by Alembic when the collection is opened."""
