// Per stage: is its result known, must it run and why, or is it too early to say.

/// What should happen to each stage, looked at once.
///
/// A plan is made again after every stage that finishes: outputs that were not known then decide what comes next. That is also how an early
/// cutoff comes about: a stage behind one that ran again is reused when it finds the content that it knew.
///
/// Before a stage with the decision `run` is started, a catalog that was not loaded whole is asked for `components.fingerprint`; what it finds is
/// inserted into the known executions, and the plan made again.
package struct Plan: Hashable, Sendable {
    package enum Decision: Hashable, Sendable {
        /// In the run at hand, before this plan was made.
        case finished(StageOutcome)
        case reuse(StageExecution, ReuseReason)
        /// Never empty.
        case run([RerunReason])
        /// These stages, whose outputs it reads, have no result yet.
        case waiting(on: [StageName])
    }

    package struct Step: Hashable, Sendable {
        package var stage: StageName
        package var decision: Decision
        /// With `reuse` and `run`.
        package var components: StageComponents?
    }

    /// In topological order.
    package let steps: [Step]

    /// `declared` has every stage of the graph. `finished` are the results of the run at hand. A stage in `forced` runs even if its result is known.
    package init(
        graph: PipelineGraph, declared: [StageName: DeclaredComponents], known: KnownExecutions, finished: [StageName: StageOutcome] = [:],
        forced: Set<StageName> = []
    ) {
        var outcomes = finished
        var steps: [Step] = []
        for stage in graph.orderedStages {
            guard let declared = declared[stage.name] else { preconditionFailure("a plan needs the components of every stage of its graph") }
            var step = Step(stage: stage.name, decision: .waiting(on: []))
            let (inputs, missing) = Self.inputs(of: stage, outcomes)
            if let outcome = finished[stage.name] {
                step.decision = .finished(outcome)
            } else if missing.isEmpty {
                let components = StageComponents(declared, inputs: inputs)
                step.components = components
                step.decision = Self.decide(stage, components, known, outcomes, isForced: forced.contains(stage.name))
            } else {
                step.decision = .waiting(on: graph.producers(of: stage.name).filter { missing.contains($0) })
            }
            if case .reuse(let execution, _) = step.decision { outcomes[stage.name] = .reused(execution) }
            steps.append(step)
        }
        self.steps = steps
    }

    package subscript(stage: StageName) -> Decision? { steps.first { $0.stage == stage }?.decision }

    private static func inputs(
        of stage: StageSpec, _ outcomes: [StageName: StageOutcome]
    ) -> (known: [SlotName: InputComponent], missing: Set<StageName>) {
        var known: [SlotName: InputComponent] = [:]
        var missing: Set<StageName> = []
        for input in stage.inputs {
            if let content = outcomes[input.from.stage]?.execution.outputs[input.from.output] {
                known[input.name] = InputComponent(content: content, producer: input.from)
            } else {
                missing.insert(input.from.stage)
            }
        }
        return (known, missing)
    }

    private static func decide(
        _ stage: StageSpec, _ components: StageComponents, _ known: KnownExecutions, _ outcomes: [StageName: StageOutcome], isForced: Bool
    ) -> Decision {
        var reasons: [RerunReason] = isForced ? [.forced] : []
        if components.declared.determinism == .none { reasons.append(.determinismNone) }
        func differences() -> [RerunReason] { known.newestComponents(of: stage.name).map { components.differences(from: $0) } ?? [] }
        guard let execution = known.execution(of: components.fingerprint) else {
            // Without a difference the newest execution was found damaged: it counts as none.
            let differences = differences()
            return .run(reasons + (differences.isEmpty ? [.neverRun] : differences))
        }
        for output in stage.outputs where execution.outputs[output.name].map({ known.missing.contains($0) }) ?? true {
            reasons.append(.artifactMissing(output.name))
        }
        guard reasons.isEmpty else { return .run(reasons + differences()) }
        var again: [OutputReference] = []
        for input in stage.inputs where !again.contains(input.from) {
            if case .ran = outcomes[input.from.stage] { again.append(input.from) }
        }
        return .reuse(execution, again.isEmpty ? .unchanged : .sameOutputs(again))
    }
}
