"""The parts of the pages: the only code in the library that knows Streamlit."""
