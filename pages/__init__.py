"""What Streamlit shows: one question a page. Writes only what its reader says: that they are caught up, what they choose."""
