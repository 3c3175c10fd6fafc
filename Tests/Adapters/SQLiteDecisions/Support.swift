// A store in a folder of its own, and what nodes send to it.
internal import Decisions
internal import Foundation
internal import GRDB
internal import Inference
internal import Ports
internal import Primitives
internal import SQLiteDecisions
internal import TestKit

struct Sevens: RandomSource {
    func bytes(_ count: Int) -> [UInt8] { [UInt8](repeating: 7, count: count) }
}

final class StoreFolder: Sendable {
    let path = FileManager.default.temporaryDirectory.appending(path: "decisions-\(UUID().uuidString)").path
    var file: String { path + "/decisions.sqlite" }

    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700]) }
    deinit { try? FileManager.default.removeItem(atPath: path) }

    func open() throws -> SQLiteDecisions { try SQLiteDecisions(path: file, random: Sevens()) }

    /// Changes the file behind the store's back.
    func change(_ sql: String, _ arguments: StatementArguments = []) throws {
        try DatabaseQueue(path: file).write { try $0.execute(sql: sql, arguments: arguments) }
    }

    func count(_ sql: String) throws -> Int { try DatabaseQueue(path: file).read { try Int.fetchOne($0, sql: sql) ?? -1 } }
}

/// What one node writes, in the order of its log.
struct NodeLog {
    let node: NodeID
    private(set) var sent: [LogFrame] = []
    private var waiting: [LogFrame] = []

    init(_ text: String = "node-1") throws { node = try name(text) }

    mutating func add(_ kind: LogFrame.Kind, _ payload: [UInt8]) {
        waiting.append(LogFrame(sequence: UInt64(sent.count + waiting.count) + 1, place: 1, kind: kind, payload: payload))
    }

    mutating func compared(_ number: UInt64, candidate: String = "rebooking-offer-2", step: Int = 0) throws {
        add(.comparison, try Self.comparison(number, candidate: candidate, step: step).encoded)
    }

    mutating func told(_ number: UInt64, _ value: OutcomeRecord.Value) throws {
        let at = Instant(milliseconds: 5)
        let record = try required(OutcomeRecord(decision: DecisionID(high: 7, low: number), name: try name("late"), value: value, at: at, received: at), "an outcome")
        add(.outcome, record.encoded)
    }

    /// One batch of all that waits.
    mutating func send(to store: SQLiteDecisions) async throws {
        let batch = waiting
        sent += batch
        waiting = []
        let last = try await store.take(batch, from: node)
        guard last == UInt64(sent.count) else { throw FixtureError(description: "the store has \(last) of \(sent.count) entries") }
    }

    static func comparison(_ number: UInt64, candidate: String = "rebooking-offer-2", step: Int = 0) throws -> ComparisonRecord {
        let side = ComparisonRecord.Side(outcome: try name("offer"), score: 0.8)
        return ComparisonRecord(
            decision: DecisionID(high: 7, low: number), candidate: try name(candidate), spec: Digest.of("spec"), step: step, share: 0.05, arm: .champion, entity: number,
            failed: false,
            latencyMicroseconds: 900, answered: Instant(milliseconds: Int64(number)), clock: Instant(milliseconds: Int64(number)), sampled: true,
            pair: .init(champion: side, candidate: side))
    }
}

/// A sighting as tests spell it: the decision's number and what was seen.
extension SQLiteDecisions {
    func seen(_ candidate: String = "rebooking-offer-2", step: Int = 0, after cursor: Int64 = 0, limit: Int = 1000) async throws -> [String] {
        try await sightings(of: name(candidate), step: step, after: cursor, limit: limit).map { sighting in
            let what =
                switch sighting.what {
                case .compared: "compared"
                case .truth(let truth): "\(truth)"
                case .contradicted: "contradicted"
                }
            return "\(sighting.record.clock.milliseconds) \(what)"
        }
    }
}
