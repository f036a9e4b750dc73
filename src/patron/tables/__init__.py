"""The tables of one business: read from wherever they are, checked row by row, and kept as Ibis tables.

::

    history.py   History: the validated tables of one business; start here
    schema.py    what each table must look like: columns, units, checks
    engine.py    the DuckDB that does the work: bounded memory, and a folder to spill into
    spark.py     the Spark that does the work where DuckDB cannot; spark_sql.py: what it says differently
    source.py    where a table is → an Ibis table with patron's column names
      files.py     … when it is a CSV or Parquet file
      frames.py    … when it is a pandas, Polars or Arrow table
    cells.py     one column as given → its values, and the rules that its cells may break
      dates.py     … when it holds times: text and zones → naive business-local time
    rows.py      one table as given → its valid rows, its rejected rows, and the count of each
    whole.py     what makes a table as a whole unusable
    days.py      lines → one row per customer and day
    report.py    DataReport: what was read, kept and rejected, in numbers and in sentences
"""
