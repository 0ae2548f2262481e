"""Python functions for SQL: one line each over `loyalty/`, registered by one call."""

from __future__ import annotations

from pyflink.table import TableEnvironment
from pyflink.table.udf import udf

from udfs.functions import FUNCTIONS


def register(tables: TableEnvironment) -> list[str]:
    """Makes every function of `udfs.functions` known to SQL, as temporary system functions, and gives their names."""
    for function in FUNCTIONS:
        tables.create_temporary_system_function(
            function.name,
            udf(function.call, input_types=[*function.takes.values()], result_type=function.gives, name=function.name),
        )
    return [function.name for function in FUNCTIONS]
