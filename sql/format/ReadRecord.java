package loyalty.sql;

import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonProcessingException;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.StringData;

/** A record's value as a row, parsed once: NULL in every column of one that is no JSON object, but `record_value`. */
public class ReadRecord implements DeserializationSchema {

    private static final long serialVersionUID = 1L;
    /** The column that is the value itself, as text. */
    private static final String WHOLE = "record_value";

    private final Column[] columns;
    private final int whole;
    private final TypeInformation produced;

    ReadRecord(Column[] columns, TypeInformation produced) {
        this.columns = columns;
        this.produced = produced;
        int found = -1;
        for (int at = 0; at < columns.length; at++) {
            found = columns[at].name.equals(WHOLE) ? at : found;
        }
        this.whole = found;
    }

    public Object deserialize(byte[] value) {
        return read(value == null ? null : StringData.fromBytes(value));
    }

    GenericRowData read(StringData value) {
        GenericRowData row = Column.row(this.columns, value == null ? null : parsed(value.toString()));
        if (this.whole >= 0) {
            row.setField(this.whole, value);
        }
        return row;
    }

    /** What follows a complete value is ignored, as Flink's own JSON functions do. */
    private static Object parsed(String text) {
        try {
            return Column.JSON.readValue(text, Object.class);
        } catch (JsonProcessingException noJson) {
            return null;
        }
    }

    public boolean isEndOfStream(Object next) {
        return false;
    }

    public TypeInformation getProducedType() {
        return this.produced;
    }
}
