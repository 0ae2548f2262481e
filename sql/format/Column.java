package loyalty.sql;

import java.io.Serializable;
import java.math.BigInteger;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;

import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonFactory;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonProcessingException;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.DeserializationFeature;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.SerializationFeature;
import org.apache.flink.table.data.GenericArrayData;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.LogicalTypeRoot;
import org.apache.flink.table.types.logical.RowType;

/**
 * How a column is read from a parsed value. A value of another kind than the column's is NULL, never made to fit; only
 * text is also made of a number, `true` or `false`, as JSON_VALUE of Flink does.
 */
class Column implements Serializable {

    private static final long serialVersionUID = 1L;

    /** As Flink's own JSON functions read and write: the keys of objects in order, no number rounded. */
    static final ObjectMapper JSON = new ObjectMapper(new JsonFactory())
            .configure(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS, true)
            .configure(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS, true);

    private static final BigInteger MIN = BigInteger.valueOf(Long.MIN_VALUE);
    private static final BigInteger MAX = BigInteger.valueOf(Long.MAX_VALUE);

    final String name;
    private final LogicalTypeRoot kind;
    private final boolean asText;
    /** Of a ROW. */
    private final Column[] fields;

    private Column(String name, LogicalTypeRoot kind, boolean asText, Column[] fields) {
        this.name = name;
        this.kind = kind;
        this.asText = asText;
        this.fields = fields;
    }

    static Column[] of(RowType type, Set asText) {
        Column[] columns = new Column[type.getFieldCount()];
        for (int at = 0; at < columns.length; at++) {
            String name = (String) type.getFieldNames().get(at);
            LogicalType kind = type.getTypeAt(at);
            Column[] fields = kind instanceof RowType ? of((RowType) kind, Collections.EMPTY_SET) : null;
            columns[at] = new Column(name, kind.getTypeRoot(), asText.contains(name), fields);
        }
        return columns;
    }

    /** The column's value in Flink's form, of a value as Jackson gives it. */
    Object read(Object value) {
        switch (this.kind) {
            case VARCHAR:
                if (this.asText) {
                    return isScalar(value) ? null : json(value);
                }
                return isScalar(value) ? text(value) : null;
            case BIGINT:
                return number(value);
            case BOOLEAN:
                return value instanceof Boolean ? value : null;
            case TIMESTAMP_WITH_LOCAL_TIME_ZONE:
                return value instanceof String ? Moment.read((String) value) : null;
            case ARRAY:
                return value instanceof List ? array((List) value) : null;
            case ROW:
                return row(this.fields, value);
            default:
                throw new IllegalStateException("loyalty-json does not read " + this.kind);
        }
    }

    /** There always is one; its fields are NULL where `value` is no object. */
    static GenericRowData row(Column[] columns, Object value) {
        Map found = value instanceof Map ? (Map) value : Collections.EMPTY_MAP;
        GenericRowData row = new GenericRowData(columns.length);
        for (int at = 0; at < columns.length; at++) {
            row.setField(at, columns[at].read(found.get(columns[at].name)));
        }
        return row;
    }

    private static boolean isScalar(Object value) {
        return !(value instanceof Map) && !(value instanceof Collection);
    }

    private static StringData text(Object value) {
        return value == null ? null : StringData.fromString(String.valueOf(value));
    }

    private static StringData json(Object value) {
        try {
            return StringData.fromString(JSON.writeValueAsString(value));
        } catch (JsonProcessingException tooDeep) {
            return null;
        }
    }

    private static Long number(Object value) {
        if (value instanceof Integer || value instanceof Long) {
            return Long.valueOf(((Number) value).longValue());
        }
        if (value instanceof BigInteger) {
            BigInteger number = (BigInteger) value;
            return number.compareTo(MIN) >= 0 && number.compareTo(MAX) <= 0 ? Long.valueOf(number.longValue()) : null;
        }
        return null;
    }

    private static GenericArrayData array(List values) {
        Object[] texts = new Object[values.size()];
        for (int at = 0; at < texts.length; at++) {
            Object value = values.get(at);
            texts[at] = isScalar(value) ? text(value) : json(value);
        }
        return new GenericArrayData(texts);
    }
}
