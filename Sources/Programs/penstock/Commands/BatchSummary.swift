// What a batch of decision requests came to.
import Foundation
import Primitives
import Synchronization

/// Written while answers come, so that a batch that is cut short says what it was answered.
final class AnswerFile: Sendable {
    private struct Line: Encodable {
        var row: Int
        var id: String
        var decision: String

        private enum CodingKeys: String, CodingKey {
            case row, decision
            case id = "decision_id"
        }
    }

    private let handle: Mutex<FileHandle>
    private let path: String

    init(_ path: String) throws {
        try Files.requireAbsent([path])
        guard FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o600]), let handle = FileHandle(forWritingAtPath: path) else {
            throw Failure.cannotWrite("\(path) cannot be written; check its folder")
        }
        self.path = path
        self.handle = Mutex(handle)
    }

    func write(row: Int, id: String, decision: String) throws {
        let line = Data(StrictJSON.encode(Line(row: row, id: id, decision: decision)) + [UInt8(ascii: "\n")])
        do { try handle.withLock { try $0.write(contentsOf: line) } } catch { throw Failure.cannotWrite("\(path) cannot be written: \(error.localizedDescription)") }
    }
}

/// What a batch came to.
struct BatchSummary: Codable, Sendable {
    struct Answers: Codable, Sendable {
        var release: String
        var decision: String
        var because: String
        var count: Int
    }

    var requests = 0
    var failed = 0
    var firstFailure: String?
    /// Milliseconds from sending, or from when it was due at a given rate, to the whole answer, as this client saw it.
    var p50 = 0.0
    var p99 = 0.0
    var answers: [Answers] = []

    private struct Reply: Decodable {
        var decision: String
        var id: String
        var release: String
        var because: String?

        private enum CodingKeys: String, CodingKey {
            case decision, release, because
            case id = "decision_id"
        }
    }

    /// When each request of a batch is due: as soon as its connection is free, or evenly at so many a second.
    struct Pace: Sendable {
        var rate: Double?
        private let start = ContinuousClock.now

        init(rate: Double?) { self.rate = rate }

        /// From when the request is timed. One that its connection sends late, because an earlier answer held it up, has waited since it was due.
        func began(_ index: Int) async throws -> ContinuousClock.Instant {
            guard let rate else { return .now }
            let due = start + .seconds(Double(index) / rate)
            guard due > .now else { return due }
            try await Task.sleep(until: due, tolerance: .zero, clock: .continuous)
            return .now
        }
    }

    static func collect(
        _ rows: [[UInt8]], service: ServiceName, connections: Int, pace: Pace, sender: DecisionSender, answers: AnswerFile?
    ) async throws -> BatchSummary {
        let outcomes = try await withThrowingTaskGroup(of: [(Double, UInt, String)].self) { group in
            for lane in 0..<connections {
                group.addTask {
                    var outcomes: [(Double, UInt, String)] = []
                    for index in stride(from: lane, to: rows.count, by: connections) {
                        let began = try await pace.began(index)
                        let (status, answer) = try await sender.send(rows[index], service: service)
                        if status == 200, let answers, let reply = try? StrictJSON.decode(Reply.self, from: Array(answer.utf8)) {
                            try answers.write(row: index + 1, id: reply.id, decision: reply.decision)
                        }
                        outcomes.append(((ContinuousClock.now - began).seconds * 1000, status, answer))
                    }
                    return outcomes
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        return summarise(outcomes)
    }

    private static func summarise(_ outcomes: [(Double, UInt, String)]) -> BatchSummary {
        var summary = BatchSummary(requests: outcomes.count)
        var counts: [[String]: Int] = [:]
        for (_, status, answer) in outcomes {
            if status == 200, let reply = try? StrictJSON.decode(Reply.self, from: Array(answer.utf8)) {
                counts[[reply.release, reply.decision, reply.because ?? "rule"], default: 0] += 1
            } else {
                summary.failed += 1
                summary.firstFailure = summary.firstFailure ?? "\(status) \(answer.prefix(300))"
            }
        }
        let times = outcomes.map(\.0).sorted()
        summary.p50 = times[times.count / 2]
        summary.p99 = times[min(times.count - 1, times.count * 99 / 100)]
        summary.answers = counts.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { Answers(release: $0.key[0], decision: $0.key[1], because: $0.key[2], count: $0.value) }
        return summary
    }
}
