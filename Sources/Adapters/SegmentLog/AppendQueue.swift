// What waits to be written, and what must happen next: decided here, done by the log.
internal import Decisions
internal import Ports

/// Entries in the order of their sequences. A value: its owner locks it, and calls completions when the lock is released.
struct AppendQueue: Sendable {
    typealias Completion = @Sendable (Result<UInt64, DecisionLogError>) -> Void

    struct Waiting: Sendable {
        var sequence: UInt64
        /// `nil` for a buffered entry, which was completed when it was queued.
        var completion: Completion?
    }

    struct Batch: Sendable {
        var entries: [PendingEntry] = []
        var waiting: [Waiting] = []
    }

    struct Limits: Sendable {
        var entries: Int
        var bytes: Int
    }

    enum Turn {
        case write(Batch)
        case sleep
        /// At most one flush interval; then everything is due.
        case sleepUntilFlush
        case end
    }

    private enum Writer {
        case busy
        case asleep
        /// Only what cannot wait for the flush wakes it.
        case asleepUntilFlush
    }

    private let limits: Limits
    private var batch = Batch()
    private var bytes = 0
    private var hasDurable = false
    private var isClosing = false
    private var writer = Writer.busy
    private(set) var last: UInt64
    private(set) var failure: DecisionLogError?
    private(set) var overloaded: UInt64 = 0
    private(set) var lost: UInt64 = 0

    init(last: UInt64, limits: Limits) {
        self.last = last
        self.limits = limits
    }

    var waiting: Int { batch.entries.count }

    /// The entry's sequence, and whether the writer must be woken for it.
    mutating func append(_ entry: PendingEntry, completion: Completion?) throws(DecisionLogError) -> (sequence: UInt64, wakes: Bool) {
        if let failure { throw failure }
        guard !isClosing else { throw DecisionLogError(.unavailable, "the decision log is closing") }
        guard batch.entries.count < limits.entries, bytes + entry.payload.count <= limits.bytes else {
            overloaded += 1
            throw DecisionLogError(.overloaded, "\(batch.entries.count) entries with \(bytes) bytes wait for the disk already; try again")
        }
        last += 1
        batch.entries.append(entry)
        batch.waiting.append(Waiting(sequence: last, completion: completion))
        bytes += entry.payload.count
        if completion != nil { hasDurable = true }
        return (last, wake())
    }

    private mutating func wake() -> Bool {
        switch writer {
        case .busy: return false
        case .asleep: break
        case .asleepUntilFlush: guard isDue else { return false }
        }
        writer = .busy
        return true
    }

    /// Buffered entries that fill a quarter of the queue do not wait for the flush, so that they keep nobody out.
    private var isDue: Bool { hasDurable || isClosing || bytes >= limits.bytes / 4 || batch.entries.count >= limits.entries / 4 }

    /// What the writer does now. `isFlush` when it slept one flush interval with entries waiting.
    mutating func turn(isFlush: Bool) -> Turn {
        writer = .busy
        if batch.entries.isEmpty {
            if isClosing { return .end }
            writer = .asleep
            return .sleep
        }
        guard isDue || isFlush else {
            writer = .asleepUntilFlush
            return .sleepUntilFlush
        }
        return .write(takeAll())
    }

    private mutating func takeAll() -> Batch {
        defer {
            batch = Batch()
            bytes = 0
            hasDurable = false
        }
        return batch
    }

    /// A write failed and left nothing. Everything behind it fails with it, so that the numbers stay dense. The answer is what came behind it.
    mutating func giveUp(_ written: Batch, durable: UInt64) -> Batch {
        let behind = takeAll()
        lost += Self.buffered(written) + Self.buffered(behind)
        last = durable
        return behind
    }

    /// For ever.
    mutating func fail(_ failure: DecisionLogError, _ written: Batch, durable: UInt64) -> Batch {
        if self.failure == nil { self.failure = failure }
        return giveUp(written, durable: durable)
    }

    /// Whether the writer must be woken for it.
    mutating func close() -> Bool {
        isClosing = true
        return wake()
    }

    private static func buffered(_ batch: Batch) -> UInt64 { UInt64(batch.waiting.count { $0.completion == nil }) }
}
