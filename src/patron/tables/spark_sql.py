"""Spark as an Ibis backend on which the tables, snapshots and features of patron run unchanged.

Expressions are written once, and DuckDB's answers are the reference. Every override below fills one gap
between Ibis' Spark backend, or Spark itself, and DuckDB; its docstring names the gap. Where Ibis closes a
gap, delete the override: tests/parity compares both engines.
"""

import math
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.schema as sch
import ibis.expr.types as ir
import pyarrow.parquet as pq
import pyspark.sql.types as pt
import sqlglot.expressions as sge
from ibis.backends.pyspark import Backend
from ibis.backends.pyspark.datatypes import PySparkType as FrameTypes
from ibis.backends.sql.compilers.pyspark import PySparkCompiler
from ibis.backends.sql.datatypes import PySparkType as WrittenTypes
from ibis.formats.pandas import PandasData
from ibis.formats.pyarrow import PyArrowData
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException

from patron.tables.files import as_url
from patron.tables.frames import with_typed_nulls

__all__ = ["SparkEngine"]

NAIVE, INSTANT = sge.DataType.Type.TIMESTAMPNTZ, sge.DataType.Type.TIMESTAMPLTZ
WRITTEN_DAY = r"^\s*\d{4,}-\d{1,2}-\d{1,2}([ T]|$)"
DAY_WITH_SLASHES = r"^(\s*\d{4,})/(\d{1,2})/(\d{1,2})"
NUMBER_OF_JAVA = r"[0-9.][dDfF]\s*$"


class _Types(WrittenTypes):
    """Ibis writes TIMESTAMP for both kinds.

    In Spark that is an instant, and a naive time is TIMESTAMP_NTZ.
    """

    @classmethod
    def _from_ibis_Timestamp(cls, dtype: Any) -> sge.DataType:
        return sge.DataType(this=NAIVE if dtype.timezone is None else INSTANT)


class _Compiler(PySparkCompiler):
    """Ibis → Spark SQL with the answers of DuckDB."""

    __slots__ = ()
    type_mapper = _Types

    def visit_NonNullLiteral(self, op: Any, *, value: Any, dtype: dt.DataType) -> Any:
        """Ibis writes 0.5 for a float, which is a decimal in Spark."""
        if dtype.is_floating() and math.isfinite(value):
            return _double(repr(float(value)))
        return super().visit_NonNullLiteral(op, value=value, dtype=dtype)

    def visit_TryCast(self, op: Any, *, arg: Any, to: dt.DataType) -> Any:
        """Spark reads text differently: 12d as 12.0, the times 2024 and epoch, but not 2024/01/31."""
        cast = super().visit_TryCast
        if not op.arg.dtype.is_string():
            return cast(op, arg=arg, to=to)
        if to.is_floating():
            return self.if_(self.f.anon.rlike(arg, NUMBER_OF_JAVA), sge.Null(), cast(op, arg=arg, to=to))
        if to.is_timestamp():
            dashed = self.f.anon.regexp_replace(arg, DAY_WITH_SLASHES, "$1-$2-$3")
            read = cast(op, arg=dashed, to=to)
            return self.if_(self.f.anon.rlike(dashed, WRITTEN_DAY), read, sge.Null())
        return cast(op, arg=arg, to=to)

    def visit_Round(self, op: Any, *, arg: Any, digits: Any) -> Any:
        """Spark rounds the decimal digits of a double, DuckDB the double times a power of ten."""
        places = getattr(op.digits, "value", None)
        if not op.arg.dtype.is_floating() or not isinstance(places, int) or places <= 0:
            return super().visit_Round(op, arg=arg, digits=digits)
        scale = _double(str(10**places))
        return self.f.anon.round(sge.Paren(this=arg) * scale, 0) / scale

    def visit_ScalarUDF(self, op: Any, **parts: Any) -> Any:
        """Ibis has no AT TIME ZONE; DuckDB's function is called timezone, Spark's convert_timezone."""
        if op.__func_name__ != "timezone":
            return super().visit_ScalarUDF(op, **parts)
        zone, moment = parts.values()
        if op.dtype.timezone is None:  # an instant, as the clocks of the zone show it; the session is in UTC
            clock = sge.Cast(this=moment, to=sge.DataType(this=NAIVE))
            return self.f.anon.convert_timezone("UTC", zone, clock)
        instant = self.f.anon.convert_timezone(zone, "UTC", moment)
        return sge.Cast(this=instant, to=sge.DataType(this=INSTANT))

    def visit_RegexReplace(self, op: Any, *, arg: Any, pattern: Any, replacement: Any) -> Any:
        r"""Ibis passes the reference \1 to a group unchanged; in Java it is $1."""
        if isinstance(replacement, sge.Literal):
            replacement = sge.convert(str(replacement.this).replace("\\", "$"))
        return self.f.anon.regexp_replace(arg, pattern, replacement)

    def visit_CountStar(self, op: Any, *, arg: Any, where: Any) -> Any:
        """Ibis writes a filtered count as a sum, which is null over no row."""
        return super().visit_CountStar(op, arg=arg, where=None) if where is None else self.f.count_if(where)


