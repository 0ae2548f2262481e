"""Python operators that cross from the JVM once for many elements; in process mode PyFlink's own gather them."""
