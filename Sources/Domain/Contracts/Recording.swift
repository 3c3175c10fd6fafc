// What the record of a decision keeps of a request, column by column.

package enum Recording: String, CaseIterable, Sendable {
    /// As it was sent.
    case keep
    /// As a keyed hash: equal values stay equal, and nobody without the key can try values.
    case hash
    /// Nothing, not even that it was there.
    case drop
}

extension Column {
    /// An entity is always hashed. Otherwise `penstock.record` decides, and where it is silent the class does: public and internal are kept,
    /// confidential is hashed, and what is about a person or restricted is dropped, which is also what nobody classified.
    package var recording: Recording {
        if role == .entity { return .hash }
        if let recordedAs { return recordedAs }
        return switch privacy {
        case .public, .internal: .keep
        case .confidential: .hash
        case .personal, .restricted, .sensitive: .drop
        }
    }
}
