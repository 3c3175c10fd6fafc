// One successful execution of a stage, and what a catalog knows of earlier ones.
package import Primitives

/// What was published: which outputs came of which fingerprint. Never changed once it is stored.
package struct StageExecution: Hashable, Sendable, Codable {
    package var run: RunID
    package var stage: StageName
    /// Counted from 1.
    package var attempt: Int
    package var fingerprint: StageFingerprint
    package var outputs: [SlotName: ArtifactContent]
    /// The layers that were around the stage; the first is `none` when it saw the whole machine.
    package var sandbox: [String]
    package var started: Instant
    package var finished: Instant

    package init(
        run: RunID, stage: StageName, attempt: Int, fingerprint: StageFingerprint, outputs: [SlotName: ArtifactContent], sandbox: [String],
        started: Instant, finished: Instant
    ) {
        self.run = run
        self.stage = stage
        self.attempt = attempt
        self.fingerprint = fingerprint
        self.outputs = outputs
        self.sandbox = sandbox
        self.started = started
        self.finished = finished
    }

    /// `run/stage/attempt`: no two executions share it.
    package var id: String { "\(run)/\(stage)/\(attempt)" }
}

/// What a plan may know of the past. A service fills it from its catalog; what is left out is not reused, and nothing worse.
package struct KnownExecutions: Hashable, Sendable {
    private var byFingerprint: [StageFingerprint: StageExecution] = [:]
    private var newest: [StageName: StageComponents] = [:]
    /// What executions made and the artifact store no longer has.
    package var missing: Set<ArtifactContent>

    package init(missing: Set<ArtifactContent> = []) { self.missing = missing }

    /// Of two executions with one fingerprint the later insertion counts.
    package mutating func insert(_ execution: StageExecution) { byFingerprint[execution.fingerprint] = execution }

    /// The stage's newest execution, with what it was made from, for telling differences.
    package mutating func insert(newest execution: StageExecution, components: StageComponents) {
        newest[execution.stage] = components
        // A record whose parts disagree explains a difference at worst; it is not reused.
        if components.fingerprint == execution.fingerprint { insert(execution) }
    }

    package func execution(of fingerprint: StageFingerprint) -> StageExecution? { byFingerprint[fingerprint] }

    package func newestComponents(of stage: StageName) -> StageComponents? { newest[stage] }
}

/// How a stage of the run at hand came to its outputs.
package enum StageOutcome: Hashable, Sendable {
    case ran(StageExecution)
    case reused(StageExecution)

    package var execution: StageExecution {
        switch self {
        case .ran(let execution), .reused(let execution): execution
        }
    }
}
