"""The warehouse on DuckLake: a PostgreSQL catalog and Parquet files that several machines write and read at once."""
