// What a node says it did, signed by the node.
package import Evidence
package import Primitives

/// A change on a node that belongs in the ledger.
package struct Observation: Codable, Hashable, Sendable {
    package static let payloadType = "application/vnd.penstock.observation+json"

    package enum State: String, Codable, Hashable, Sendable {
        /// Fetched, verified, loaded, warmed, and taken back once: `milliseconds` is how long going back took.
        case rehearsed
        /// Answers requests from now on.
        case active
        /// Verified and refused; `reason` says why. What was served before is served on.
        case refused
        /// Harm was seen here, or the node died under it: the candidate answers nothing on this node any more, whatever later tables say. `reason` says
        /// what was seen, and `milliseconds` how long after the decision that made it plain the node stopped.
        case vetoed
    }

    package var format = 1
    package var system: SystemName
    package var environment: EnvironmentName
    package var node: NodeID
    package var order: TableOrder
    package var service: ServiceName
    package var spec: Digest
    package var state: State
    package var milliseconds: Double?
    package var reason: String?
    /// Of a veto: when the decision was answered with which the harm was plain.
    package var breach: Instant?
    package var at: Instant

    package init(
        system: SystemName, environment: EnvironmentName, node: NodeID, order: TableOrder, service: ServiceName, spec: Digest, state: State,
        milliseconds: Double? = nil, reason: String? = nil, breach: Instant? = nil, at: Instant
    ) {
        self.system = system
        self.environment = environment
        self.node = node
        self.order = order
        self.service = service
        self.spec = spec
        self.state = state
        self.milliseconds = milliseconds
        self.reason = reason
        self.breach = breach
        self.at = at
    }

    /// Reads what the named node of this trust root signed.
    package static func open(_ envelope: Envelope, trust: TrustRoot) throws(ReleaseError) -> Observation {
        let observation: Observation
        do { observation = try envelope.decodeUnverified(as: payloadType) } catch { throw ReleaseError(.invalid, error.message) }
        guard let key = trust.nodes[observation.node], !envelope.signers(among: [key]).isEmpty else {
            throw ReleaseError(.authority, "the observation is not signed by the key that the trust root lists for node \(observation.node)")
        }
        guard observation.format == 1 else {
            throw ReleaseError(.invalid, "the observation has format \(observation.format), which is newer than this program; update penstock")
        }
        guard observation.system == trust.system, observation.environment == trust.environment else {
            throw ReleaseError(.invalid, "the observation of \(observation.node) is for another system or environment")
        }
        return observation
    }
}