class SparkEngine(Backend):
    """A Spark session as patron's engine. Made by :func:`patron.tables.spark.open_spark`."""

    compiler = _Compiler()

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._stored: list[Any] = []

    @property
    def session(self) -> Any:
        """The Spark session."""
        return self._session

    def disconnect(self) -> None:
        """Release the stored tables. The session stays, with the tables that others have stored in it."""
        while self._stored:
            with suppress(ConnectionError, PySparkException, Py4JError):  # Spark has ended, and so have they
                self._stored.pop().unpersist()

    def adopt(self, frame: Any, name: str = "frame") -> ir.Table:
        """A Spark frame of this session as an Ibis table.

        Parameters
        ----------
        frame
            pyspark.sql.DataFrame
        name
            prefix of its view's name
        """
        view = ibis.util.gen_name(f"patron_{name}")
        frame.createOrReplaceTempView(view)
        return self.table(view)

    def open(self, kind: str, place: str) -> ir.Table:
        """A table of Spark's catalogue, or Parquet files that Spark can reach.

        Parameters
        ----------
        kind
            "table" or "parquet"
        place
            its name, path or URL
        """
        if kind == "table":
            return self.adopt(self._session.table(place), kind)
        return self.adopt(self._session.read.parquet(place if "://" in place else as_url(place)), kind)

    def frame_of(self, table: ir.Table) -> Any:
        """An Ibis table of this session as a Spark frame.

        Parameters
        ----------
        table
            any expression over its tables
        """
        self._run_pre_execute_hooks(table)
        return self._session.sql(self.compile(table))

    def create_table(self, name: str, /, obj: Any = None, *, temp: bool | None = None, **other: Any) -> Any:
        """Ibis stores a temporary table as a view, computed at each use; this one is kept after the first."""
        if not temp:
            return super().create_table(name, obj, **other)
        frame = self.frame_of(obj).persist()
        self._stored.append(frame)
        frame.createTempView(name)
        return self.table(name)

    def get_schema(self, table_name: str, **place: Any) -> sch.Schema:
        """Columns and types; Ibis drops the zone of an instant."""
        catalog, database = place.get("catalog"), place.get("database")
        whole = ".".join(f"`{part}`" for part in (catalog, database, table_name) if part)
        return _schema(self._session.table(whole).schema)

    def _get_schema_using_query(self, query: str) -> sch.Schema:
        return _schema(self._session.sql(query).schema)

    def read_parquet(self, paths: str | Sequence[str], /, **options: Any) -> ir.Table:
        """Local Parquet files as one table; Ibis does not merge columns that differ (`union_by_name`)."""
        merge = "true" if options.get("union_by_name") else "false"
        files = [as_url(path) for path in ([paths] if isinstance(paths, str) else paths)]
        return self.adopt(self._session.read.option("mergeSchema", merge).parquet(*files), "parquet")

    def read_csv(self, paths: str | Sequence[str], /, **options: Any) -> ir.Table:
        """CSV files with every column as text; takes the option names of DuckDB."""
        text = pt.StructType([pt.StructField(name, pt.StringType()) for name in options["columns"]])
        marks = {"sep": options["delim"], "quote": options["quote"], "escape": options["escape"]}
        read = self._session.read.options(**marks, header="true", mode="FAILFAST", multiLine="true")
        files = [as_url(path) for path in ([paths] if isinstance(paths, str) else paths)]
        return self.adopt(read.schema(text).csv(files), "csv")

    def to_pyarrow(self, expr: ir.Expr, /, **options: Any) -> Any:
        """The result as Arrow; Ibis collects it through pandas."""
        table = expr.as_table()
        self._run_pre_execute_hooks(table)
        found = self._session.sql(self.compile(table, **options)).toArrow()
        return expr.__pyarrow_result__(PyArrowData.convert_table(found, table.schema()))

    def execute(self, expr: ir.Expr, /, **options: Any) -> Any:
        """The result as pandas, through Arrow."""
        table = expr.as_table()
        frame = self.to_pyarrow(table, **options).to_pandas()
        return expr.__pandas_result__(PandasData.convert_table(frame, table.schema()))

    def to_parquet(self, expr: ir.Table, /, path: str | Path, **options: Any) -> None:
        """The result as one file written by the driver, for small tables; Ibis writes a folder."""
        pq.write_table(self.to_pyarrow(expr), path)

    def _register_in_memory_table(self, op: Any) -> None:
        """Ibis passes frames through pandas, which loses the difference of naive times and instants."""
        arrow = op.data.to_pyarrow(op.schema)
        fields = [pt.StructField(name, _frame_type(dtype)) for name, dtype in op.schema.items()]
        frame = self._session.createDataFrame(with_typed_nulls(arrow), pt.StructType(fields))
        frame.createOrReplaceTempView(op.name)


def _double(written: str) -> sge.Cast:
    return sge.Cast(this=sge.convert(written), to=sge.DataType.build("double"))


def _schema(struct: Any) -> sch.Schema:
    return sch.Schema({field.name: _ibis_type(field.dataType) for field in struct.fields})


def _ibis_type(kind: Any) -> dt.DataType:
    return dt.Timestamp(timezone="UTC") if isinstance(kind, pt.TimestampType) else FrameTypes.to_ibis(kind)


def _frame_type(dtype: dt.DataType) -> Any:
    if dtype.is_timestamp():
        return pt.TimestampNTZType() if dtype.timezone is None else pt.TimestampType()
    if dtype.is_unsigned_integer():
        return pt.LongType()
    return pt.StringType() if dtype.is_null() else FrameTypes.from_ibis(dtype)
