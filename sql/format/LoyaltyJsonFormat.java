package loyalty.sql;

import java.util.Set;

import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.table.connector.ChangelogMode;
import org.apache.flink.table.connector.format.DecodingFormat;
import org.apache.flink.table.connector.source.DynamicTableSource;
import org.apache.flink.table.types.DataType;
import org.apache.flink.table.types.logical.RowType;

/** What {@link LoyaltyJsonFactory} makes of a table's options. */
public class LoyaltyJsonFormat implements DecodingFormat {

    private final Set asText;

    LoyaltyJsonFormat(Set asText) {
        this.asText = asText;
    }

    public Object createRuntimeDecoder(DynamicTableSource.Context context, DataType columns) {
        TypeInformation produced = context.createTypeInformation(columns);
        return new ReadRecord(Column.of((RowType) columns.getLogicalType(), this.asText), produced);
    }

    public ChangelogMode getChangelogMode() {
        return ChangelogMode.insertOnly();
    }

    public boolean equals(Object other) {
        return other instanceof LoyaltyJsonFormat && ((LoyaltyJsonFormat) other).asText.equals(this.asText);
    }

    public int hashCode() {
        return this.asText.hashCode();
    }
}
