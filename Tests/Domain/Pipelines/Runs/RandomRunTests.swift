// Random sequences of events: what holds of a run whatever happens to it.
import Pipelines
import Primitives
import TestKit
import Testing

@Suite struct RandomRunTests {
    private static let names = ["a", "b", "c", "d"]

    private static func outline(_ generator: inout SeededGenerator) throws -> RunOutline {
        var stages: [RunOutline.Stage] = []
        for (index, name) in names.enumerated() {
            let needs = names[..<index].filter { _ in Bool.random(using: &generator) }
            stages.append(
                RunOutline.Stage(name: try stage(name), needs: try needs.map(stage), outputs: name == "a" ? [try slot("x")] : [], retries: Int.random(in: 0...2, using: &generator))
            )
        }
        return RunOutline(pipeline: try name("p"), file: .of("file"), stages: stages)
    }

    /// An event that may or may not follow; attempts are often the right ones.
    private static func draw(_ run: PipelineRun, _ generator: inout SeededGenerator) throws -> RunEvent {
        let record = try required(run.stages.randomElement(using: &generator), "a stage"), other = try required(run.stages.randomElement(using: &generator), "a stage")
        let attempt = record.attempts + (Int.random(in: 0..<8, using: &generator) == 0 ? 1 : 0), at = World.now, name = record.name.text
        let reason = try [FailureReason.exited(code: 1), .timedOut(after: .seconds(1)), .outputMissing(slot("x")), .cancelled].randomElement(using: &generator) ?? .cancelled
        switch Int.random(in: 0..<40, using: &generator) {
        case 0..<12: return try RunLife.start(name, attempt: attempt + 1)
        case 12..<18: return .stagePublished(try RunLife.execution(name, attempt: attempt), at: at)
        case 18..<21: return .stageReused(record.name, try RunLife.execution(name, run: "r1"), .unchanged, at: at)
        case 21..<25: return .attemptFailed(record.name, attempt: attempt, reason, at: at)
        case 25..<27: return .stageFailed(record.name, attempt: attempt, reason, at: at)
        case 27..<32: return .stageSkipped(record.name, because: other.name, at: at)
        case 32: return Int.random(in: 0..<4, using: &generator) == 0 ? .stageCancelled(record.name, at: at) : .resumed(at: at)
        case 33: return .succeeded(at: at)
        case 34: return .failed(at: at)
        case 35: return Int.random(in: 0..<10, using: &generator) == 0 ? .cancelled(reason: "x", at: at) : .started(at: at)
        case 36: return .abandoned(at: at)
        case 37: return .resumed(at: at)
        default: return .started(at: at)
        }
    }

    private static func check(_ run: PipelineRun, _ seed: UInt64) throws {
        for record in run.stages {
            let needs = record.outline.needs.compactMap { run.stage($0) }
            switch record.state {
            case .running: #expect(run.phase == .running && needs.allSatisfy { $0.state.outcome != nil }, "seed \(seed)")
            case .published, .reused: #expect(needs.allSatisfy { $0.state.outcome != nil }, "seed \(seed)")
            case .abandoned: #expect(run.phase == .abandoned, "seed \(seed)")
            case .skipped(let cause): #expect(run.stage(cause).map { StateName($0.state) } == .failed, "seed \(seed)")
            case .waiting, .failed, .cancelled: break
            }
            #expect(record.failures.count <= record.outline.retries + 1 && !record.failures.contains(.cancelled), "seed \(seed)")
            #expect((record.endedAt != nil) == (record.state.isTerminal || StateName(record.state) == .abandoned), "seed \(seed)")
        }
        #expect(!run.phase.isTerminal || run.verdict == run.phase, "seed \(seed): \(run.phase) and \(run.stages.map(\.state.spelled))")
    }

    @Test func whateverHappensARuleHolds() throws {
        var ends: [RunPhase: Int] = [:]
        for seed in 0..<600 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed)
            var taken = [RunEvent.planned(try Self.outline(&generator), at: World.now)]
            var run = try PipelineRun(RunLife.id(), taken[0])
            for _ in 0..<150 where !run.phase.isTerminal {
                let event = try Self.draw(run, &generator), before = run
                guard (try? run.apply(event)) != nil else {
                    #expect(run == before, "seed \(seed): a refused \(event.kind) changed the run")
                    continue
                }
                taken.append(event)
                #expect(zip(before.stages, run.stages).allSatisfy { !$0.state.isTerminal || $0 == $1 }, "seed \(seed): a stage that had ended changed")
                try Self.check(run, seed)
            }
            ends[run.phase, default: 0] += 1
            if seed.isMultiple(of: 10) {
                let read = try taken.map { try required(try RunEvent.read(kind: $0.kind, payload: $0.payload(of: RunLife.id()))?.event, "the event") }
                #expect(try PipelineRun.fold(RunLife.id(), read) == run, "seed \(seed): the stored history gives another run")
            }
        }
        #expect([RunPhase.succeeded, .failed, .cancelled].allSatisfy { ends[$0] ?? 0 > 10 }, "\(ends)")
    }
}
