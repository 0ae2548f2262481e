"""Python operators that cross from the JVM once for many elements."""
