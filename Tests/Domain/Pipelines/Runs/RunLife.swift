// A run of two stages, brought into every phase and state, and one event of each kind.
import Pipelines
import Primitives
import TestKit

enum RunLife {
    static let kinds = [
        "run.planned", "run.started", "run.stage-started", "run.attempt-failed", "run.stage-failed", "run.stage-published", "run.stage-reused", "run.stage-skipped",
        "run.stage-cancelled", "run.succeeded", "run.failed", "run.cancelled", "run.abandoned", "run.resumed",
    ]

    static func id() throws -> RunID { try name("r7") }

    static func outline() throws -> RunOutline {
        RunOutline(
            pipeline: try name("p"), file: .of("file"),
            stages: [
                RunOutline.Stage(name: try stage("a"), needs: [], outputs: [try slot("x")], retries: 1),
                RunOutline.Stage(name: try stage("b"), needs: [try stage("a")], outputs: [], retries: 0),
            ])
    }

    static func at(_ seconds: Int) -> Instant { World.now.adding(.seconds(seconds)) }

    static func execution(_ name: String, attempt: Int = 1, run: String = "r7") throws -> StageExecution {
        StageExecution(
            run: try TestKit.name(run), stage: try stage(name), attempt: attempt, fingerprint: fingerprint(name), outputs: name == "a" ? [try slot("x"): file("rows")] : [:],
            sandbox: ["bubblewrap"], started: at(1), finished: at(2))
    }

    static func start(_ name: String, attempt: Int = 1) throws -> RunEvent {
        .stageStarted(try stage(name), StageStart(attempt: attempt, fingerprint: fingerprint(name), reasons: [.neverRun]), at: at(10))
    }

    /// About the stage `a`, where the kind is about a stage; it fits the first attempt.
    static func event(_ kind: String) throws -> RunEvent {
        let a = try stage("a")
        let events: [RunEvent] = [
            .planned(try outline(), at: at(10)), .started(at: at(10)), try start("a"), .attemptFailed(a, attempt: 1, .exited(code: 1), at: at(10)),
            .stageFailed(a, attempt: 1, .exited(code: 1), at: at(10)), .stagePublished(try execution("a"), at: at(10)),
            .stageReused(a, try execution("a", run: "r1"), .unchanged, at: at(10)), .stageSkipped(a, because: a, at: at(10)), .stageCancelled(a, at: at(10)),
            .succeeded(at: at(10)), .failed(at: at(10)), .cancelled(reason: "interrupted", at: at(10)), .abandoned(at: at(10)), .resumed(at: at(10)),
        ]
        return try required(events.first { $0.kind == kind }, "an event of the kind \(kind)")
    }

    /// The events that lead to a phase; `b` has been reused where the run has succeeded.
    static func events(to phase: RunPhase) throws -> [RunEvent] {
        let planned = RunEvent.planned(try outline(), at: at(0)), started = RunEvent.started(at: at(1))
        return switch phase {
        case .planned: [planned]
        case .running: [planned, started]
        case .succeeded:
            [
                planned, started, try start("a"), try event("run.stage-published"), .stageReused(try stage("b"), try execution("b", run: "r1"), .unchanged, at: at(2)),
                .succeeded(at: at(3)),
            ]
        case .failed:
            [planned, started, try start("a"), try event("run.stage-failed"), .stageSkipped(try stage("b"), because: try stage("a"), at: at(2)), .failed(at: at(3))]
        case .cancelled: [planned, started, .cancelled(reason: "interrupted", at: at(3))]
        case .abandoned: [planned, started, try start("a"), .abandoned(at: at(3))]
        }
    }

    static func run(in phase: RunPhase) throws -> PipelineRun { try required(try PipelineRun.fold(id(), events(to: phase)), "a run") }

    static func taking(_ event: RunEvent, _ run: PipelineRun) -> Result<PipelineRun, PipelineError> {
        var next = run
        do throws(PipelineError) {
            try next.apply(event)
            return .success(next)
        } catch {
            return next == run ? .failure(error) : .failure(PipelineError(.unreadable, "the refused event changed the run"))
        }
    }
}

/// The states of a stage by name, without what they hold.
enum StateName: String, CaseIterable {
    case waiting, running, published, reused, failed, skipped, cancelled, abandoned

    init(_ state: StageState) {
        switch state {
        case .waiting: self = .waiting
        case .running: self = .running
        case .published: self = .published
        case .reused: self = .reused
        case .failed: self = .failed
        case .skipped: self = .skipped
        case .cancelled: self = .cancelled
        case .abandoned: self = .abandoned
        }
    }
}
