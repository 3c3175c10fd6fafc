// What a serving node asks of the control plane. Nothing here is needed to go on serving.
package import Decisions
package import Evidence
package import Primitives
package import Releases

package struct LinkError: Error, Sendable, CustomStringConvertible {
    package struct Code: Hashable, Sendable {
        private enum Value: Hashable { case unavailable, damaged, contradiction }
        private var value: Value
        /// Nothing came: the line may be tried again.
        package static let unavailable = Code(value: .unavailable)
        /// What came is not what its digest promises: more tries will not make it right.
        package static let damaged = Code(value: .damaged)
        /// The control plane has other entries under these numbers: more tries will not make it right.
        package static let contradiction = Code(value: .contradiction)
    }

    package var code: Code
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}

/// What the control plane answers when a node asks whether there is anything new.
package struct Contact: Codable, Sendable {
    /// There when it is newer than the node's.
    package var table: Envelope?
    /// A `Lease`; `nil` before the first table.
    package var lease: Envelope?

    package init(table: Envelope?, lease: Envelope?) {
        self.table = table
        self.lease = lease
    }
}

/// The node's side of its line to the control plane. Every call may fail at any time, and the node serves on.
package protocol ControlPlaneLink: Sendable {
    /// The newest table, where it is newer than `order`, and a lease that answers the nonce, which is 16 random bytes.
    func contact(newerThan order: TableOrder?, nonce: [UInt8]) async throws(LinkError) -> Contact
    /// Brings an artifact into the node's own store, which checks its digest.
    func fetch(_ digest: Digest, into store: any ArtifactStore) async throws(LinkError)
    /// Returns when the control plane has the observation durably.
    func report(_ observation: Envelope) async throws(LinkError)
    /// Entries of the node's decision log, in their order and without a gap. The answer is the last one that the control plane has durably; sending entries
    /// again is harmless. It is below `frames.first - 1` when the control plane lacks entries before them, which it must be sent first.
    func push(_ frames: [LogFrame]) async throws(LinkError) -> UInt64
}
