// What can happen to a run, as its history keeps it.
package import Primitives

/// What an attempt of a stage begins with.
package struct StageStart: Hashable, Sendable {
    /// Counted from 1, over all attempts of the stage in this run.
    package var attempt: Int
    package var fingerprint: StageFingerprint
    package var reasons: [RerunReason]

    package init(attempt: Int, fingerprint: StageFingerprint, reasons: [RerunReason]) {
        self.attempt = attempt
        self.fingerprint = fingerprint
        self.reasons = reasons
    }
}

/// One entry of a run's history. The kinds and the JSON are frozen: a run is a fold over them for ever.
package enum RunEvent: Hashable, Sendable {
    case planned(RunOutline, at: Instant)
    case started(at: Instant)
    case stageStarted(StageName, StageStart, at: Instant)
    /// The attempt failed, and another one follows.
    case attemptFailed(StageName, attempt: Int, FailureReason, at: Instant)
    /// The attempt failed, and it was the last.
    case stageFailed(StageName, attempt: Int, FailureReason, at: Instant)
    /// Its outputs are stored under their digests.
    case stagePublished(StageExecution, at: Instant)
    case stageReused(StageName, StageExecution, ReuseReason, at: Instant)
    /// It cannot run, because this stage, on which it depends, failed.
    case stageSkipped(StageName, because: StageName, at: Instant)
    /// Seen stopped, on request.
    case stageCancelled(StageName, at: Instant)
    case succeeded(at: Instant)
    case failed(at: Instant)
    /// Everything that had not ended is cancelled with it.
    case cancelled(reason: String, at: Instant)
    /// Its executor was found gone; the attempts that it had begun are abandoned with it.
    case abandoned(at: Instant)
    /// Another executor goes on with it; what was abandoned waits again.
    case resumed(at: Instant)

    package var kind: String { kindName.rawValue }

    package var at: Instant {
        switch self {
        case .planned(_, let at), .started(let at), .stageStarted(_, _, let at), .attemptFailed(_, _, _, let at), .stageFailed(_, _, _, let at),
            .stagePublished(_, let at), .stageReused(_, _, _, let at), .stageSkipped(_, _, let at), .stageCancelled(_, let at), .succeeded(let at),
            .failed(let at), .cancelled(_, let at), .abandoned(let at), .resumed(let at):
            at
        }
    }

    /// The stage that it is about; `nil` when it is about the whole run.
    package var stage: StageName? {
        switch self {
        case .stageStarted(let stage, _, _), .attemptFailed(let stage, _, _, _), .stageFailed(let stage, _, _, _), .stageReused(let stage, _, _, _),
            .stageSkipped(let stage, _, _), .stageCancelled(let stage, _):
            stage
        case .stagePublished(let execution, _): execution.stage
        case .planned, .started, .succeeded, .failed, .cancelled, .abandoned, .resumed: nil
        }
    }

    fileprivate var kindName: RunEventKind {
        switch self {
        case .planned: .planned
        case .started: .started
        case .stageStarted: .stageStarted
        case .attemptFailed: .attemptFailed
        case .stageFailed: .stageFailed
        case .stagePublished: .stagePublished
        case .stageReused: .stageReused
        case .stageSkipped: .stageSkipped
        case .stageCancelled: .stageCancelled
        case .succeeded: .succeeded
        case .failed: .failed
        case .cancelled: .cancelled
        case .abandoned: .abandoned
        case .resumed: .resumed
        }
    }
}

private enum RunEventKind: String {
    case planned = "run.planned"
    case started = "run.started"
    case stageStarted = "run.stage-started"
    case attemptFailed = "run.attempt-failed"
    case stageFailed = "run.stage-failed"
    case stagePublished = "run.stage-published"
    case stageReused = "run.stage-reused"
    case stageSkipped = "run.stage-skipped"
    case stageCancelled = "run.stage-cancelled"
    case succeeded = "run.succeeded"
    case failed = "run.failed"
    case cancelled = "run.cancelled"
    case abandoned = "run.abandoned"
    case resumed = "run.resumed"
}

