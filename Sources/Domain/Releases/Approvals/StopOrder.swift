// A person's signed order to give a release less traffic, or none.
package import Evidence
package import Primitives

/// An order that only ever lowers exposure. Anyone in the trust root may give one: stopping needs nobody's approval.
package struct StopOrder: Codable, Hashable, Sendable {
    package static let payloadType = "application/vnd.penstock.stop+json"

    package enum Action: String, Codable, Hashable, Sendable {
        /// Before the release is live.
        case abort
        /// Takes the share of its step for now; the comparison goes on.
        case pause
        /// From its first answered request on.
        case rollback
    }

    package var format = 1
    package var system: SystemName
    package var environment: EnvironmentName
    package var release: ReleaseID
    package var action: Action
    package var reason: String
    package var person: PersonID
    package var signed: Instant

    package init(system: SystemName, environment: EnvironmentName, release: ReleaseID, action: Action, reason: String, person: PersonID, signed: Instant) {
        self.system = system
        self.environment = environment
        self.release = release
        self.action = action
        self.reason = reason
        self.person = person
        self.signed = signed
    }

    /// Reads an order about this release that its named person signed.
    package static func open(_ envelope: Envelope, for release: ReleaseID, trust: TrustRoot) throws(ReleaseError) -> StopOrder {
        let order: StopOrder
        do { order = try envelope.decodeUnverified(as: payloadType) } catch { throw ReleaseError(.invalid, error.message) }
        guard order.format == 1 else { throw ReleaseError(.invalid, "the order has format \(order.format), which is newer than this program; update penstock") }
        guard order.system == trust.system, order.environment == trust.environment, order.release == release else {
            throw ReleaseError(.invalid, "the signed order is about \(order.release) of \(order.system)/\(order.environment), not about \(release) here")
        }
        guard trust.signers(of: envelope).contains(where: { $0.id == order.person }) else {
            throw ReleaseError(.authority, "the order names \(order.person), whose valid signature it does not carry")
        }
        return order
    }
}

/// Who or what stopped a release. The ledger keeps a person's order whole, so that their signature can be checked for ever.
package enum StopCause: Hashable, Sendable {
    case order(Envelope)
    /// The control plane's own finding: it holds no key of a person, and needs none to lower exposure.
    case controller(reason: String)

    /// How the release ended, in words: "rolled back by ben: too many offers".
    func ending(_ action: StopOrder.Action, of release: ReleaseID, trust: TrustRoot) throws(ReleaseError) -> String {
        let verb =
            switch action {
            case .abort: "aborted"
            case .pause: "paused"
            case .rollback: "rolled back"
            }
        switch self {
        case .controller(let reason): return "\(verb) by the controller: \(reason)"
        case .order(let envelope):
            let order = try StopOrder.open(envelope, for: release, trust: trust)
            guard order.action == action else { throw ReleaseError(.invalid, "\(order.person) ordered \(order.action.rawValue), and that is not what happened to \(release)") }
            return "\(verb) by \(order.person): \(order.reason)"
        }
    }
}
