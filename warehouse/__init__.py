"""The event log and everything computed from it in SQL; the only room that speaks DuckDB."""
