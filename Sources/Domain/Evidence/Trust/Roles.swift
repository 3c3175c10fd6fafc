// The roles that this program gives a meaning to.
package import Primitives

extension Identifier where Subject == RoleSubject {
    package static let viewer = wellKnown("viewer")
    package static let contributor = wellKnown("contributor")
    package static let proposer = wellKnown("proposer")
    package static let reviewer = wellKnown("reviewer")
    package static let independentValidator = wellKnown("independent-validator")
    package static let riskOwner = wellKnown("risk-owner")
    package static let `operator` = wellKnown("operator")
    package static let auditor = wellKnown("auditor")
    package static let admin = wellKnown("admin")

    /// Roles whose holders may approve, as a policy asks.
    package static let approving: Set<Role> = [.reviewer, .independentValidator, .riskOwner]

    private static func wellKnown(_ text: String) -> Role {
        guard let role = Role(text) else { preconditionFailure("'\(text)' is a name") }
        return role
    }
}
