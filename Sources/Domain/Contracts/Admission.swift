// The answers of row admission, and their sentences.

/// The entity's value as UTF-8, without its quotes.
package enum EntityKey: Hashable, Sendable {
    /// No entity column, or null.
    case none
    /// Where the value stands in the input; it holds no escapes, so these bytes are the value.
    case range(Range<Int>)
    /// The decoded value of one written with escapes, so that two spellings of one entity are one entity.
    case copied([UInt8])
}

/// What a well-formed row has against the contract; the first that was found.
package struct ContractBreach: Hashable, Sendable {
    package enum Reason: Hashable, Sendable {
        /// A required column is not in the row.
        case missing
        /// A required column is null.
        case null
        case belowMinimum
        case aboveMaximum
        case notAllowed
    }

    /// Position in `RowAdmission.columns`.
    package var column: Int
    package var reason: Reason

    package init(column: Int, reason: Reason) {
        self.column = column
        self.reason = reason
    }
}

/// A row that cannot be read at all: the caller's mistake.
package struct MalformedRow: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Kind: Hashable, Sendable {
        /// The bytes are not JSON by RFC 8259.
        case notJSON
        /// Not one flat object of the contract's columns and types. What follows the place was not looked at.
        case notARow
    }

    package var kind: Kind
    /// One sentence for the caller. It never repeats a value, only keys.
    package var message: String

    package init(kind: Kind, message: String) {
        self.kind = kind
        self.message = message
    }

    package var description: String { message }
}

package enum Admission: Sendable {
    /// The feature vector is filled.
    case admitted(entity: EntityKey)
    /// Well-formed, but not what the contract allows. All other columns are in the vector; do not score it.
    case outside(ContractBreach, entity: EntityKey)
    case malformed(MalformedRow)
}
