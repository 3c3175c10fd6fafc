// Where a serving node keeps its decisions and outcomes until the control plane has them.
package import Decisions

package struct DecisionLogError: Error, Sendable, CustomStringConvertible {
    package struct Code: Hashable, Sendable {
        private enum Value: Hashable { case overloaded, unavailable, broken, damaged, gone, refused }
        private var value: Value
        /// The queue is full: refuse the request, the next may pass.
        package static let overloaded = Code(value: .overloaded)
        /// Nothing of it was kept. Later appends may succeed: when the disk has space again, or another process lets go of the log.
        package static let unavailable = Code(value: .unavailable)
        /// The disk failed to make bytes durable, and nothing that it says is believed any more. Only a restart, which reads what is really there, helps.
        package static let broken = Code(value: .broken)
        /// What is stored contradicts what was promised: an operator must look. Nothing is repaired by itself.
        package static let damaged = Code(value: .damaged)
        /// Acknowledged and removed.
        package static let gone = Code(value: .gone)
        /// The caller's mistake.
        package static let refused = Code(value: .refused)
    }

    package var code: Code
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}

/// A durable entry, as it was appended.
package struct DecisionLogEntry: Hashable, Sendable {
    package var sequence: UInt64
    package var kind: LogFrame.Kind
    package var payload: [UInt8]

    package init(sequence: UInt64, kind: LogFrame.Kind, payload: [UInt8]) {
        self.sequence = sequence
        self.kind = kind
        self.payload = payload
    }
}

package struct DecisionLogStatus: Hashable, Sendable {
    /// The first entry that can still be read; `last + 1` when there is none.
    package var oldest: UInt64
    /// The newest number that was given.
    package var last: UInt64
    /// Everything up to here survives power loss.
    package var durable: UInt64
    /// Everything up to here has arrived at the control plane.
    package var acknowledged: UInt64
    /// What the log takes on the disk.
    package var bytes: Int
    /// Entries that wait to be written.
    package var waiting: Int
    /// Appends that were refused because the queue was full, since the log was opened.
    package var overloaded: UInt64
    /// Buffered entries that were taken and never reached the disk, since the log was opened. Anything but 0 is an alarm.
    package var lost: UInt64
    /// Why the log takes nothing any more; `nil` while it does.
    package var broken: String?

    package init(
        oldest: UInt64, last: UInt64, durable: UInt64, acknowledged: UInt64, bytes: Int, waiting: Int, overloaded: UInt64, lost: UInt64, broken: String?
    ) {
        self.oldest = oldest
        self.last = last
        self.durable = durable
        self.acknowledged = acknowledged
        self.bytes = bytes
        self.waiting = waiting
        self.overloaded = overloaded
        self.lost = lost
        self.broken = broken
    }
}

/// Keeps entries in the order of their numbers. The promises below are the sentences of the conformance suite.
///
/// - Sequences are dense from 1 for ever, across restarts and across what was acknowledged and removed.
/// - When a durable append has completed with its sequence, the entry survives kill -9 and power loss.
/// - A durable append that completed with `.overloaded` or `.unavailable` is not in the log, and its number goes to another entry.
/// - A buffered append completes before `append` returns; its entry is durable within one flush interval, or counted as lost.
/// - `append` never waits: a full queue completes at once with `.overloaded`.
/// - Completions come once each, and those of durable appends in the order of their sequences.
/// - After the disk failed to make bytes durable, every waiting and every later append completes with `.broken`.
/// - Only durable entries are read.
/// - An acknowledgement is durable when the call returns, and never goes back.
/// - What is not acknowledged is never removed.
/// - A log that another process has open is not opened.
///
/// Any thread may call anything.
package protocol DecisionLog: Sendable {
    /// Queues one entry of at most `LogFrame.mostPayloadBytes`. May be called from an event loop.
    ///
    /// `completion` is called on the caller's thread before this returns, or later on the log's own thread, which all other appends wait for: hop away.
    func append(_ payload: [UInt8], kind: LogFrame.Kind, durable: Bool, completion: @escaping @Sendable (Result<UInt64, DecisionLogError>) -> Void)
    /// The durable entries after `sequence` in their order, until their payloads have `bytes` bytes, and at least one if there is one.
    /// Throws `.gone` when the first of them was removed, and `.damaged` rather than leave one out.
    func read(after sequence: UInt64, limit bytes: Int) async throws(DecisionLogError) -> [DecisionLogEntry]
    /// The control plane has everything up to `sequence`, which may be removed now. An older acknowledgement changes nothing; one of what is not
    /// durable yet is refused.
    func acknowledge(through sequence: UInt64) async throws(DecisionLogError)
    func status() -> DecisionLogStatus
}
