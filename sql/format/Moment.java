package loyalty.sql;

import java.time.DateTimeException;
import java.time.LocalDate;

import org.apache.flink.table.data.TimestampData;

/** A time as the contract writes it (§1): `2026-11-23T10:15:00.000Z`, of a day and an hour that there are. */
final class Moment {

    private static final String SHAPE = "0000-00-00T00:00:00.000Z";
    private static final long DAY_MS = 86400000L;

    private Moment() {}

    /** NULL for any other text. */
    static TimestampData read(String text) {
        if (text.length() != SHAPE.length()) {
            return null;
        }
        for (int at = 0; at < SHAPE.length(); at++) {
            char wanted = SHAPE.charAt(at);
            char found = text.charAt(at);
            if (wanted == '0' ? found < '0' || found > '9' : found != wanted) {
                return null;
            }
        }
        int year = number(text, 0, 4);
        int hour = number(text, 11, 13);
        int minute = number(text, 14, 16);
        int second = number(text, 17, 19);
        if (year < 1 || hour > 23 || minute > 59 || second > 59) {
            return null;
        }
        long day;
        try {
            day = LocalDate.of(year, number(text, 5, 7), number(text, 8, 10)).toEpochDay();
        } catch (DateTimeException noSuchDay) {
            return null;
        }
        long seconds = (hour * 60L + minute) * 60L + second;
        return TimestampData.fromEpochMillis(day * DAY_MS + seconds * 1000L + number(text, 20, 23));
    }

    private static int number(String text, int from, int to) {
        int found = 0;
        for (int at = from; at < to; at++) {
            found = found * 10 + text.charAt(at) - '0';
        }
        return found;
    }
}
