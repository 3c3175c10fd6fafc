// Every pair of a phase and an event, and of a stage's state and an event: where it leads, or that it is refused and changes nothing.
import Pipelines
import Primitives
import TestKit
import Testing

@Suite struct RunTableTests {
    /// Every legal pair of a run's phase and an event about the run. The pairs that are not here are refused.
    private static let moves: [RunPhase: [String: RunPhase]] = [
        .planned: ["run.started": .running, "run.cancelled": .cancelled],
        .running: ["run.cancelled": .cancelled, "run.abandoned": .abandoned],
        .abandoned: ["run.resumed": .running, "run.cancelled": .cancelled],
    ]

    /// Legal in `running`, and judged by the state of the stages.
    private static let byState: Set = ["run.succeeded", "run.failed"]

    private static func isAboutAStage(_ kind: String) -> Bool { kind.contains("stage-") || kind == "run.attempt-failed" }

    @Test(arguments: RunPhase.allCases, RunLife.kinds) func anEventMovesARunWhereTheTableSaysOrIsRefused(phase: RunPhase, kind: String) throws {
        if phase == .running, Self.byState.contains(kind) || Self.isAboutAStage(kind) { return }
        let run = try RunLife.run(in: phase), event = try RunLife.event(kind)
        #expect(run.phase == phase)
        switch (RunLife.taking(event, run), Self.moves[phase]?[kind]) {
        case (.success(let next), let target?):
            #expect(next.phase == target && next.changed == event.at && next != run)
            #expect(next.ending == (target == .cancelled ? "interrupted" : nil))
        case (.failure(let error), nil):
            #expect(error.code == .phase && error.stage == event.stage)
            #expect(error.message == "the run r7 is \(phase.rawValue), so \(kind) cannot follow\(phase.isTerminal ? "; start a new run" : "")")
        case (.success(let next), nil): Issue.record("\(kind) led from \(phase) to \(next.phase)")
        case (.failure(let error), _?): Issue.record("\(kind) was refused in \(phase): \(error)")
        }
    }

    @Test(arguments: RunLife.kinds) func onlyAPlanBeginsARun(kind: String) throws {
        let event = try RunLife.event(kind)
        guard kind != "run.planned" else {
            let run = try PipelineRun(RunLife.id(), event)
            #expect(run.phase == .planned && run.pipeline.text == "p" && run.file == .of("file") && run.stages.map(\.name.text) == ["a", "b"])
            #expect(run.stages.allSatisfy { $0.state == .waiting && $0.attempts == 0 && $0.failures == [] } && run.outcomes == [:] && run.verdict == nil)
            return
        }
        #expect(refusal { try PipelineRun(RunLife.id(), event) } == "the run r7 begins with its plan, not with \(kind)")
    }

    @Test func phasesAreFrozenAndSomeAreEndings() throws {
        #expect(RunPhase.allCases.map(\.rawValue) == ["planned", "running", "succeeded", "failed", "cancelled", "abandoned"])
        #expect(RunPhase.allCases.filter(\.isTerminal) == [.succeeded, .failed, .cancelled])
        #expect(try PipelineRun.fold(RunLife.id(), []) == nil)
        #expect(try Set(RunLife.kinds.map { try RunLife.event($0).kind }).count == 14)
    }

    /// Of the stage `a`, while the run is running.
    private static let stageMoves: [StateName: [String: StateName]] = [
        .waiting: ["run.stage-started": .running, "run.stage-reused": .reused, "run.stage-cancelled": .cancelled],
        .running: ["run.attempt-failed": .waiting, "run.stage-failed": .failed, "run.stage-published": .published, "run.stage-cancelled": .cancelled],
    ]

    /// A run whose stage `a` is in the state. The stages of a running run are abandoned in no way, so that state is judged by the phase.
    private static func run(with state: StateName) throws -> PipelineRun? {
        var events = try RunLife.events(to: .running)
        switch state {
        case .waiting: break
        case .running: events.append(try RunLife.start("a"))
        case .published: events += [try RunLife.start("a"), try RunLife.event("run.stage-published")]
        case .reused: events.append(try RunLife.event("run.stage-reused"))
        case .failed: events += [try RunLife.start("a"), try RunLife.event("run.stage-failed")]
        case .cancelled: events.append(try RunLife.event("run.stage-cancelled"))
        case .skipped, .abandoned: return nil
        }
        return try PipelineRun.fold(RunLife.id(), events)
    }

    @Test(arguments: StateName.allCases, RunLife.kinds.filter(isAboutAStage)) func anEventMovesAStageWhereTheTableSaysOrIsRefused(state: StateName, kind: String) throws {
        guard let run = try Self.run(with: state) else { return }
        let event = try RunLife.event(kind), before = try #require(run.stage(stage("a")))
        #expect(StateName(before.state) == state)
        // Nothing comes before `a`, so that it is never skipped; `aStageIsSkippedBecauseOfAFailedOne` looks at that.
        if state == .waiting, kind == "run.stage-skipped" { return }
        switch (RunLife.taking(event, run), Self.stageMoves[state]?[kind]) {
        case (.success(let next), let target?):
            let after = try #require(next.stage(stage("a")))
            #expect(StateName(after.state) == target && next.phase == .running && next.changed == event.at)
            #expect(try next.stage(stage("b")) == run.stage(stage("b")))
            #expect(after.endedAt == (after.state.isTerminal ? event.at : nil))
        case (.failure(let error), nil):
            #expect(try error.code == .phase && error.stage == stage("a"))
            #expect(error.message == "the stage 'a' of the run r7 is \(before.state.spelled), so \(kind) cannot follow")
        case (.success(let next), nil): Issue.record("\(kind) led from \(state) to \(next)")
        case (.failure(let error), _?): Issue.record("\(kind) was refused in \(state): \(error)")
        }
    }

    /// `b` skipped, with every event about it.
    @Test(arguments: RunLife.kinds.filter(isAboutAStage)) func nothingFollowsASkippedStage(kind: String) throws {
        var events = try RunLife.events(to: .failed)
        events.removeLast()
        let run = try #require(try PipelineRun.fold(RunLife.id(), events)), b = try stage("b")
        let event: RunEvent =
            switch try RunLife.event(kind) {
            case .stageStarted(_, let start, let at): .stageStarted(b, start, at: at)
            case .attemptFailed(_, let attempt, let reason, let at): .attemptFailed(b, attempt: attempt, reason, at: at)
            case .stageFailed(_, let attempt, let reason, let at): .stageFailed(b, attempt: attempt, reason, at: at)
            case .stagePublished(_, let at): .stagePublished(try RunLife.execution("b"), at: at)
            case .stageReused(_, _, let reason, let at): .stageReused(b, try RunLife.execution("b"), reason, at: at)
            case .stageSkipped(_, let cause, let at): .stageSkipped(b, because: cause, at: at)
            case let other: .stageCancelled(b, at: other.at)
            }
        #expect(event.kind == kind)
        guard case .failure(let error) = RunLife.taking(event, run) else {
            Issue.record("\(kind) followed")
            return
        }
        #expect(error.message == "the stage 'b' of the run r7 is skipped because of a, so \(kind) cannot follow")
    }

    @Test func aStageThatTheRunLacksIsRefused() throws {
        let run = try RunLife.run(in: .running)
        let error = try #require(throws: PipelineError.self) { try RunLife.taking(.stageCancelled(stage("c"), at: RunLife.at(1)), run).get() }
        #expect(error.code == .unknownName && error.message == "the run r7 has no stage 'c'; its stages: a, b")
    }
}
