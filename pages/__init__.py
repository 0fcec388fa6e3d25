"""What Streamlit shows: one question a page. Reads the warehouse and the digests, writes neither."""
