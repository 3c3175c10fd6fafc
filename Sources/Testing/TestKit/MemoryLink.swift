// A line to a control plane that is not there.
package import Decisions
package import Evidence
package import Ports
package import Primitives
package import Releases
private import Synchronization

/// A control plane in memory. It believes no observation that the node has not signed.
package final class MemoryLink: ControlPlaneLink {
    package struct State: Sendable {
        package var table: Envelope?
        /// Signs leases; without it there are none.
        package var leaseKey: SigningKey?
        /// What leases say in place of the newest table's order.
        package var leaseOrder: TableOrder?
        /// Handed out as it is, in place of an answer to the question.
        package var oldLease: Envelope?
        /// Hands the table out whatever the node says it has.
        package var repeatsItself = false
        package var files: [Digest: [UInt8]] = [:]
        package var isDead = false
        package var asked = 0
        package var fetched: [Digest] = []
        package var observations: [Observation] = []
        /// What was pushed, dense from 1.
        package var entries: [LogFrame] = []
    }

    private let state = Mutex(State())
    private let trust: TrustRoot

    package init(_ trust: TrustRoot) { self.trust = trust }

    package func change(_ body: (inout State) -> Void) { state.withLock { body(&$0) } }

    package func look<Value: Sendable>(_ body: (State) -> Value) -> Value { state.withLock { body($0) } }

    package func show(_ table: Envelope, _ releases: MadeRelease...) {
        change { state in
            state.table = table
            for release in releases { state.files.merge(release.files) { old, _ in old } }
        }
    }

    package func contact(newerThan order: TableOrder?, nonce: [UInt8]) async throws(LinkError) -> Contact {
        let now = state.withLock { state in
            state.asked += 1
            return state
        }
        let (table, isDead, repeats, key) = (now.table, now.isDead, now.repeatsItself, now.leaseKey)
        guard !isDead else { throw LinkError(.unavailable, "nobody answers") }
        guard let table, let read: RoutingTable = try? table.decodeUnverified(as: RoutingTable.payloadType) else { return Contact(table: table, lease: nil) }
        let lease = key.map { key in
            Envelope(
                signing: Lease(system: trust.system, environment: trust.environment, order: now.leaseOrder ?? read.order, nonce: nonce), as: Lease.payloadType, by: [key])
        }
        let isNewer = order.map { read.order > $0 } ?? true
        return Contact(table: isNewer || repeats ? table : nil, lease: now.oldLease ?? lease)
    }

    package func fetch(_ digest: Digest, into store: any ArtifactStore) async throws(LinkError) {
        let (bytes, isDead) = state.withLock { state in
            state.fetched.append(digest)
            return (state.files[digest], state.isDead)
        }
        guard !isDead, let bytes else { throw LinkError(.unavailable, "\(digest.short) is not to be had") }
        let (stream, feed) = AsyncThrowingStream.makeStream(of: [UInt8].self, throwing: (any Error).self)
        feed.yield(bytes)
        feed.finish()
        do { try await store.put(stream: stream, expecting: digest, limit: Limits.envelopeBytes) } catch {
            throw LinkError(error.code == .damaged ? .damaged : .unavailable, error.message)
        }
    }

    package func report(_ envelope: Envelope) async throws(LinkError) {
        guard !state.withLock({ $0.isDead }) else { throw LinkError(.unavailable, "nobody answers") }
        do {
            let observation = try Observation.open(envelope, trust: trust)
            state.withLock { $0.observations.append(observation) }
        } catch { throw LinkError(.unavailable, error.message) }
    }

    package func push(_ frames: [LogFrame]) async throws(LinkError) -> UInt64 {
        try state.withLock { state -> Result<UInt64, LinkError> in
            guard !state.isDead else { return .failure(LinkError(.unavailable, "nobody answers")) }
            for frame in frames {
                let count = UInt64(state.entries.count)
                if frame.sequence > count + 1 { break }
                if frame.sequence == count + 1 {
                    state.entries.append(frame)
                } else if state.entries[Int(frame.sequence) - 1].payload != frame.payload {
                    return .failure(LinkError(.contradiction, "entry \(frame.sequence) was another one"))
                }
            }
            return .success(UInt64(state.entries.count))
        }.get()
    }
}
