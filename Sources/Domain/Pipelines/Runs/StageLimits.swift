// How much a stage may write.

package enum StageLimits {
    /// On both outputs together.
    package static let logBytes = 16 << 20
    /// Of one file.
    package static let fileBytes = 4 << 30
}
