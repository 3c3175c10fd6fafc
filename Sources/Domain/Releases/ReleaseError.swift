// Why a release cannot do what was asked.

/// A refusal. `rule` names which of the house's rules it is, for programs; the message is for people.
package struct ReleaseError: Error, Hashable, Sendable, CustomStringConvertible {
    package struct Rule: Hashable, Sendable {
        package let name: String

        /// The request contradicts itself or what is stored.
        package static let invalid = Rule(name: "invalid")
        /// The release is in another phase than this needs.
        package static let phase = Rule(name: "phase")
        /// Signed by nobody who may.
        package static let authority = Rule(name: "authority")
        /// The signer proposed or wrote what is to be approved.
        package static let fourEyes = Rule(name: "four-eyes")
        /// Evidence is missing, stale or says no.
        package static let evidence = Rule(name: "evidence")
        /// A share above the approved plan.
        package static let exposure = Rule(name: "exposure")
        /// An order that would go backwards.
        package static let order = Rule(name: "order")
    }

    package var rule: Rule
    /// One sentence: what was refused, why, and what to do instead.
    package var message: String

    package init(_ rule: Rule, _ message: String) {
        self.rule = rule
        self.message = message
    }

    package var description: String { message }
}
