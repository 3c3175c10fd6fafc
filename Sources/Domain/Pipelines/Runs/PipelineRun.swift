// One run's life: which event may follow which, and what is then true.
package import Primitives

/// Where a run stands. Each phase's comment lists the phases that may follow.
package enum RunPhase: String, Codable, Hashable, Sendable, CaseIterable {
    /// → running, cancelled
    case planned
    /// → succeeded, failed, cancelled, abandoned
    case running
    case succeeded
    case failed
    case cancelled
    /// → running, when another executor resumes it; cancelled
    case abandoned

    package var isTerminal: Bool {
        switch self {
        case .succeeded, .failed, .cancelled: true
        case .planned, .running, .abandoned: false
        }
    }
}

/// A run as its events tell it. A pure fold: the same events give the same value, with no clock and no store.
package struct PipelineRun: Hashable, Sendable {
    package let id: RunID
    package let pipeline: PipelineName
    package let file: Digest
    package private(set) var phase: RunPhase
    /// In the order of the outline.
    package private(set) var stages: [StageRecord]
    /// Why it was cancelled.
    package private(set) var ending: String?
    package private(set) var changed: Instant

    /// Begins with the `planned` event.
    package init(_ id: RunID, _ event: RunEvent) throws(PipelineError) {
        guard case .planned(let outline, let at) = event else {
            throw PipelineError(.phase, "the run \(id) begins with its plan, not with \(event.kind)")
        }
        if let fault = outline.fault { throw PipelineError(.phase, "the outline of the run \(id) cannot be followed: \(fault)") }
        self.id = id
        pipeline = outline.pipeline
        file = outline.file
        phase = .planned
        stages = outline.stages.map { StageRecord($0) }
        changed = at
    }

    package static func fold(_ id: RunID, _ events: some Sequence<RunEvent>) throws(PipelineError) -> PipelineRun? {
        var run: PipelineRun?
        for event in events {
            if run == nil { run = try PipelineRun(id, event) } else { try run?.apply(event) }
        }
        return run
    }

    package func stage(_ name: StageName) -> StageRecord? { stages.first { $0.name == name } }

    /// What the stages gave so far: `finished` of a plan.
    package var outcomes: [StageName: StageOutcome] {
        Dictionary(stages.compactMap { stage in stage.state.outcome.map { (stage.name, $0) } }, uniquingKeysWith: { first, _ in first })
    }

    /// Everything that cannot run because this stage failed, in the outline's order: each is to be skipped because of it.
    package func waitingBehind(_ failed: StageName) -> [StageName] {
        stages.filter { !$0.state.isTerminal && upstream(of: $0).contains(failed) }.map(\.name)
    }

    /// How the run ends when nothing of it waits or runs any more; `nil` before.
    package var verdict: RunPhase? {
        guard stages.allSatisfy({ $0.state.isTerminal }) else { return nil }
        if stages.contains(where: { $0.state == .cancelled }) { return .cancelled }
        return stages.allSatisfy { $0.state.outcome != nil } ? .succeeded : .failed
    }

    /// Takes the next event, or throws and changes nothing when it may not follow.
    package mutating func apply(_ event: RunEvent) throws(PipelineError) {
        var next = self
        switch (phase, event) {
        case (.planned, .started), (.abandoned, .resumed):
            next.phase = .running
            next.move(from: { if case .abandoned = $0 { true } else { false } }, at: event.at) { _ in .waiting }
        case (.running, .stageStarted), (.running, .attemptFailed), (.running, .stageFailed), (.running, .stagePublished), (.running, .stageReused),
            (.running, .stageSkipped), (.running, .stageCancelled):
            try next.applyToStage(event)
        case (.running, .succeeded): try next.end(.succeeded, event)
        case (.running, .failed): try next.end(.failed, event)
        case (.planned, .cancelled(let reason, _)), (.running, .cancelled(let reason, _)), (.abandoned, .cancelled(let reason, _)):
            if let busy = stages.first(where: { if case .running = $0.state { true } else { false } }) {
                throw PipelineError(.phase, "the run \(id) cannot be cancelled while its stage '\(busy.name)' is running; stop that first", stage: busy.name)
            }
            if let verdict, verdict != .cancelled {
                throw PipelineError(.phase, "the run \(id) has nothing left to cancel; record that it \(verdict == .failed ? "failed" : "succeeded")")
            }
            next.move(from: { !$0.isTerminal }, at: event.at) { _ in .cancelled }
            next.phase = .cancelled
            next.ending = reason
        case (.running, .abandoned):
            next.move(from: { if case .running = $0 { true } else { false } }, at: event.at) { .abandoned(attempt: $0.attempts) }
            next.phase = .abandoned
        case (_, .planned), (_, .started), (_, .stageStarted), (_, .attemptFailed), (_, .stageFailed), (_, .stagePublished), (_, .stageReused),
            (_, .stageSkipped), (_, .stageCancelled), (_, .succeeded), (_, .failed), (_, .cancelled), (_, .abandoned), (_, .resumed):
            throw PipelineError(.phase, "the run \(id) is \(phase.rawValue), so \(event.kind) cannot follow\(phase.isTerminal ? "; start a new run" : "")", stage: event.stage)
        }
        next.changed = event.at
        self = next
    }

    private mutating func move(from fitting: (StageState) -> Bool, at: Instant, to state: (StageRecord) -> StageState) {
        for index in stages.indices where fitting(stages[index].state) {
            stages[index].state = state(stages[index])
            stages[index].endedAt = stages[index].state == .waiting ? nil : at
        }
    }

    private mutating func end(_ phase: RunPhase, _ event: RunEvent) throws(PipelineError) {
        guard verdict == phase else {
            let open = stages.first { !$0.state.isTerminal } ?? stages.first { $0.state.outcome == nil }
            let standing = open.map { ": '\($0.name)' is \($0.state.spelled)" } ?? ": all its stages have their outputs"
            throw PipelineError(.phase, "the run \(id) has not \(phase.rawValue)\(standing)", stage: open?.name)
        }
        self.phase = phase
    }

    /// All stages that the stage depends on.
    func upstream(of stage: StageRecord) -> Set<StageName> {
        var found = Set(stage.outline.needs)
        for earlier in stages.reversed() where found.contains(earlier.name) { found.formUnion(earlier.outline.needs) }
        return found
    }

    mutating func change(_ name: StageName, _ body: (inout StageRecord) throws(PipelineError) -> Void) throws(PipelineError) {
        guard let index = stages.firstIndex(where: { $0.name == name }) else {
            throw PipelineError(.unknownName, "the run \(id) has no stage '\(name)'; its stages: \(spelled(stages.map(\.name)))", stage: name)
        }
        try body(&stages[index])
    }
}
