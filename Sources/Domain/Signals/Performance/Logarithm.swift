// The natural logarithm of the C library, by a name that says so.
#if canImport(Glibc)
    private import Glibc
#else
    private import Darwin
#endif

func logarithm(_ value: Double) -> Double { log(value) }
