"""What Streamlit runs for every viewer. It lies in here because beside a pages/ folder Streamlit picks pages itself."""

from app import show

show()
