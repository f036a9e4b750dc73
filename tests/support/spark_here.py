"""Whether Spark can be tested here, and the settings that make it small."""

from importlib.util import find_spec

from patron.tables.spark import java_fault

_JAVA = java_fault()

WHY_NOT_SPARK = (
    "PySpark is not installed (make spark PATRON_SPARK=1)"
    if find_spec("pyspark") is None
    else None
    if _JAVA is None
    else f"Spark needs Java 17 or 21, and {_JAVA} (apt-get install openjdk-17-jre-headless)"
)
"""Why there is no Spark, as the end of a sentence; None where there is."""

NOT_RUN = "its numbers were not compared with those of one machine"

SMALL_SPARK = {
    "spark.driver.memory": "1g",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.codegen.wholeStage": "false",  # to compile is longer than to compute
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}
"""For some thousand customers on two cores."""