/// The JSON of an event: one flat object whose keys depend on the kind.
private struct RunEventFields: Codable {
    var format = 1
    var run: RunID
    var at: Instant
    var outline: RunOutline?
    var stage: StageName?
    var attempt: Int?
    var fingerprint: StageFingerprint?
    var reasons: [RerunReason]?
    var failure: FailureReason?
    var execution: StageExecution?
    var reuse: ReuseReason?
    var because: StageName?
    var reason: String?

    init(run: RunID, at: Instant) {
        self.run = run
        self.at = at
    }
}

extension RunEvent {
    package func payload(of run: RunID) -> [UInt8] {
        var fields = RunEventFields(run: run, at: at)
        fields.stage = stage
        switch self {
        case .planned(let outline, _): fields.outline = outline
        case .stageStarted(_, let start, _): (fields.attempt, fields.fingerprint, fields.reasons) = (start.attempt, start.fingerprint, start.reasons)
        case .attemptFailed(_, let attempt, let failure, _), .stageFailed(_, let attempt, let failure, _):
            (fields.attempt, fields.failure) = (attempt, failure)
        case .stagePublished(let execution, _): fields.execution = execution
        case .stageReused(_, let execution, let reuse, _): (fields.execution, fields.reuse) = (execution, reuse)
        case .stageSkipped(_, let because, _): fields.because = because
        case .cancelled(let reason, _): fields.reason = reason
        case .started, .stageCancelled, .succeeded, .failed, .abandoned, .resumed: break
        }
        return StrictJSON.encode(fields)
    }

    /// Reads an entry's payload; `nil` when the kind is no run's.
    package static func read(kind: String, payload: [UInt8]) throws(PipelineError) -> (run: RunID, event: RunEvent)? {
        guard kind.hasPrefix("run.") else { return nil }
        let fields: RunEventFields
        do { fields = try StrictJSON.decode(from: payload) } catch {
            throw PipelineError(.unreadable, "the \(kind) entry cannot be read: \(StrictJSON.explain(error))")
        }
        guard fields.format == 1 else {
            throw PipelineError(.unreadable, "the \(kind) entry is of format \(fields.format); a newer program wrote it, update this one")
        }
        guard let known = RunEventKind(rawValue: kind) else {
            throw PipelineError(.unreadable, "entries of the kind \(cut(kind, to: 60)) are unknown; a newer program wrote it, update this one")
        }
        guard let event = event(known, fields) else { throw PipelineError(.unreadable, "the \(kind) entry lacks what its kind says") }
        return (fields.run, event)
    }

    private static func event(_ kind: RunEventKind, _ fields: RunEventFields) -> RunEvent? {
        let at = fields.at
        return switch kind {
        case .planned: fields.outline.map { .planned($0, at: at) }
        case .started: .started(at: at)
        case .stageCancelled: fields.stage.map { .stageCancelled($0, at: at) }
        case .succeeded: .succeeded(at: at)
        case .failed: .failed(at: at)
        case .cancelled: fields.reason.map { .cancelled(reason: $0, at: at) }
        case .abandoned: .abandoned(at: at)
        case .resumed: .resumed(at: at)
        case .stagePublished: fields.execution.flatMap { $0.stage == fields.stage ? .stagePublished($0, at: at) : nil }
        case .stageStarted, .attemptFailed, .stageFailed, .stageReused, .stageSkipped: fields.stage.flatMap { stageEvent(kind, $0, fields) }
        }
    }

    private static func stageEvent(_ kind: RunEventKind, _ stage: StageName, _ fields: RunEventFields) -> RunEvent? {
        switch (kind, fields.attempt, fields.failure, fields.execution) {
        case (.stageStarted, let attempt?, _, _):
            guard let fingerprint = fields.fingerprint, let reasons = fields.reasons else { return nil }
            return .stageStarted(stage, StageStart(attempt: attempt, fingerprint: fingerprint, reasons: reasons), at: fields.at)
        case (.attemptFailed, let attempt?, let failure?, _): return .attemptFailed(stage, attempt: attempt, failure, at: fields.at)
        case (.stageFailed, let attempt?, let failure?, _): return .stageFailed(stage, attempt: attempt, failure, at: fields.at)
        case (.stageReused, _, _, let execution?): return fields.reuse.map { .stageReused(stage, execution, $0, at: fields.at) }
        case (.stageSkipped, _, _, _): return fields.because.map { .stageSkipped(stage, because: $0, at: fields.at) }
        default: return nil
        }
    }
}
