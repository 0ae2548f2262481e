package loyalty.sql;

import java.util.Collections;
import java.util.HashSet;
import java.util.Set;

import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.configuration.ReadableConfig;
import org.apache.flink.table.connector.format.DecodingFormat;
import org.apache.flink.table.factories.DeserializationFormatFactory;
import org.apache.flink.table.factories.DynamicTableFactory;
import org.apache.flink.table.factories.FactoryUtil;

/** The format `loyalty-json` of `sql/sources/`: a record's columns out of one parse, NULL where a column cannot be read. */
public class LoyaltyJsonFactory implements DeserializationFormatFactory {

    private static final ConfigOption AS_TEXT = ConfigOptions.key("as-text")
            .stringType()
            .asList()
            .defaultValues(new String[0])
            .withDescription("The columns that hold an object or an array as JSON text.");

    public String factoryIdentifier() {
        return "loyalty-json";
    }

    public Set requiredOptions() {
        return Collections.emptySet();
    }

    public Set optionalOptions() {
        return Collections.singleton(AS_TEXT);
    }

    public DecodingFormat createDecodingFormat(DynamicTableFactory.Context context, ReadableConfig options) {
        FactoryUtil.validateFactoryOptions(this, options);
        return new LoyaltyJsonFormat(new HashSet((java.util.List) options.get(AS_TEXT)));
    }
}
