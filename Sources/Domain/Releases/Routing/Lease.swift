// Why a candidate may still answer: a word of the control plane that cannot be old.
package import Evidence
package import Primitives

/// The control plane's signed answer to one question of one node. It names the newest table, and the nonce of the question, so that an answer that was
/// kept cannot be played again.
///
/// A candidate answers on a node only for `span` from when the question was asked, on that node's monotonic clock, and only while the node has the
/// table that the answer names.
package struct Lease: Codable, Hashable, Sendable {
    package static let payloadType = "application/vnd.penstock.lease+json"
    package static let span = Duration.seconds(10)
    /// How often a node asks.
    package static let renewal = Duration.seconds(1)
    package static let nonceBytes = 16

    package var format = 1
    package var system: SystemName
    package var environment: EnvironmentName
    package var order: TableOrder
    package var nonce: Base64Bytes

    package init(system: SystemName, environment: EnvironmentName, order: TableOrder, nonce: [UInt8]) {
        self.system = system
        self.environment = environment
        self.order = order
        self.nonce = Base64Bytes(nonce)
    }

    package static func open(_ envelope: Envelope, answering nonce: [UInt8], trust: TrustRoot) throws(ReleaseError) -> Lease {
        let lease: Lease
        do { lease = try envelope.open(as: payloadType, signedBy: [trust.services.controlPlane]) } catch {
            throw ReleaseError(.authority, "the lease is refused: \(error.message)")
        }
        guard lease.format == 1 else { throw ReleaseError(.invalid, "the lease has format \(lease.format), which is newer than this program; update penstock") }
        guard lease.system == trust.system, lease.environment == trust.environment, lease.nonce.bytes == nonce else {
            throw ReleaseError(.authority, "the lease answers another question than this node's; it may be an old one played again")
        }
        return lease
    }
}
