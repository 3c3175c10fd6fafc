// The largest sizes that are accepted from outside, in one place so that they agree.

/// Bounds on what comes from outside. Past them the answer is a clear refusal, never an allocation.
package enum Limits {
    /// One YAML or JSON file of a user, in bytes.
    package static let documentBytes = 256 * 1024
    /// Nesting of maps and lists in such a file.
    package static let documentDepth = 24
    /// One signed envelope, in bytes.
    package static let envelopeBytes = 512 * 1024
    /// One artifact, in bytes.
    package static let artifactBytes = 4 * 1024 * 1024 * 1024
    /// One decision request's body, in bytes.
    package static let requestBytes = 64 * 1024
    /// Columns of one contract.
    package static let columns = 2000
    /// Allowed values of one column.
    package static let allowedValues = 10_000
}
