// A pipeline whose stages fit together, in the order in which they may run.
package import Contracts
private import Primitives

/// A validated pipeline. Whatever else is asked of it is about stages that exist, in an order without circles.
package struct PipelineGraph: Hashable, Sendable {
    package let spec: PipelineSpec
    /// Every stage after all stages that it reads from; where that leaves a choice, in the order of the file.
    package let order: [StageName]
    private let stages: [StageName: StageSpec]
    /// Whom each stage reads from directly, in topological order.
    private let producers: [StageName: [StageName]]

    /// `contracts` holds what was read from every path in `spec.contracts`. Throws one error with all problems.
    package init(validating spec: PipelineSpec, contracts: [ProjectPath: DataContract]) throws(PipelineError) {
        let order = GraphOrder(spec)
        let problems = GraphNames(spec).problems + GraphEdges(spec).problems + order.problems + ContractFit(spec, contracts).problems
        guard problems.isEmpty else {
            let sorted = problems.enumerated().sorted { ($0.element.place.line, $0.offset) < ($1.element.place.line, $1.offset) }.map(\.element)
            throw PipelineError(.graph, sorted.map(\.description).joined(separator: "\n"), problems: sorted)
        }
        self.init(spec, order: order.sorted)
    }

    private init(_ spec: PipelineSpec, order: [StageName]) {
        let stages = Dictionary(spec.stages.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        producers = stages.mapValues { stage in
            let read = Set(stage.inputs.map(\.from.stage))
            return order.filter { read.contains($0) }
        }
        self.spec = spec
        self.order = order
        self.stages = stages
    }

    package var orderedStages: [StageSpec] { order.compactMap { stages[$0] } }

    /// Throws for a name that the pipeline does not have, with those that it has.
    package func stage(_ name: StageName) throws(PipelineError) -> StageSpec {
        guard let stage = stages[name] else {
            throw PipelineError(.unknownName, "the pipeline '\(spec.name)' has no stage '\(name)'; its stages: \(spelled(order))")
        }
        return stage
    }

    /// Whom the stage reads from directly, in topological order; none for an unknown stage.
    package func producers(of stage: StageName) -> [StageName] { producers[stage] ?? [] }

    /// Everything that the stage's result depends on, itself left out, in topological order.
    package func upstream(of stage: StageName) -> [StageName] {
        var found: Set<StageName> = Set(producers(of: stage))
        for earlier in order.reversed() where found.contains(earlier) { found.formUnion(producers(of: earlier)) }
        return order.filter { found.contains($0) }
    }

    /// Everything that depends on the stage's result, itself left out, in topological order.
    package func downstream(of stage: StageName) -> [StageName] {
        var found: Set<StageName> = [stage]
        for later in order where producers(of: later).contains(where: { found.contains($0) }) { found.insert(later) }
        return order.filter { $0 != stage && found.contains($0) }
    }

    /// The pipeline of just these stages and what they depend on.
    package func limited(to targets: [StageName]) throws(PipelineError) -> PipelineGraph {
        var kept: Set<StageName> = []
        for target in targets { kept.formUnion(upstream(of: try stage(target).name) + [target]) }
        var spec = spec
        spec.stages.removeAll { !kept.contains($0.name) }
        return PipelineGraph(spec, order: order.filter { kept.contains($0) })
    }

    /// What the stage sees as its parameters: its own, and the pipeline's that it names.
    package func parameters(of stage: StageName) -> [ParameterName: ParameterValue] {
        stages[stage].map { spec.parameters(of: $0) } ?? [:]
    }
}

extension PipelineSpec {
    /// Leaves out what a stage names and the pipeline does not have; a graph has no such stage.
    func parameters(of stage: StageSpec) -> [ParameterName: ParameterValue] {
        var values: [ParameterName: ParameterValue] = [:]
        for parameter in stage.parameters {
            values[parameter.name] = parameter.value ?? parameters.first { $0.name == parameter.name }?.value
        }
        return values
    }
}
