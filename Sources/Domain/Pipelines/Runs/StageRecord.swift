// Where one stage of a run stands, and what happened to it so far.
package import Primitives

/// Each state's comment lists the states that may follow.
package enum StageState: Hashable, Sendable {
    /// → running, reused, skipped, cancelled
    case waiting
    /// → published, failed, cancelled, abandoned; waiting, when another attempt follows
    case running(attempt: Int)
    case published(StageExecution)
    case reused(StageExecution, ReuseReason)
    case failed(FailureReason)
    /// Because of this failed stage.
    case skipped(because: StageName)
    case cancelled
    /// → waiting, when the run is resumed; cancelled
    case abandoned(attempt: Int)

    package var spelled: String {
        switch self {
        case .waiting: "waiting"
        case .running(let attempt): attempt == 1 ? "running" : "running (attempt \(attempt))"
        case .published: "published"
        case .reused: "reused"
        case .failed: "failed"
        case .skipped(let cause): "skipped because of \(cause)"
        case .cancelled: "cancelled"
        case .abandoned: "abandoned"
        }
    }

    /// Ended for good in this run.
    package var isTerminal: Bool {
        switch self {
        case .published, .reused, .failed, .skipped, .cancelled: true
        case .waiting, .running, .abandoned: false
        }
    }

    /// What the stage gave to those that read from it.
    package var outcome: StageOutcome? {
        switch self {
        case .published(let execution): .ran(execution)
        case .reused(let execution, _): .reused(execution)
        case .waiting, .running, .failed, .skipped, .cancelled, .abandoned: nil
        }
    }
}

package struct StageRecord: Hashable, Sendable {
    package let outline: RunOutline.Stage
    package internal(set) var state: StageState = .waiting
    /// Of the newest attempt.
    package internal(set) var start: StageStart?
    package internal(set) var startedAt: Instant?
    package internal(set) var endedAt: Instant?
    /// One per failed attempt. An abandoned attempt is nobody's failure and costs no retry.
    package internal(set) var failures: [FailureReason] = []

    package var name: StageName { outline.name }
    package var attempts: Int { start?.attempt ?? 0 }

    /// Whether another attempt may follow one that ends now for this reason.
    package func mayRetry(after reason: FailureReason) -> Bool { reason.mayPass && failures.count < outline.retries }

    init(_ outline: RunOutline.Stage) { self.outline = outline }
}
