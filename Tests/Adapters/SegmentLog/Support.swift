// What the tests of this room share: logs on disks in memory, and appends that can be awaited.
import Decisions
import Foundation
import Ports
import Primitives
import SegmentLog
import Synchronization
import Testing

func node(_ name: String = "node-a") throws -> NodeID { try #require(NodeID(name)) }

/// How much a test does, where the environment says so.
func number(_ variable: String) -> Int? { ProcessInfo.processInfo.environment[variable].flatMap { Int($0) } }

typealias Appended = Result<UInt64, DecisionLogError>

extension SegmentLog {
    /// One durable entry; returns when it has completed.
    func append(_ text: String) async -> Appended {
        await withCheckedContinuation { continuation in
            append(Array(text.utf8), kind: .decision, durable: true) { continuation.resume(returning: $0) }
        }
    }

    /// One durable entry, queued when this returns.
    func start(_ text: String) -> Started {
        let (results, done) = AsyncStream<Appended>.makeStream()
        append(Array(text.utf8), kind: .decision, durable: true) { done.yield($0) }
        return Started(results: results)
    }

    /// One buffered entry, which completes at once.
    @discardableResult func buffer(_ text: String) -> Appended? {
        let found = Kept<Appended?>(nil)
        append(Array(text.utf8), kind: .outcome, durable: false) { result in found.value.withLock { $0 = result } }
        return found.value.withLock { $0 }
    }

    /// Every durable entry from `sequence + 1` on, as text, read in small pieces.
    func texts(after sequence: UInt64 = 0, limit: Int = 100) async throws -> [String] {
        var texts: [String] = []
        var last = sequence
        while true {
            let entries = try await read(after: last, limit: limit)
            guard !entries.isEmpty else { return texts }
            for entry in entries {
                try #require(entry.sequence == last + 1)
                last += 1
                texts.append(String(decoding: entry.payload, as: UTF8.self))
            }
        }
    }
}

/// An append under way.
struct Started: Sendable {
    fileprivate let results: AsyncStream<Appended>

    var result: Appended? {
        get async { await results.first { _ in true } }
    }
}

extension Appended {
    var code: DecisionLogError.Code? {
        if case .failure(let error) = self { error.code } else { nil }
    }

    var sequence: UInt64? { try? get() }
}

final class Kept<Value: Sendable>: Sendable {
    let value: Mutex<Value>
    init(_ value: Value) { self.value = Mutex(value) }
}

/// Passed once by whoever waits when it is opened, and by everybody later.
final class Gate: Sendable {
    private let semaphore = DispatchSemaphore(value: 0)
    private let arrived: AsyncStream<Void>.Continuation
    private let arrivals: AsyncStream<Void>

    init() { (arrivals, arrived) = AsyncStream.makeStream() }

    /// On a thread that may block.
    func pass() {
        arrived.yield()
        semaphore.wait()
        semaphore.signal()
    }

    func open() { semaphore.signal() }

    /// Somebody stands before it.
    func arrival() async { for await _ in arrivals { return } }
}

extension ImageDisk {
    /// Holds the log's thread before its next sync.
    func gate() -> Gate {
        let gate = Gate()
        onSync.withLock { $0 = { gate.pass() } }
        return gate
    }
}

/// A log whose buffered entries wait for a durable one, and whose numbers of operations a test can foresee.
func options(segmentBytes: Int = 1 << 20, retainedBytes: Int = 0) -> SegmentLog.Options {
    var options = SegmentLog.Options()
    options.segmentBytes = segmentBytes
    options.retainedBytes = retainedBytes
    options.flushInterval = .seconds(3600)
    return options
}

func open(_ disk: ImageDisk, _ options: SegmentLog.Options = options()) throws -> SegmentLog { try SegmentLog(disk: disk, node: node(), options: options) }

/// What an expression threw.
func failure(_ body: () async throws -> some Any) async -> DecisionLogError? {
    do {
        _ = try await body()
        return nil
    } catch {
        return error as? DecisionLogError
    }
}

func name(of first: UInt64) -> String { String(repeating: "0", count: 20 - String(first).count) + "\(first).seg" }

/// One segment of single writes, and where each frame begins.
func segment(of count: Int, first: UInt64 = 1) throws -> (bytes: [UInt8], starts: [Int]) {
    var bytes = SegmentHeader(first: first, node: try node()).encoded
    var starts: [Int] = []
    for index in 0..<UInt64(count) {
        starts.append(bytes.count)
        LogFrame(sequence: first + index, place: 1, kind: .decision, payload: Array("entry \(first + index)".utf8)).append(to: &bytes)
    }
    return (bytes, starts + [bytes.count])
}

/// SplitMix64.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

/// An empty folder; removed with its owner.
final class Folder: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/decisions-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func callAsFunction(_ name: String) -> String { path + "/" + name }
}
