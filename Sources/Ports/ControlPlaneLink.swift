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

/// The node's side of its line to the control plane. Every call may fail at any time, and the node serves on.
package protocol ControlPlaneLink: Sendable {
    /// The newest table, or `nil` when there is none newer than `order`.
    func routingTable(newerThan order: TableOrder?) async throws(LinkError) -> Envelope?
    /// Brings an artifact into the node's own store, which checks its digest.
    func fetch(_ digest: Digest, into store: any ArtifactStore) async throws(LinkError)
    /// Returns when the control plane has the observation durably.
    func report(_ observation: Envelope) async throws(LinkError)
    /// Entries of the node's decision log, in their order and without a gap. The answer is the last one that the control plane has durably; sending entries
    /// again is harmless. It is below `frames.first - 1` when the control plane lacks entries before them, which it must be sent first.
    func push(_ frames: [LogFrame]) async throws(LinkError) -> UInt64
}
