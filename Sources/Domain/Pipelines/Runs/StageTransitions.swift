// One stage's part in a run: which event may follow in which state.
private import Primitives

extension PipelineRun {
    /// Only called while the run is running.
    mutating func applyToStage(_ event: RunEvent) throws(PipelineError) {
        guard let name = event.stage else { preconditionFailure("only events about a stage are applied to one") }
        let run = self
        try change(name) { (record) throws(PipelineError) in
            switch (record.state, event) {
            case (.waiting, .stageStarted(_, let start, let at)): try run.begin(&record, start, at)
            case (.waiting, .stageReused(_, let execution, let reason, _)): try run.reuse(&record, execution, reason)
            case (.waiting, .stageSkipped(_, let cause, _)): try run.skip(&record, cause)
            case (.waiting, .stageCancelled), (.running, .stageCancelled): record.state = .cancelled
            case (.running(let attempt), .stagePublished(let execution, _)): try run.publish(&record, execution, attempt)
            case (.running(let attempt), .attemptFailed(_, let of, let failure, _)):
                try run.fail(&record, failure, of, running: attempt)
                guard record.mayRetry(after: failure) else {
                    throw PipelineError(.phase, "'\(name)' of the run \(run.id) has no attempt left after this: \(failure.sentence)", stage: name)
                }
                record.failures.append(failure)
                record.state = .waiting
            case (.running(let attempt), .stageFailed(_, let of, let failure, _)):
                try run.fail(&record, failure, of, running: attempt)
                record.failures.append(failure)
                record.state = .failed(failure)
            case (_, .stageStarted), (_, .attemptFailed), (_, .stageFailed), (_, .stagePublished), (_, .stageReused), (_, .stageSkipped),
                (_, .stageCancelled), (_, .planned), (_, .started), (_, .succeeded), (_, .failed), (_, .cancelled), (_, .abandoned), (_, .resumed):
                throw PipelineError(.phase, "the stage '\(name)' of the run \(run.id) is \(record.state.spelled), so \(event.kind) cannot follow", stage: name)
            }
            record.endedAt = record.state.isTerminal ? event.at : nil
        }
    }

    private func begin(_ record: inout StageRecord, _ start: StageStart, _ at: Instant) throws(PipelineError) {
        guard start.attempt == record.attempts + 1 else {
            throw refusal(record, "begins its attempt \(start.attempt) after \(record.attempts); attempts are counted one by one")
        }
        try checkNeeds(of: record)
        record.start = start
        record.startedAt = at
        record.state = .running(attempt: start.attempt)
    }

    private func reuse(_ record: inout StageRecord, _ execution: StageExecution, _ reason: ReuseReason) throws(PipelineError) {
        try checkNeeds(of: record)
        try checkOutputs(of: record, execution)
        record.state = .reused(execution, reason)
    }

    private func publish(_ record: inout StageRecord, _ execution: StageExecution, _ attempt: Int) throws(PipelineError) {
        guard execution.run == id, execution.attempt == attempt, execution.fingerprint == record.start?.fingerprint else {
            throw refusal(record, "publishes \(execution.id), which is not what attempt \(attempt) of this run set out to do")
        }
        try checkOutputs(of: record, execution)
        record.state = .published(execution)
    }

    private func fail(_ record: inout StageRecord, _ failure: FailureReason, _ attempt: Int, running: Int) throws(PipelineError) {
        guard attempt == running else { throw refusal(record, "is at attempt \(running), and it is attempt \(attempt) that failed") }
        guard failure != .cancelled else { throw refusal(record, "was stopped on request, which is no failure; record it as cancelled") }
    }

    private func skip(_ record: inout StageRecord, _ cause: StageName) throws(PipelineError) {
        guard upstream(of: record).contains(cause), case .failed = stage(cause)?.state else {
            throw refusal(record, "cannot be skipped because of '\(cause)', which is no failed stage that it depends on")
        }
        record.state = .skipped(because: cause)
    }

    private func checkNeeds(of record: StageRecord) throws(PipelineError) {
        for need in record.outline.needs {
            guard let state = stage(need)?.state, state.outcome == nil else { continue }
            throw refusal(record, "reads from '\(need)', which is \(state.spelled); its inputs are not there")
        }
    }

    private func checkOutputs(of record: StageRecord, _ execution: StageExecution) throws(PipelineError) {
        guard Set(execution.outputs.keys) == Set(record.outline.outputs) else {
            throw refusal(record, "has the outputs \(spelled(record.outline.outputs)), and \(execution.id) has \(spelled(execution.outputs.keys.sorted()))")
        }
    }

    private func refusal(_ record: StageRecord, _ sentence: String) -> PipelineError {
        PipelineError(.phase, "the stage '\(record.name)' of the run \(id) \(sentence)", stage: record.name)
    }
}
