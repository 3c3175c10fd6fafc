// A person's signed order that gives a release more traffic.
package import Evidence
package import Primitives

/// An order to go on. It is bound to the exact spec and to one step, so that it cannot be kept and used for another.
package struct AdvanceOrder: Codable, Hashable, Sendable {
    package static let payloadType = "application/vnd.penstock.advance+json"

    package enum Action: String, Codable, Hashable, Sendable {
        /// To `step`, which follows the one that the release is on.
        case promote
        /// Gives `step`, which is paused or overdue, its share again.
        case resume
    }

    package var format = 1
    package var system: SystemName
    package var environment: EnvironmentName
    package var release: ReleaseID
    package var spec: Digest
    package var action: Action
    package var step: Int
    /// Signals whose harm the person has looked at and accepts for this step.
    package var accepting: [String]
    /// How much longer the step may be undecided.
    package var extensionSeconds: Int64
    package var reason: String
    package var person: PersonID
    package var signed: Instant

    package init(
        system: SystemName, environment: EnvironmentName, release: ReleaseID, spec: Digest, action: Action, step: Int, accepting: [String] = [],
        extensionSeconds: Int64 = 0, reason: String, person: PersonID, signed: Instant
    ) {
        self.system = system
        self.environment = environment
        self.release = release
        self.spec = spec
        self.action = action
        self.step = step
        self.accepting = accepting
        self.extensionSeconds = extensionSeconds
        self.reason = reason
        self.person = person
        self.signed = signed
    }

    /// Reads an order about exactly this spec, signed by a person who may approve it: one with a role that the policy asks for, who neither proposed it
    /// nor made its model.
    package static func open(_ envelope: Envelope, for spec: ReleaseSpec, digest: Digest, trust: TrustRoot) throws(ReleaseError) -> AdvanceOrder {
        let order: AdvanceOrder
        do { order = try envelope.decodeUnverified(as: payloadType) } catch { throw ReleaseError(.invalid, error.message) }
        guard order.format == 1 else { throw ReleaseError(.invalid, "the order has format \(order.format), which is newer than this program; update penstock") }
        guard order.system == trust.system, order.environment == trust.environment, order.release == spec.release, order.spec == digest else {
            throw ReleaseError(.invalid, "the signed order is about another release or spec than \(spec.release) as it was approved here; sign again")
        }
        guard (0...ExposureStep.mostSeconds).contains(order.extensionSeconds) else { throw ReleaseError(.invalid, "an extension is a time of at most ten years") }
        guard let person = trust.signers(of: envelope).first(where: { $0.id == order.person }) else {
            throw ReleaseError(.authority, "the order names \(order.person), whose valid signature it does not carry")
        }
        guard spec.approvals.contains(where: { person.roles.contains($0.role) }) else {
            let roles = spec.approvals.map(\.role.text).joined(separator: " or ")
            throw ReleaseError(.authority, "\(person.id) cannot give \(spec.release) more traffic; that takes the role \(roles)")
        }
        guard trust.solo || (person.id != spec.proposal.proposer && person.id != spec.model?.author) else {
            throw ReleaseError(.fourEyes, "\(person.id) proposed \(spec.release) or made its model; another person must give it more traffic")
        }
        return order
    }
}
