// One run, from its plan to its end: each step is recorded before the next is taken.
internal import Pipelines
internal import Ports
internal import Primitives

struct RunSession {
    let dependencies: PipelineExecutor.Dependencies
    let pipeline: PreparedPipeline
    private let progress: @Sendable (RunProgress) -> Void
    private(set) var run: PipelineRun
    private var revision = 1
    private var memory: Memory
    private var reports: [StageReport] = []

    init(
        _ dependencies: PipelineExecutor.Dependencies, _ pipeline: PreparedPipeline, id: RunID, progress: @escaping @Sendable (RunProgress) -> Void
    ) async throws {
        let event = RunEvent.planned(RunOutline(pipeline.graph, file: pipeline.file), at: dependencies.clock.now())
        run = try PipelineRun(id, event)
        try await dependencies.catalog.append(event, to: id, of: run.pipeline, revision: 0, components: nil)
        self.dependencies = dependencies
        self.pipeline = pipeline
        self.progress = progress
        memory = Memory(dependencies)
    }

    private var now: Instant { dependencies.clock.now() }

    mutating func run(forced: Set<StageName>) async throws -> RunReport {
        try await record(.started(at: now))
        progress(.began(run.id, sandbox: dependencies.runner.layers))
        while !Task.isCancelled, try await step(forced) {}
        switch run.verdict {
        case .succeeded: try await record(.succeeded(at: now))
        case .failed: try await record(.failed(at: now))
        default:
            for stage in run.stages where !stage.state.isTerminal { report(StageReport(stage: stage.name, outcome: .cancelled, why: "the run was stopped", seconds: 0)) }
            try await record(.cancelled(reason: "it was stopped on request", at: now))
        }
        return RunReport(run: run.id, pipeline: run.pipeline, phase: run.phase, stages: reports)
    }

    /// The next stage that can be reused, or else run; false when there is none.
    private mutating func step(_ forced: Set<StageName>) async throws -> Bool {
        let plan = try await memory.plan(pipeline, finished: run.outcomes, forced: forced)
        let open = plan.steps.filter { run.stage($0.stage)?.state == .waiting }
        for step in open {
            guard case .reuse(let execution, let reason) = step.decision else { continue }
            try await record(.stageReused(step.stage, execution, reason, at: now))
            var report = StageReport(stage: step.stage, outcome: .reused, why: reason.sentence, seconds: 0)
            report.outputs = execution.outputs
            self.report(report)
            return true
        }
        for step in open {
            guard case .run(let reasons) = step.decision, let components = step.components else { continue }
            try await attempt(try pipeline.graph.stage(step.stage), components, reasons)
            return true
        }
        return false
    }

    private mutating func attempt(_ stage: StageSpec, _ components: StageComponents, _ reasons: [RerunReason]) async throws {
        let number = (run.stage(stage.name)?.attempts ?? 0) + 1
        let started = now, began = ContinuousClock.now
        try await record(.stageStarted(stage.name, StageStart(attempt: number, fingerprint: components.fingerprint, reasons: reasons), at: started))
        progress(.stageBegan(stage.name, attempt: number))
        let ending: StageAttempt.Ending
        do {
            ending = try await StageAttempt(dependencies: dependencies, pipeline: pipeline, run: run, stage: stage, number: number).carryOut(components)
        } catch {
            // What failed is ours or the machine's, not the stage's: nobody can say how it would have ended.
            try? await record(.abandoned(at: now))
            throw error
        }
        var report = StageReport(
            stage: stage.name, outcome: .ran, why: reasons.map(\.sentence).joined(separator: "; "), seconds: (ContinuousClock.now - began).seconds)
        report.log = ending.log
        switch ending.result {
        case .made(let outputs):
            let execution = StageExecution(
                run: run.id, stage: stage.name, attempt: number, fingerprint: components.fingerprint, outputs: outputs.mapValues(\.content),
                sandbox: ending.sandbox, started: started, finished: now)
            try await record(.stagePublished(execution, at: execution.finished), components)
            memory.remember(execution)
            report.reasons = reasons
            report.outputs = execution.outputs
            report.rows = outputs.compactMapValues(\.rows)
            self.report(report)
        case .cancelled:
            try await record(.stageCancelled(stage.name, at: now))
            report.outcome = .cancelled
            report.why = FailureReason.cancelled.sentence
            self.report(report)
        case .failed(let reason): try await fail(stage, number, reason, report, ending.lastLine)
        }
    }

    private mutating func fail(_ stage: StageSpec, _ number: Int, _ reason: FailureReason, _ report: StageReport, _ lastLine: String) async throws {
        if run.stage(stage.name)?.mayRetry(after: reason) == true {
            try await record(.attemptFailed(stage.name, attempt: number, reason, at: now))
            progress(.attemptFailed(stage.name, attempt: number, reason))
            return
        }
        try await record(.stageFailed(stage.name, attempt: number, reason, at: now))
        var report = report
        report.outcome = .failed
        report.why = reason.sentence + (lastLine.isEmpty ? "" : "; it last said: \(lastLine)") + advice(reason, lastLine)
        self.report(report)
        for waiting in run.waitingBehind(stage.name) {
            try await record(.stageSkipped(waiting, because: stage.name, at: now))
            self.report(StageReport(stage: waiting, outcome: .skipped, why: "'\(stage.name)', on which it depends, failed", seconds: 0))
        }
    }

    /// What the system says in a box of something that may well be there outside.
    private static let absences = ["No such file or directory", "Permission denied", "Read-only file system", "Network is unreachable", "Connection refused", "name resolution"]

    private func advice(_ reason: FailureReason, _ lastLine: String) -> String {
        guard case .exited = reason, dependencies.runner.layers.first != "none", Self.absences.contains(where: lastLine.contains) else { return "" }
        return "; a stage sees only what penstock.yaml declares, so name what it needs in its 'sources', 'inputs' or 'code'"
    }

    private mutating func report(_ report: StageReport) {
        reports.append(report)
        progress(.stageEnded(report))
    }

    /// Durable when it returns; only then is it believed.
    private mutating func record(_ event: RunEvent, _ components: StageComponents? = nil) async throws {
        var next = run
        try next.apply(event)
        try await dependencies.catalog.append(event, to: run.id, of: run.pipeline, revision: revision, components: components)
        run = next
        revision += 1
    }
}
