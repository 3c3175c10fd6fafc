// Why a piece of evidence is not accepted.

/// Evidence that does not hold. A verifier never says more than this and never continues past it.
package struct EvidenceError: Error, Hashable, Sendable, CustomStringConvertible {
    package struct Code: Hashable, Sendable {
        private enum Value: Hashable { case malformed, unsigned, untrusted, expired, inconsistent }
        private var value: Value
        /// The bytes are not what the format says.
        package static let malformed = Code(value: .malformed)
        /// No signature of an accepted key over these exact bytes.
        package static let unsigned = Code(value: .unsigned)
        /// Signed, but not by who must sign.
        package static let untrusted = Code(value: .untrusted)
        /// Was acceptable once.
        package static let expired = Code(value: .expired)
        /// A proof, root or order that contradicts what is known.
        package static let inconsistent = Code(value: .inconsistent)
    }

    package var code: Code
    /// One sentence for people, with the remedy where there is one.
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}
