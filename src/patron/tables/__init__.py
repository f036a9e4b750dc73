"""The tables of one business: read from wherever they are, checked row by row, and kept as Ibis tables.

::

    schema.py    what each table must look like: columns, units, checks
    engine.py    the DuckDB that does the work: bounded memory, and a folder to spill into
    source.py    a path, frame, database URL or Ibis table → an Ibis table with patron's column names
    dates.py     text and zoned times → naive business-local time
    cells.py     one column as given → its values, and the rules that its cells broke
    rows.py      one table as given → its valid rows, its rejected rows, and the count of each
    report.py    DataReport: what was read, kept and rejected, in numbers and in sentences
    history.py   History: the validated tables of one business; start here
"""
