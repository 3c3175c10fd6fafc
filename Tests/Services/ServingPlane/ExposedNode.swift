// Nodes with a candidate, models with moods, and what they wrote down.
import Decisions
import Evidence
import Foundation
import Inference
import Ports
import Primitives
import Releases
import ServingPlane
import Synchronization
import TestKit
import Testing

/// What a model does at a row in place of scoring it.
enum Mood: Sendable {
    case scores
    case fails
    case isNoNumber
    case blocks(@Sendable () -> Void)
}

/// Linear models, some of which have moods by their numbers and rows. Rows that nodes warm models with have values below 5.
struct MoodyEngine: ModelEngine {
    var mood: @Sendable (_ numbers: [Double], _ row: [Double]) -> Mood

    final class Model: LoadedModel {
        let model: any LoadedModel
        let numbers: [Double]
        let mood: @Sendable ([Double], [Double]) -> Mood

        init(_ model: any LoadedModel, _ numbers: [Double], _ mood: @escaping @Sendable ([Double], [Double]) -> Mood) {
            self.model = model
            self.numbers = numbers
            self.mood = mood
        }

        func makeScorer() throws(ModelEngineError) -> any RowScorer { Scorer(try model.makeScorer(), self) }
    }

    final class Scorer: RowScorer {
        let scorer: any RowScorer
        let model: Model

        init(_ scorer: any RowScorer, _ model: Model) {
            self.scorer = scorer
            self.model = model
        }

        func score(_ row: UnsafeBufferPointer<Double>) throws(ModelEngineError) -> Double {
            switch model.mood(model.numbers, Array(row)) {
            case .scores: break
            case .fails: throw ModelEngineError(.mismatch, "it does not feel like it")
            case .isNoNumber: return .nan
            case .blocks(let block): block()
            }
            return try scorer.score(row)
        }
    }

    func runtime(of format: String) -> String { "moody" }

    func load(_ model: [UInt8], format: String, features: Int) throws(ModelEngineError) -> any LoadedModel {
        let numbers = String(decoding: model, as: UTF8.self).split(separator: " ").compactMap { Double($0) }
        return Model(try LinearEngine().load(model, format: format, features: features), numbers, mood)
    }
}

/// A champion that says 0.1, which is `none`, beside a candidate, in one world. Decisions are recorded.
struct Exposed: Sendable {
    let world: World
    let link: MemoryLink
    let store = NodeStore()
    let log = HeldLog()
    let champion: MadeRelease
    let candidate: MadeRelease
    static let outcome = "\noutcome: { name: late, contract: contracts/outcome.yaml, matures_after: 6h, affected_by_decision: false }"
    static let decision = World.decision() + Array("\nrecord: buffered\(outcome)".utf8)

    /// Begins with table 1, where the candidate has this share, and with leases.
    init(
        candidate model: String = "0.2 0 0", plan: [ExposureStep] = [.canary(1), .live], share: Double = 1, terms: RolloutTerms = .usual, hasTime: Bool = false,
        championHasTime: Bool? = nil
    ) throws {
        world = try World()
        link = MemoryLink(world.trust)
        champion = try world.release(1, model: "0.1 0 0", decision: Self.decision, hasTime: championHasTime ?? hasTime)
        candidate = try world.release(2, model: model, exposure: plan, decision: Self.decision, terms: terms, hasTime: hasTime)
        link.show(try world.table(1, champion: champion, candidate: (candidate, share)), champion, candidate)
        let key = try key(20)
        link.change { $0.leaseKey = key }
    }

    var records: NodeRecords? { RecordKey(bytes: [UInt8](repeating: 9, count: 32)).map { NodeRecords(log: log, key: $0) } }

    func show(_ generation: Int, share: Double?, step: Int = 0) throws {
        let table = try world.table(generation, champion: champion, candidate: share.map { (candidate, $0) }, step: step)
        link.change { $0.table = table }
    }

    func run(
        folder: String, engine: any ModelEngine = LinearEngine(), leaseSpan: Duration = .seconds(10), _ body: @Sendable (Harness) async throws -> Void
    ) async throws {
        try await Harness.run(world, link, store: store, folder: folder, records: records, engine: engine, leaseSpan: leaseSpan) { node in
            try await node.until("it serves") { try await node.get("/health/ready").status == 200 }
            try await body(node)
        }
    }

    var comparisons: [ComparisonRecord] {
        get throws { try log.entries.filter { $0.kind == .comparison }.map { try ComparisonRecord(parsing: $0.payload) } }
    }

    var decisions: [DecisionRecord] {
        get throws { try log.entries.filter { $0.kind == .decision }.map { try DecisionRecord(parsing: $0.payload) } }
    }

    func observed(_ state: Observation.State) -> [Observation] { link.look { $0.observations.filter { $0.state == state } } }

    static func row(_ entity: String, distance: Int = 100) -> String { #"{"tail_number":"\#(entity)","distance":\#(distance),"hour":7}"# }
}

extension Harness {
    /// The candidate is in the slot, and with a lease where one is asked for.
    func untilExposed(_ release: MadeRelease, leased: Bool = true) async throws {
        try await until("\(release.spec.release) is exposed") {
            let status = try await get("/v1/status").body
            return status.contains(#""step":"#) && status.contains(release.digest.description) && (!leased || !status.contains(#""leaseSeconds":0,"#))
        }
    }
}
