"""Compares answers with DuckDB's. Reads a line of JSON a case; tables apply to what follows.

Floats may differ in the last digits, and quotients of decimals after the ninth, because DuckDB
computes them as floats. All else must be the same. A row on which an expression fails is null in
TRY, which is what failures are compared with.
"""

import datetime
import decimal
import json
import math
import sys

import duckdb

EPOCH = datetime.datetime(1970, 1, 1)
MICROSECOND = datetime.timedelta(microseconds=1)


def cell(value):
    """Numbers in a table are nanoseconds; all else is text."""
    if isinstance(value, int):
        return EPOCH + value // 1000 * MICROSECOND
    return value


def same(kind, ours, theirs):
    if isinstance(ours, dict):
        return theirs is None
    if ours is None or theirs is None:
        return ours is None and theirs is None
    if isinstance(theirs, bool):
        return ours == ("true" if theirs else "false")
    if kind == "float64" or isinstance(theirs, float):
        a, b = float(ours), float(theirs)
        close = math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9)
        return close or (math.isnan(a) and math.isnan(b))
    if isinstance(theirs, (int, decimal.Decimal)):
        return decimal.Decimal(ours) == decimal.Decimal(theirs)
    if kind == "timestamp":
        return ours == (theirs - EPOCH) // MICROSECOND * 1000
    return ours == theirs


def make(connection, table):
    columns = ", ".join(f"{name} {kind}" for name, kind in table["columns"])
    connection.execute(f"CREATE OR REPLACE TABLE rows ({columns})")
    holes = ", ".join("?" for _ in table["columns"])
    rows = [list(map(cell, row)) for row in table["rows"]]
    connection.executemany(f"INSERT INTO rows VALUES ({holes})", rows)


def query(case):
    if "group" not in case:
        return f"SELECT TRY({case['duckdb']}) FROM rows ORDER BY n"
    group = f" GROUP BY {case['group']} ORDER BY min(n)" if case["group"] else ""
    return f"SELECT {case['duckdb']} FROM rows{group}"


def main():
    connection = duckdb.connect()
    # Division by zero is null then, as failures are.
    connection.execute("SET ieee_floating_point_ops = false")
    # It moves what may fail out of TRY otherwise.
    connection.execute("PRAGMA disable_optimizer")
    connection.execute("SET TimeZone = 'UTC'")
    cases, values, failures, wrong = 0, 0, 0, 0
    for line in sys.stdin:
        case = json.loads(line)
        if "table" in case:
            make(connection, case["table"])
            continue
        cases += 1
        try:
            theirs = [row[0] for row in connection.execute(query(case)).fetchall()]
        except duckdb.Error as error:
            theirs = str(error).splitlines()[0]
        ours = case["values"]
        values += len(ours)
        failures += sum(isinstance(value, dict) for value in ours)
        if isinstance(theirs, str):
            # A constant that fails there may fail before there are rows.
            found = None if all(isinstance(value, dict) for value in ours) else theirs
        elif len(theirs) != len(ours):
            found = f"{len(ours)} rows, but {len(theirs)} of DuckDB"
        else:
            pairs = enumerate(zip(ours, theirs))
            differ = [(row, a, b) for row, (a, b) in pairs if not same(case["type"], a, b)]
            found = differ[0] if differ else None
        if found is not None:
            wrong += 1
            if wrong <= 40:
                print(f"{case['pelton']}\n  DuckDB: {case['duckdb']}\n  {found}", file=sys.stderr)
    told = f"{cases} cases, {values} values, {failures} of them failures: {wrong} disagree"
    print(told, file=sys.stderr)
    sys.exit(1 if wrong or not cases else 0)


main()
