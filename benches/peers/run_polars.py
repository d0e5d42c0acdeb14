"""One job in Polars: run_polars.py SQL INPUT OUTPUT; in the SQL, {input} is the input as a table.

The lazy frame runs on the streaming engine, which was the fastest of its ways for these jobs.
"""

import sys

import polars

sql, source, target = sys.argv[1:]
scan = polars.scan_csv if source.endswith(".csv") else polars.scan_ndjson
frame = polars.SQLContext(input=scan(source)).execute(sql.replace("{input}", "input"))
frame.sink_csv(target, engine="streaming")
