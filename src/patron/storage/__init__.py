"""Files that appear complete or not at all, job folders, Parquet and database output, the prediction log.

::

    atomic_files.py    Files that appear whole or not at all.
    databases.py       A table of a database: connect to it, and write to it in one transaction that counts
                       whole or not at all.
    job_folder.py      The folder in which a scoring is prepared, so that a killed job can go on: `working`.
    parquet_output.py  Parts → one file, or a folder with a folder for each value of a column; the old one
                       stands until the new one is whole.
    prediction_log.py  Where a ledger is kept: a folder of Parquet parts, or a database. Rows are added,
                       never changed.
    spark_output.py    What Spark writes: a folder of Parquet files, with a folder in it for each value of a
                       column.
    target.py          Where a scorecard goes: a file, a folder parted by a column, or a table of a database.
    upsert.py          Scorecards into a table of a database: all rows in one transaction, or none.
"""
