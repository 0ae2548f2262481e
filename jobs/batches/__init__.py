"""PyFlink operators in thread mode that cross between the JVM and Python once for many elements."""
