"""The tables of one business: read from wherever they are, checked row by row, and kept as Ibis tables.

::

    history.py         History: the validated tables of one business and its definition of churn; start here
    records.py         Records: any validated tables of a business, in one engine
    inputs.py          what a caller gave → one TableSource per table, one backend, one type of customer ids
    source.py          TableSource, and a path, frame, database URL or Ibis table → an Ibis table
    files.py           CSV and Parquet files → an Ibis table
    frames.py          pandas, Polars and Arrow tables → an Ibis table
    schema.py          ColumnSpec and TableSchema: columns, units and cell rules as plain data
    table_schemas.py   the schema of every table: transactions, engagement, customers, costs, leads, …
    cell_rules.py      one column as given → its values, and the rules that its cells may break
    row_rules.py       one table as given → its valid rows, its rejected rows, and how many of each
    table_rules.py     checks of a table as a whole: one currency, one row per customer, a purchase
    dates.py           written times and time zones → naive business-local time
    activity.py        ChurnDefinition: what counts as activity, and how long a silence is churn
    daily_activity.py  one row per customer and day of activity
    report.py          DataReport: rows read, kept and rejected, in numbers and in sentences
    engine.py          the DuckDB that does the work: bounded memory, and a folder to spill into
    spark.py           the Spark session that does the work where DuckDB cannot
    spark_sql.py       Spark as an Ibis backend that gives the same answers as DuckDB
"""
