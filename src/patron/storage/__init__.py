"""Storage: files that appear complete or not at all, job folders, databases and the prediction log.

::

    atomic_files.py    write a file completely or not at all
    databases.py       connect to a database, and write a table in one transaction
    job_folder.py      workspace, lock and checkpoint of a scoring job
    parquet_output.py  shards → one file, or a partitioned folder
    prediction_log.py  predictions and outcomes, in a folder or a database
    spark_output.py    files and partitioned folders written by Spark
    target.py          where a scorecard is written: file, folder or database table
"""
