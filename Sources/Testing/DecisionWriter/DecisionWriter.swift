// Appends until it is killed, and says what it was promised: the victim of the crash tests.
private import Decisions
private import Foundation
private import Ports
private import Primitives
private import SegmentLog
private import Synchronization

/// usage: DecisionWriter FOLDER RUN [OPERATION]
///
/// Keeps eight durable appends under way, whose payloads are `<run>.<n>`, with buffered ones between them, and acknowledges some of them. A line on
/// standard output is a promise: `<sequence> <run>.<n>` that an append is durable, `acknowledged <sequence>` that an acknowledgement is. With a number,
/// it kills itself in the middle of that disk operation.
@main enum DecisionWriter {
    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count >= 3, let node = NodeID("node-a") else { throw DecisionLogError(.refused, "usage: DecisionWriter FOLDER RUN [OPERATION]") }
        var options = SegmentLog.Options()
        options.segmentBytes = 8 * 1024
        options.retainedBytes = 16 * 1024
        let disk = MortalDisk(FolderDisk(arguments[1]), dyingAt: arguments.count > 3 ? Int(arguments[3]) : nil)
        let log = try SegmentLog(disk: disk, node: node, options: options)
        let appender = Appender(log: log, run: arguments[2])
        for _ in 0..<8 { appender.appendNext() }
        while true { await appender.acknowledgeNext() }
    }
}

private final class Appender: Sendable {
    private let log: SegmentLog
    private let run: String
    private let count = Mutex(0)
    private let promised: AsyncStream<UInt64>.Continuation
    private let promises: AsyncStream<UInt64>

    init(log: SegmentLog, run: String) {
        self.log = log
        self.run = run
        (promises, promised) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func appendNext() {
        let number = count.withLock { count in
            count += 1
            return count
        }
        let text = "\(run).\(number)"
        if number % 5 == 0 { log.append(Array("buffered".utf8), kind: .outcome, durable: false) { _ in } }
        log.append(Array(text.utf8), kind: .decision, durable: true) { [self] result in
            switch result {
            case .success(let sequence):
                Self.say("\(sequence) \(text)")
                promised.yield(sequence)
                appendNext()
            case .failure(let error):
                Self.say("failed: \(error)")
                exit(1)
            }
        }
    }

    /// Goes on with the newest promise, and leaves the last hundred entries unacknowledged.
    func acknowledgeNext() async {
        for await sequence in promises where sequence > 100 && sequence % 7 == 0 {
            do {
                try await log.acknowledge(through: sequence - 100)
                Self.say("acknowledged \(sequence - 100)")
            } catch {
                Self.say("failed: \(error)")
                exit(1)
            }
        }
    }

    /// In one write, so that a kill leaves no part of a line but at the end.
    private static func say(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        _ = bytes.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
    }
}

/// Counts what changes the disk, and dies in the middle of one of these.
private final class MortalDisk: LogDisk {
    private let disk: FolderDisk
    private let left: Mutex<Int>

    init(_ disk: FolderDisk, dyingAt operation: Int?) {
        self.disk = disk
        left = Mutex(operation ?? -1)
    }

    /// Whether this is the one.
    func isLast() -> Bool {
        left.withLock { left in
            left -= 1
            return left == 0
        }
    }

    func die() -> Never {
        kill(getpid(), SIGKILL)
        exit(1)
    }

    private func change(_ body: () throws(DiskFailure) -> Void) throws(DiskFailure) {
        if isLast() { die() }
        try body()
    }

    func claim() throws(DiskFailure) { try disk.claim() }
    func release() { disk.release() }
    func names() throws(DiskFailure) -> [String] { try disk.names() }
    func rename(_ name: String, to newName: String) throws(DiskFailure) { try change { () throws(DiskFailure) in try disk.rename(name, to: newName) } }
    func remove(_ name: String) throws(DiskFailure) { try change { () throws(DiskFailure) in try disk.remove(name) } }
    func syncFolder() throws(DiskFailure) { try change { () throws(DiskFailure) in try disk.syncFolder() } }

    func open(_ name: String, _ mode: OpeningMode) throws(DiskFailure) -> any LogFile {
        if mode != .existing { try change {} }
        return MortalFile(file: try disk.open(name, mode), disk: self)
    }
}

private final class MortalFile: LogFile {
    private let file: any LogFile
    private let disk: MortalDisk

    init(file: any LogFile, disk: MortalDisk) {
        self.file = file
        self.disk = disk
    }

    func size() throws(DiskFailure) -> Int { try file.size() }
    func read(at offset: Int, count: Int) throws(DiskFailure) -> [UInt8] { try file.read(at: offset, count: count) }

    /// Half of it arrives.
    func write(_ bytes: [UInt8], at offset: Int) throws(DiskFailure) {
        guard disk.isLast() else { return try file.write(bytes, at: offset) }
        try file.write(Array(bytes.prefix(bytes.count / 2)), at: offset)
        disk.die()
    }

    func truncate(to size: Int) throws(DiskFailure) {
        if disk.isLast() { disk.die() }
        try file.truncate(to: size)
    }

    func sync() throws(DiskFailure) {
        if disk.isLast() { disk.die() }
        try file.sync()
    }
}
