"""One job in DuckDB: run_duckdb.py SQL INPUT OUTPUT; in the SQL, {input} is the input as a table."""

import sys

import duckdb

sql, source, target = sys.argv[1:]
reader = "read_csv" if source.endswith(".csv") else "read_json"
query = sql.replace("{input}", f"{reader}('{source}')")
duckdb.sql(f"COPY ({query}) TO '{target}' (FORMAT csv, HEADER true)")
