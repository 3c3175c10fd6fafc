// Takes what nodes send: stored first, then committed to in the ledger, then acknowledged.
internal import Decisions
internal import Ports
internal import Primitives

/// Both steps can be repeated, so that a control plane that is killed between them goes on with the next batch that a node sends.
struct DecisionIntake: Sendable {
    let store: any DecisionStore
    let desk: any ReleaseDesk

    /// The last entry that is stored and that the ledger commits to.
    func take(_ frames: [LogFrame], from node: NodeID) async throws -> UInt64 {
        let stored = try await store.take(frames, from: node)
        try await commit(node)
        return stored
    }

    /// Of two calls at once one may find that the other has committed; the desk takes a batch once.
    private func commit(_ node: NodeID) async throws {
        let through = try await desk.recordedThrough(node)
        for batch in try await store.batches(of: node, after: through) { try await desk.record(batch) }
    }
}
