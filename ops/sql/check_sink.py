"""Whether a model gives what its sink takes: the columns in their order, a key, a topic of the catalogue."""

from __future__ import annotations

from typing import Any

from ops.sql.check_nulls import may_be_null, tree_of
from ops.sql.problems import Problem, at, line_of, nearest
from ops.sql.session import catalog_table
from ops.sql.statement import items_of_select, places_of_columns
from ops.topics.catalogue import read_catalogue
from sql.names import place_of
from sql.project import RESULTS, Project, SqlFile
from sql.results import APPEND, UPSERT
from sql.tokens import tokens


class SinkChecker:
    """Checks models against `sinks/`, whose tables Flink's planner knows."""

    def __init__(self, tables: Any, project: Project) -> None:
        self._tables = tables
        self._project = project
        self._topics = {topic.name for topic in read_catalogue()}

    def check(self, file: SqlFile, table: Any) -> Problem | None:
        """What is wrong between a model, whose result is `table`, and its sink; nothing where it has none."""
        sink = self._project.sinks.get(file.name)
        if sink is None or file.path.parent.name != "models":
            return None
        written = catalog_table(self._tables, RESULTS, file.name)
        options = written.getResolvedTable().getOptions()
        upserts = options.get("connector") == "upsert-kafka"
        schema = written.getResolvedSchema()
        key = list(schema.getPrimaryKey().get().getColumns()) if schema.getPrimaryKey().isPresent() else []
        if upserts and not key:
            line = line_of(sink, UPSERT)
            return at(sink, *line, f"A table LIKE {UPSERT} needs a primary key.", "PRIMARY KEY (…) NOT ENFORCED")
        if not upserts and key:
            line = line_of(sink, "PRIMARY")
            return at(sink, *line, f"A table LIKE {APPEND} has no primary key.", f"Take it out, or say LIKE {UPSERT}.")
        topic = options.get("topic")
        if topic not in self._topics:
            line = line_of(sink, "topic")
            fix = nearest(str(topic), self._topics).strip() or "Declare it in catalogue/topics.yaml."
            return at(sink, *line, f"The catalogue has no topic {topic}.", fix)
        return (
            self._of_the_columns(file, table, schema)
            or self._of_the_key(file, table, key)
            or self._of_nulls_in_the_key(file, table, key)
        )

    def _of_the_columns(self, file: SqlFile, table: Any, schema: Any) -> Problem | None:
        wanted = [schema.getColumns().get(at).getName() for at in range(schema.getColumnCount())]
        found = table.get_schema().get_field_names()
        places = places_of_columns(self._tables, file)
        for index, name in enumerate(found):
            place = places[index] if index < len(places) else places[0]
            if index >= len(wanted) or name != wanted[index]:
                if len(found) != len(wanted):
                    joined = self._missing_comma(file)
                    if joined is not None:
                        return joined
                if name in wanted:
                    expected = wanted[index] if index < len(wanted) else "nothing more"
                    return at(
                        file, *place, f"Column {index + 1} is {name}, where its sink has {expected}.", "Mind the order."
                    )
                near = nearest(name, [each for each in wanted if each not in found])
                return at(file, *place, f"The sink has no column {name} in place {index + 1}.", near.strip())
        if len(found) < len(wanted):
            joined = self._missing_comma(file)
            if joined is not None:
                return joined
            missing = ", ".join(wanted[len(found) :])
            return at(file, *places[-1], f"The sink also has {missing}, which the model does not give.")
        return None

    def _missing_comma(self, file: SqlFile) -> Problem | None:
        """An item that has taken the next line's first word for its name."""
        items = items_of_select(self._tables, file)
        if items is None:
            return None
        for index in range(items.size()):
            item = items.get(index)
            if item.getKind().toString() != "AS":
                continue
            value, name = place_of(item.getOperandList().get(0)), place_of(item.getOperandList().get(1))
            between = [
                token
                for token in tokens(file.text)
                if (value.end_line, value.end_column) < (token.line, token.column) < (name.line, name.column)
            ]
            if not between and name.line > value.end_line:
                return at(
                    file,
                    value.end_line,
                    value.end_column,
                    "Here a comma seems to be missing.",
                    "Names are given by AS.",
                )
        return None

    def _of_the_key(self, file: SqlFile, table: Any, key: list[str]) -> Problem | None:
        items = items_of_select(self._tables, file)
        names = table.get_schema().get_field_names()
        if items is None or not key or items.size() != len(names):
            return None
        for index, name in enumerate(names):
            place = place_of(items.get(index))
            changing = next(
                (
                    token
                    for token in tokens(file.text)
                    if (place.line, place.column) <= (token.line, token.column) <= (place.end_line, place.end_column)
                    and token.says(*_CHANGING)
                ),
                None,
            )
            if name in key and changing is not None:
                return at(
                    file,
                    changing.line,
                    changing.column,
                    f"The key {name} comes from {changing.text}, which is another each time.",
                    "After a restart the same row would come under another key; use the event's own ids and times.",
                )
        return None

    def _of_nulls_in_the_key(self, file: SqlFile, table: Any, key: list[str]) -> Problem | None:
        tree = tree_of(table)
        places = places_of_columns(self._tables, file)
        for index, name in enumerate(table.get_schema().get_field_names()):
            if name in key and may_be_null(tree, index):
                return at(
                    file,
                    *places[min(index, len(places) - 1)],
                    f"The key {name} may be NULL, and a row without it cannot be written.",
                    f"Leave it out, WHERE {name} IS NOT NULL in a sub-query before GROUP BY, and let an audit find it; "
                    f"or write COALESCE(…, 'unknown') AS {name}.",
                )
        return None


_CHANGING = (
    "UUID", "RAND", "RAND_INTEGER", "NOW", "CURRENT_TIMESTAMP", "CURRENT_DATE", "CURRENT_TIME", "LOCALTIME",
    "LOCALTIMESTAMP", "CURRENT_ROW_TIMESTAMP", "PROCTIME", "UNIX_TIMESTAMP",
)  # fmt: skip
