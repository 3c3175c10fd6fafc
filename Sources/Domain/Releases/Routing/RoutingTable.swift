// Which release answers which share of a service's requests, as the control plane says it to the nodes.
package import Evidence
package import Primitives

/// The order of tables: a later epoch beats every generation of an earlier one. Only a root-signed recovery raises the epoch.
package struct TableOrder: Codable, Hashable, Sendable, Comparable, CustomStringConvertible {
    package var epoch: Int
    package var generation: Int

    package init(epoch: Int, generation: Int) {
        self.epoch = epoch
        self.generation = generation
    }

    package static func < (left: TableOrder, right: TableOrder) -> Bool {
        (left.epoch, left.generation) < (right.epoch, right.generation)
    }

    package var description: String { "\(epoch).\(generation)" }
}

/// Everything a node needs to convince itself that a spec was released.
package struct ReleaseBundle: Codable, Hashable, Sendable {
    package var spec: Base64Bytes
    package var proposal: Envelope
    package var registration: Envelope?
    package var approvals: [Envelope]
    /// The signed order to go live, where the policy needs a person for that.
    package var promotion: Envelope?

    package init(spec: [UInt8], proposal: Envelope, registration: Envelope?, approvals: [Envelope], promotion: Envelope? = nil) {
        self.spec = Base64Bytes(spec)
        self.proposal = proposal
        self.registration = registration
        self.approvals = approvals
        self.promotion = promotion
    }

    package var digest: Digest { Digest.of(spec.bytes) }
}

package struct ServiceRoute: Codable, Hashable, Sendable {
    package struct Arm: Codable, Hashable, Sendable {
        package var spec: Digest
        /// Of answered requests, 0 to 1. At 0 it is compared in shadow only.
        package var share: Double
        /// The step of the approved plan that it is on.
        package var step: Int

        package init(spec: Digest, share: Double, step: Int) {
            self.spec = spec
            self.share = share
            self.step = step
        }
    }

    package var service: ServiceName
    /// Answers whatever no candidate's share takes.
    package var champion: Digest
    /// At most one candidate under exposure.
    package var candidate: Arm?
    /// The predecessor, kept warm so that going back needs nothing but a table.
    package var standby: Digest?
    /// To be fetched, verified, loaded, warmed and rehearsed, and to answer nothing yet.
    package var preparing: Digest?

    package init(service: ServiceName, champion: Digest, candidate: Arm? = nil, standby: Digest? = nil, preparing: Digest? = nil) {
        self.service = service
        self.champion = champion
        self.candidate = candidate
        self.standby = standby
        self.preparing = preparing
    }

    package var specs: Set<Digest> { Set([champion, candidate?.spec, standby, preparing].compactMap { $0 }) }
}

/// The payload of an envelope signed by the control plane's key. That key is trusted for order and timing only: a node checks
/// every bundle against the trust root itself.
package struct RoutingTable: Codable, Hashable, Sendable {
    package static let payloadType = "application/vnd.penstock.routing+json"

    package var format = 1
    package var system: SystemName
    package var environment: EnvironmentName
    package var order: TableOrder
    package var issued: Instant
    package var routes: [ServiceRoute]
    package var bundles: [ReleaseBundle]

    package init(system: SystemName, environment: EnvironmentName, order: TableOrder, issued: Instant, routes: [ServiceRoute], bundles: [ReleaseBundle]) {
        self.system = system
        self.environment = environment
        self.order = order
        self.issued = issued
        self.routes = routes
        self.bundles = bundles
    }

    /// Reads a table that the control plane of this trust root signed and that does not go backwards.
    ///
    /// `last` is the order of the newest table accepted so far. The same order is accepted again only with the same bytes, which the caller compares.
    package static func open(_ envelope: Envelope, trust: TrustRoot, after last: TableOrder?) throws(ReleaseError) -> RoutingTable {
        let table: RoutingTable
        do {
            table = try envelope.open(as: payloadType, signedBy: [trust.services.controlPlane])
        } catch {
            throw ReleaseError(.authority, "the routing table is refused: \(error.message)")
        }
        guard table.format == 1 else { throw ReleaseError(.invalid, "routing table format \(table.format) is newer than this program; update penstock") }
        guard table.system == trust.system, table.environment == trust.environment else {
            throw ReleaseError(.authority, "the routing table is for \(table.system)/\(table.environment), and this node trusts \(trust.system)/\(trust.environment)")
        }
        if let last, table.order < last {
            throw ReleaseError(.order, "routing table \(table.order) is older than \(last), which this node has accepted; a node never goes back")
        }
        guard Set(table.routes.map(\.service)).count == table.routes.count else {
            throw ReleaseError(.invalid, "routing table \(table.order) has two routes for one service")
        }
        return table
    }
}
