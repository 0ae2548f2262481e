package loyalty.sql;

import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;

import org.apache.flink.table.api.DataTypes;
import org.apache.flink.table.catalog.DataTypeFactory;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.functions.TableFunction;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.inference.TypeInference;
import org.apache.flink.table.types.inference.TypeStrategies;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.table.types.utils.DataTypeUtils;

/** {@link ReadRecord} for records that do not come from Kafka: the one row of a value that is given as text. */
public class ReadRecords extends TableFunction {

    private final DataType columns;
    private final ReadRecord record;

    /** `asText` is the format's option `as-text`: names with `;` between them. */
    public ReadRecords(DataType columns, String asText) {
        this.columns = columns;
        Set names = new HashSet(Arrays.asList(asText.split(";")));
        this.record = new ReadRecord(Column.of((RowType) columns.getLogicalType(), names), null);
    }

    public void eval(String value) {
        collect(this.record.read(StringData.fromString(value)));
    }

    public TypeInference getTypeInference(DataTypeFactory types) {
        return TypeInference.newBuilder()
                .typedArguments(new DataType[] {DataTypes.STRING()})
                .outputTypeStrategy(TypeStrategies.explicit(DataTypeUtils.toInternalDataType(this.columns)))
                .build();
    }
}
