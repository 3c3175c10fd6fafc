// The durable decision log of a serving node: files, one thread that writes them, and one write and one sync for all who wait.
package import Decisions
private import Dispatch
private import Foundation
package import Ports
package import Primitives
private import Synchronization

/// `<folder>/<first sequence>.seg`, `cursor` and `lock`.
///
/// While one write is made durable the next one gathers: there is no delay for company, and no sync for a single entry when many wait. `close` writes what
/// waits; a log that is let go without it does so too, on its own thread.
package final class SegmentLog: DecisionLog {
    package struct Options: Sendable {
        /// A segment that has this size is followed by a new one.
        package var segmentBytes = 16 << 20
        /// What acknowledged segments may take together before the oldest are removed.
        package var retainedBytes = 64 << 20
        /// How long a buffered entry may be in memory only.
        package var flushInterval = Duration.milliseconds(50)
        /// What may wait while a write is made durable.
        package var waitingEntries = 8192
        package var waitingBytes = 16 << 20

        package init() {}
    }

    /// What opening it cut off.
    package let opening: OpeningReport
    private let core: LogCore

    /// Blocks while it reads what is not acknowledged.
    package convenience init(folder: String, node: NodeID, options: Options = Options()) throws(DecisionLogError) {
        try self.init(disk: FolderDisk(folder), node: node, options: options)
    }

    package init(disk: any LogDisk, node: NodeID, options: Options = Options()) throws(DecisionLogError) {
        do throws(DiskFailure) { try disk.claim() } catch {
            throw DecisionLogError(.unavailable, "the decision log cannot be opened: \(error.message)")
        }
        var opening = LogOpening(disk: disk, node: node, segmentBytes: options.segmentBytes)
        do throws(DecisionLogError) {
            let opened = try opening.open()
            self.opening = opened.report
            core = LogCore(disk: disk, opened: opened, options: options)
        } catch {
            disk.release()
            throw error
        }
        let thread = Thread { [core] in core.run() }
        thread.name = "penstock.decisions"
        thread.start()
    }

    deinit { core.close {} }

    /// Writes what waits and lets go of the folder. Nothing can be appended, read or acknowledged from the call on.
    package func close() async {
        await withCheckedContinuation { continuation in core.close { continuation.resume() } }
    }

    package func append(_ payload: [UInt8], kind: LogFrame.Kind, durable: Bool, completion: @escaping @Sendable (Result<UInt64, DecisionLogError>) -> Void) {
        guard payload.count <= LogFrame.mostPayloadBytes else {
            return completion(.failure(DecisionLogError(.refused, "an entry has at most \(LogFrame.mostPayloadBytes) bytes, and this one has \(payload.count)")))
        }
        core.append(PendingEntry(kind: kind, payload: payload), durable: durable, completion: completion)
    }

    package func read(after sequence: UInt64, limit bytes: Int) async throws(DecisionLogError) -> [DecisionLogEntry] {
        try await core.offThread { core throws(DecisionLogError) in
            try SegmentReader(disk: core.disk, map: core.map()).read(after: sequence, limit: bytes)
        }
    }

    package func acknowledge(through sequence: UInt64) async throws(DecisionLogError) {
        try await core.offThread { core throws(DecisionLogError) in try core.acknowledge(through: sequence) }
    }

    package func status() -> DecisionLogStatus { core.status() }
}
